"""config.toml and the environment, parsed once into typed values.

The dataclasses below are the settings: a section each, a field a key, its default and the values it may take.
What each one means for the operator stands in config.toml and docs/configuration.md; a test holds the three together.

Longer than most files here: whoever looks for a setting finds its type, its limits and what reads it on one page.
"""

import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_type_hints
from urllib.parse import urlsplit

from microblog.config.sources import Given, Variables, read_dotenv, read_toml, reason
from microblog.config.values import Between, OneOf, Shape, UnfitError, convert, sentence, shown, yes_or_no

ROOT = Path(__file__).resolve().parents[2]

SHIPPED = "config.toml"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Shown masked by `manage.py config`, and never repeated in a message.
SECRETS = frozenset({"security.secret_key", "mail.password", "metrics.token", "alerts.sentry_dsn"})


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds one clear sentence each, and the text all of them."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_HOST = r"[^\s/@\"'<>]{1,253}"
_ADDRESS = r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,255}"
_WEEKDAY = r"((mon|tues|wednes|thurs|fri|satur|sun)day)?"
_ONE_LINE = r"[^\x00-\x1f\x7f]*"


@dataclass(frozen=True)
class Site:
    name: Annotated[str, Shape(r"[^\x00-\x1f\x7f]{1,50}", "1 to 50 characters on one line")] = "Microblog"
    url: Annotated[
        str, Shape(rf"https?://{_HOST}/?", "an address such as https://blog.example.org, without a path")
    ] = "http://127.0.0.1:5000"
    environment: Annotated[str, Shape(r"[a-z][a-z0-9-]{0,19}", "a short word in small letters, such as staging")] = (
        "production"
    )
    contact: Annotated[str, Shape(rf"({_ADDRESS})?", "an e-mail address, or empty")] = ""


@dataclass(frozen=True)
class Server:
    host: Annotated[str, Shape(_HOST, "an address to listen on, such as 127.0.0.1")] = "127.0.0.1"
    port: Annotated[int, Between(0, 65535)] = 5000
    workers: Annotated[int, Between(1, 64)] = 2
    threads: Annotated[int, Between(1, 256)] = 8
    trusted_hosts: Annotated[tuple[str, ...], Shape(_HOST, "a list of host names")] = ()
    proxies: Annotated[int, Between(0, 10)] = 0
    max_body_bytes: Annotated[int, Between(1_000, 1_000_000_000)] = 1_048_576


@dataclass(frozen=True)
class Paths:
    data: Annotated[str, Shape(r"[^\x00]+", "a directory")] = "instance"


@dataclass(frozen=True)
class Database:
    url: Annotated[
        str,
        Shape(r"sqlite://.*|postgresql\+psycopg://.+", "an address that begins with sqlite:/// or postgresql://"),
    ] = field(default="sqlite:///microblog.db", repr=False)


@dataclass(frozen=True)
class Logs:
    directory: Annotated[str, Shape(r"[^\x00]+", "a directory")] = "logs"
    level: Annotated[str, OneOf(("debug", "info", "warning", "error", "critical"))] = "info"
    max_bytes: Annotated[int, Between(1_000, 100_000_000_000)] = 20_000_000
    backups: Annotated[int, Between(0, 10_000)] = 10
    keep_days: Annotated[int, Between(0, 36_500)] = 0
    sender_bytes: Annotated[int, Between(0, 1_000_000_000)] = 500
    console: Annotated[str, OneOf(("auto", "on", "off"))] = "auto"
    addresses: Annotated[str, OneOf(("full", "short", "off"))] = "full"


