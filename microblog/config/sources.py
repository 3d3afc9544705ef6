"""Where settings come from: config.toml, .flaskenv, .env and the environment, each as values that know their place."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from microblog.config.values import UnfitError, did_you_mean, sentence, shown, yes_or_no

PREFIX = "MICROBLOG_"
# Not settings: which file to read, and switches of the test suite.
RESERVED = re.compile(r"MICROBLOG_CONFIG|MICROBLOG_TEST_\w+")

# The names that tutorials and hosts use. Unlike the MICROBLOG_ names, an empty one counts as not set, as it does there.
ALIASES = {
    "SECRET_KEY": "security.secret_key",
    "DATABASE_URL": "database.url",
    "MAIL_SERVER": "mail.server",
    "MAIL_PORT": "mail.port",
    "MAIL_USERNAME": "mail.username",
    "MAIL_PASSWORD": "mail.password",
    "MAIL_FROM": "mail.sender",
    "MAIL_TIMEOUT": "mail.timeout",
    "ADMINS": "mail.admins",
    "APP_ENV": "site.environment",
}
TLS_SWITCHES = {"MAIL_USE_TLS": "starttls", "MAIL_USE_SSL": "ssl"}


@dataclass(frozen=True)
class Given:
    """One value as somebody gave it."""

    value: object
    place: str
    spelled: bool


def read_toml(path: Path, label: str, keys: Collection[str], problems: list[str]) -> dict[str, Given]:
    """The settings in a TOML file, which messages call `label`; what cannot be used goes to `problems` as sentences."""
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} cannot be read: {reason(error)}.")
        return {}
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{label} is not valid TOML: {error}.")
        return {}

    found: dict[str, Given] = {}
    sections = sorted({key.split(".")[0] for key in keys})
    for section, table in tables.items():
        place = f"{label}, line {_line(text, section, None)}"
        if not isinstance(table, dict):
            home = [key for key in keys if key.endswith(f".{section}")]
            hint = f"; it belongs under [{home[0].split('.')[0]}]" if home else did_you_mean(section, sections)
            problems.append(sentence(f"{section} ({place}) stands outside every section{hint}"))
        elif section not in sections:
            problems.append(sentence(f"[{section}] ({place}) is not a section{did_you_mean(section, sections)}"))
        else:
            for name, value in table.items():
                key, place = f"{section}.{name}", f"{label}, line {_line(text, section, name)}"
                if key in keys:
                    found[key] = Given(value, place, spelled=False)
                else:
                    problems.append(sentence(f"{key} ({place}) is not a setting{_nearest(key, keys)}"))
    return found


def _nearest(key: str, keys: Collection[str]) -> str:
    # The right name in the wrong section is the commonest slip, and further away than difflib looks.
    elsewhere = [known for known in keys if known.split(".")[1] == key.split(".")[1]]
    return f"; did you mean {elsewhere[0]}?" if elsewhere else did_you_mean(key, keys)


def _line(text: str, section: str, name: str | None) -> int:
    """The line of `name` in `[section]`: tomllib keeps no positions, and our file holds nothing but plain tables."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            current = header[1]
            if name is None and current == section:
                return number
        elif (word := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)) and (
            (name is None and current == "" and word[1] == section)
            or (current == section and word[1] == name)
            or (current == "" and word[1] == f"{section}.{name}")
        ):
            return number
    return 1


_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?""")
_ESCAPES = {r"\n": "\n", r"\"": '"', r"\\": "\\", r"\$": "$"}


def read_dotenv(path: Path, problems: list[str]) -> dict[str, tuple[str, str]]:
    """The variables of a .env file: name → (text, place). A missing file holds none; nothing is expanded or run."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} cannot be read: {reason(error)}.")
        return {}
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(lines, start=1):
        place = f"{path.name}, line {number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match is None:
            # The line is not repeated: it may hold a secret.
            problems.append(f"{place}, is not of the form NAME=value.")
            continue
        name, text = match.groups()
        if text[:1] in {"'", '"'}:
            quoted = _QUOTED.fullmatch(text)
            if quoted is None:
                problems.append(f"{name} ({place}) has an opening quote without a closing one on the same line.")
                continue
            plain, escaped = quoted.groups()
            text = plain if escaped is None else re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), escaped)
        else:
            text = re.sub(r"\s+#.*", "", text).strip()
        found[name] = (text, place)
    return found


def reason(error: Exception) -> str:
    """Why a file could not be read, in a few words."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


class Variables:
    """One layer of variables, the process's own or those of one file, as settings."""

    def __init__(self, texts: Mapping[str, str], place: Callable[[str], str], keys: Collection[str], folder: Path):
        self.texts, self.place, self.keys, self.folder = texts, place, keys, folder
        self.found: dict[str, Given] = {}
        self._named: dict[str, str] = {}

    def read(self, problems: list[str]) -> dict[str, Given]:
        """The settings among the variables, by key; what cannot be used goes to `problems`."""
        for name in sorted(self.texts):
            base = name.removesuffix("_FILE")
            if name.startswith(PREFIX) and not RESERVED.fullmatch(name):
                self._ours(name, problems)
            elif base in ALIASES and self.texts[name].strip():
                self._keep(ALIASES[base], name, from_file=name != base, problems=problems)
        self._tls(problems)
        return self.found

    def _ours(self, name: str, problems: list[str]) -> None:
        for spelling, from_file in ((name, False), (name.removesuffix("_FILE"), name.endswith("_FILE"))):
            key = spelling.removeprefix(PREFIX).lower().replace("__", ".", 1)
            if key in self.keys and spelling.isupper():
                self._keep(key, name, from_file=from_file, problems=problems)
                return
        known = [variable(key) for key in self.keys] + ["MICROBLOG_CONFIG"]
        where = self.place(name) if name in self.place(name) else f"{name} ({self.place(name)})"
        problems.append(sentence(f"{where} is not a setting{did_you_mean(name.upper(), known)}"))

    def _keep(self, key: str, name: str, *, from_file: bool, problems: list[str]) -> None:
        value, place = self.texts[name], self.place(name)
        if from_file:
            path = self.folder / value
            place = f"{path}, named by {place}"
            try:
                value = path.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{key}: {path}, named by {name}, cannot be read: {reason(error)}.")
                return
        if key in self.found and self.found[key].value != value:
            problems.append(f"{key} is set twice, by {self._named[key]} and by {name}; remove one of them.")
            return
        self.found[key] = Given(value, place, spelled=True)
        self._named[key] = name

    def _tls(self, problems: list[str]) -> None:
        """MAIL_USE_TLS and MAIL_USE_SSL are two switches for one setting."""
        on: list[str] = []
        seen: list[str] = []
        for name in TLS_SWITCHES:
            if not self.texts.get(name, "").strip():
                continue
            seen.append(name)
            try:
                if yes_or_no(self.texts[name]):
                    on.append(name)
            except UnfitError as error:
                problems.append(f"{name} = {shown(self.texts[name])} ({self.place(name)}) {error}.")
        if len(on) == 2:
            problems.append("MAIL_USE_TLS and MAIL_USE_SSL are both on; switch one off.")
        elif seen and "mail.tls" not in self.found:
            name = on[0] if on else seen[0]
            self.found["mail.tls"] = Given(TLS_SWITCHES[name] if on else "none", self.place(name), spelled=True)


def variable(key: str) -> str:
    """The environment variable that sets `key`: server.port is MICROBLOG_SERVER__PORT."""
    return PREFIX + key.upper().replace(".", "__")