@dataclass(frozen=True)
class Mail:
    server: Annotated[str, Shape(rf"({_HOST})?", "a host name, or empty")] = ""
    port: Annotated[int, Between(1, 65535)] = 25
    tls: Annotated[str, OneOf(("none", "starttls", "ssl"))] = "none"
    username: Annotated[str, Shape(_ONE_LINE, "text on one line")] = ""
    password: Annotated[str, Shape(_ONE_LINE, "text on one line")] = field(default="", repr=False)
    sender: Annotated[str, Shape(rf"({_ADDRESS})?", "an e-mail address, or empty")] = ""
    admins: Annotated[tuple[str, ...], Shape(_ADDRESS, "a list of e-mail addresses")] = ()
    other_admins: Annotated[tuple[str, ...], Shape(_ADDRESS, "a list of e-mail addresses")] = ()
    timeout: Annotated[float, Between(0.1, 300)] = 10


@dataclass(frozen=True)
class Alerts:
    first_wait: Annotated[float, Between(0, 3600)] = 5
    backoff: Annotated[tuple[int, ...], Between(1, 31_536_000)] = (300, 900, 3600, 21600, 86400)
    hourly_cap: Annotated[int, Between(1, 1_000)] = 20
    digest: Annotated[int, Between(1, 604_800)] = 3600
    sentry_dsn: Annotated[
        str, Shape(rf"(https?://[^\s/@]+@{_HOST}/(\S*/)?[0-9]+)?", "an address such as https://key@host/1, or empty")
    ] = field(default="", repr=False)
    daily: Annotated[str, Shape(r"(([01][0-9]|2[0-3]):[0-5][0-9])?", "a time such as 08:00, or empty")] = "08:00"
    weekly: Annotated[str, Shape(_WEEKDAY, "a day of the week in small letters, such as monday, or empty")] = "monday"


@dataclass(frozen=True)
class Profile:
    about_me_max: Annotated[int, Between(1, 5_000)] = 140
    display_name_max: Annotated[int, Between(1, 200)] = 50
    location_max: Annotated[int, Between(1, 200)] = 60
    website_max: Annotated[int, Between(20, 500)] = 200
    avatar_max_bytes: Annotated[int, Between(10_000, 100_000_000)] = 5_000_000
    former_name_days: Annotated[int, Between(0, 36_500)] = 30


@dataclass(frozen=True)
class Posts:
    max_length: Annotated[int, Between(1, 2_000)] = 500
    page_size: Annotated[int, Between(5, 100)] = 25
    per_five_minutes: Annotated[int, Between(1, 10_000)] = 30
    versions_kept: Annotated[int, Between(1, 1_000)] = 50


@dataclass(frozen=True)
class Security:
    secret_key: Annotated[str, Shape(_ONE_LINE, "text on one line")] = field(default="", repr=False)
    login_attempts: Annotated[int, Between(1, 10_000)] = 10
    registrations: Annotated[int, Between(1, 100_000)] = 10
    session_idle_days: Annotated[int, Between(1, 3_650)] = 14
    session_max_days: Annotated[int, Between(1, 3_650)] = 90
    password_min: Annotated[int, Between(8, 128)] = 8
    follows: Annotated[int, Between(1, 10_000)] = 60
    reports: Annotated[int, Between(1, 10_000)] = 20


@dataclass(frozen=True)
class Backup:
    directory: Annotated[str, Shape(r"[^\x00]+", "a directory")] = "backups"
    keep: Annotated[int, Between(1, 10_000)] = 14


@dataclass(frozen=True)
class Metrics:
    token: Annotated[str, Shape(r"([!-~]{16,})?", "at least 16 letters and digits without a space, or empty")] = field(
        default="", repr=False
    )
    addresses: Annotated[
        tuple[str, ...], Shape(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", "a list of addresses or networks, such as 10.0.0.0/8")
    ] = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class Settings:
    """Every setting, plus what loading them found out: where each came from, and what the operator should know."""

    site: Site = field(default_factory=Site)
    server: Server = field(default_factory=Server)
    paths: Paths = field(default_factory=Paths)
    database: Database = field(default_factory=Database)
    logs: Logs = field(default_factory=Logs)
    mail: Mail = field(default_factory=Mail)
    alerts: Alerts = field(default_factory=Alerts)
    profile: Profile = field(default_factory=Profile)
    posts: Posts = field(default_factory=Posts)
    security: Security = field(default_factory=Security)
    backup: Backup = field(default_factory=Backup)
    metrics: Metrics = field(default_factory=Metrics)

    debug: bool = False  # FLASK_DEBUG=1: `run` means `run --debug`
    notices: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def data_dir(self) -> Path:
        """Where the database, the secret key and the avatars live; absolute."""
        return ROOT / self.paths.data

    @property
    def log_dir(self) -> Path:
        """Where the JSON logs are written; absolute."""
        return ROOT / self.logs.directory

    @property
    def backup_dir(self) -> Path:
        """Where `manage.py backup` writes; absolute."""
        return self.data_dir / self.backup.directory

    @property
    def administrators(self) -> tuple[str, ...]:
        """Who gets error mail: mail.admins in production; elsewhere only who was named for elsewhere."""
        return self.mail.admins if self.site.environment == "production" else self.mail.other_admins

    @property
    def database_url(self) -> str:
        """The SQLAlchemy address; a relative SQLite path is taken relative to the data directory."""
        prefix = "sqlite:///"
        path = self.database.url.removeprefix(prefix)
        if self.database.url.startswith(prefix) and path not in {"", ":memory:"}:
            return prefix + str(self.data_dir / path)
        return self.database.url


SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        f.name: hint
        for f in fields(Settings)
        if isinstance(hint := get_type_hints(Settings)[f.name], type) and hint is not bool
    }
)


def _schema() -> dict[str, object]:
    return {
        f"{section}.{key}": hint
        for section, cls in SECTIONS.items()
        for key, hint in get_type_hints(cls, include_extras=True).items()
    }


# section.key → the annotated type of the field.
KEYS: Mapping[str, object] = MappingProxyType(_schema())


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ, *, folder: Path = ROOT) -> Settings:
    """Read the settings: environment before .env before .flaskenv before the file before the defaults.

    `path` is the file (else MICROBLOG_CONFIG, else config.toml in `folder`); .env and .flaskenv lie in `folder`.
    Raises ConfigError with every problem there is, not only the first.
    """
    problems: list[str] = []
    # The least binding layer first: each later one overrides.
    layers: list[tuple[str, dict[str, tuple[str, str]]]] = [
        (name, read_dotenv(folder / name, problems)) for name in (".flaskenv", ".env")
    ]
    layers.append(("environment", {name: (text, f"environment variable {name}") for name, text in environ.items()}))
    variables = {name: both for _, layer in layers for name, both in layer.items()}

    given: dict[str, Given] = {}
    if path is None and "MICROBLOG_CONFIG" in variables:
        path = folder / variables["MICROBLOG_CONFIG"][0]
    shipped = folder / SHIPPED
    if path is not None and path != shipped:
        given |= read_toml(path, str(path), KEYS, problems)
    elif shipped.exists():
        given |= read_toml(shipped, SHIPPED, KEYS, problems)
    for _, layer in layers:
        texts = {name: text for name, (text, _) in layer.items()}
        places = {name: place for name, (_, place) in layer.items()}
        given |= Variables(texts, places.__getitem__, KEYS, folder).read(problems)

    values = _typed(given, problems)
    debug = _debug(variables, problems)
    sections: dict[str, Any] = {
        section: cls(**{key.split(".")[1]: value for key, value in values.items() if key.startswith(f"{section}.")})
        for section, cls in SECTIONS.items()
    }
    settings = Settings(
        **sections,
        debug=debug,
        sources={key: given[key].place if key in given else "default" for key in KEYS},
    )
    if not problems:
        problems += _contradictions(settings)
    if problems:
        raise ConfigError(*problems)
    return replace(settings, notices=_notices(settings, variables))


def _typed(given: Mapping[str, Given], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, one in given.items():
        value = one.value
        if key == "database.url" and isinstance(value, str):
            # Hosts hand out postgres://, which SQLAlchemy does not know, or a driver we do not ship.
            value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value.strip())
        if key == "site.url" and isinstance(value, str):
            value = value.rstrip("/")
        try:
            values[key] = convert(KEYS[key], value, spelled=one.spelled)
        except UnfitError as unfit:
            what = "" if key in SECRETS or key == "database.url" else f" = {shown(one.value)}"
            problems.append(sentence(f"{key}{what} ({one.place}) {unfit}"))
    return values


def _debug(variables: Mapping[str, tuple[str, str]], problems: list[str]) -> bool:
    text, place = variables.get("FLASK_DEBUG", ("", ""))
    if not text.strip():
        return False
    try:
        return yes_or_no(text)
    except UnfitError as unfit:
        problems.append(f"FLASK_DEBUG = {shown(text)} ({place}) {unfit}.")
        return False


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong only together."""
    found = []
    if settings.security.session_idle_days > settings.security.session_max_days:
        found.append(
            f"security.session_idle_days = {settings.security.session_idle_days} is longer than "
            f"security.session_max_days = {settings.security.session_max_days}; make it the shorter one."
        )
    for network in settings.metrics.addresses:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            found.append(f"metrics.addresses: {error}.")
    if list(settings.alerts.backoff) != sorted(set(settings.alerts.backoff)) or not settings.alerts.backoff:
        found.append("alerts.backoff must be a list of growing numbers of seconds, with at least one.")
    try:
        port = urlsplit(settings.site.url).port
    except ValueError:
        port = 0
    if port == 0:
        found.append(f"site.url = {shown(settings.site.url)} has a port that is none.")
    return found


def _notices(settings: Settings, variables: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """What works, but probably not as meant. That mail is off or half-set is told by logs/health.py, which tries."""
    mail = settings.mail
    found = []
    if "FLASK_ENV" in variables:
        found.append("FLASK_ENV has no effect since Flask 2.3; use FLASK_DEBUG=1 or `manage.py run --debug`.")
    if mail.server and mail.password and mail.tls == "none" and mail.server not in LOOPBACK:
        found.append(
            "The mail password travels unencrypted because mail.tls is none; starttls is usual (MAIL_USE_TLS=1)."
        )
    if mail.server and mail.tls == "ssl" and mail.port in {25, 587}:
        found.append(f"mail.tls is ssl but mail.port is {mail.port}; 465 is usual for ssl.")
    return tuple(found)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; 0.0.0.0, empty and unknown names are not."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def explicitly_production(settings: Settings) -> bool:
    """Whether somebody said that this is production; that the default says so does not count."""
    source = settings.sources.get("site.environment", "default")
    shipped = source == "default" or source.startswith(f"{SHIPPED},")
    return settings.site.environment == "production" and not shipped


SECRET_FILE = "secret_key"  # noqa: S105 - the name of the file


def ensure_secret(settings: Settings) -> str:
    """The key that signs cookies: security.secret_key, else the one in the data directory, made at the first call.

    Any number of processes may call this at once: a whole file is linked into place, and only the first link succeeds.
    Raises ConfigError when the file cannot be read or made.
    """
    if settings.security.secret_key:
        return settings.security.secret_key
    path = settings.data_dir / SECRET_FILE
    try:
        if not path.exists():
            settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=settings.data_dir, prefix=".secret_key.") as draft:  # made 0600
                draft.write(secrets.token_urlsafe(48) + "\n")
                draft.flush()
                os.fsync(draft.fileno())
                with suppress(FileExistsError):  # another process was first; its key counts
                    os.link(draft.name, path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The secret key {path} cannot be read or made: {reason(error)}; "
            "make the directory writable for this user, or set SECRET_KEY."
        ) from error
    if len(key) < 32:
        raise ConfigError(f"{path} does not hold a secret key; remove it, and the next start makes a new one.")
    return key


def plain(hint: object) -> object:
    """The type behind an `Annotated` one, for documentation and `manage.py config`."""
    return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
