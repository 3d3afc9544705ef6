"""The commands of manage.py, one module per noun.

Each module has `register(subparsers)`, which adds its parsers and names the function to call with
`set_defaults(run=function)`. That function takes the parsed arguments and the settings and returns the exit code.
A command that can do without settings says `set_defaults(settings=False)`; one that hands unknown arguments on to
another program says `set_defaults(rest=[])` and finds them there.
"""

import argparse
import importlib
import importlib.util
import os
import signal
import sys
import tomllib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError

from microblog.config.settings import ROOT, ConfigError, Settings, load
from microblog.config.values import did_you_mean, sentence
from microblog.db.schema import SchemaBehind

# In the order of --help: what everybody needs first.
MODULES = (
    *("run", "setup", "test", "check", "config", "db", "user", "posts", "logs", "errors"),
    *("mail", "backup", "restore", "drill", "demo", "bench"),
)
Command = Callable[[argparse.Namespace, Settings], int]
Subparsers = argparse._SubParsersAction  # the type that add_subparsers returns has no public name


class CommandFailed(Exception):
    """An expected failure of a command; the text is one sentence that says what to do next."""


class Parser(argparse.ArgumentParser):
    """Suggests the nearest word for a mistyped one, and keeps the line breaks of examples."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options, allow_abbrev=False)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(word) for word in action.choices]
            near = did_you_mean(str(value), known) or f"; there is {', '.join(known)}"
            raise argparse.ArgumentError(None, f"{value!r} is not known{near}")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{sentence(f'{self.prog}: {message}')}\n`python3 {self.prog} --help` shows what there is.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Expected failures become one sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = build(words[0] if words else "")
    parsed, unknown = parser.parse_known_args(words)
    if unknown and not hasattr(parsed, "rest"):
        parser.error(f"unknown: {' '.join(unknown)}")
    if not hasattr(parsed, "run"):
        parser.print_help()
        return 2
    if hasattr(parsed, "rest"):
        parsed.rest = words[1:]
    run: Command = parsed.run
    try:
        settings = load() if getattr(parsed, "settings", True) else Settings()
        return run(parsed, settings)
    except ConfigError as error:
        return _say(*error.problems, "`python3 manage.py config --help` and docs/configuration.md tell more.")
    except CommandFailed as error:
        return _say(str(error))
    except DBAPIError as error:
        return _say(f"The database does not do it: {str(error.orig).strip()}. `python3 manage.py check` looks closer.")
    except SchemaBehind:
        return _say("The database is at another version than this code: python3 manage.py db upgrade")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader (head, less) has enough; what is left in the buffer must not complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        if error.filename is None:
            raise
        return _say(f"{error.filename}: {error.strerror}. `python3 manage.py check` looks closer.")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def build(only: str = "") -> Parser:
    """The command line; of one command alone, if there is such a one, since the rest need not be imported for it."""
    parser = Parser(
        prog="manage.py",
        description="Microblog: a small social site whose errors cost nobody anything.",
        epilog="Example:\n  python3 manage.py run --port 8000\n\nEach command has its own --help, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"Microblog {version()}")
    subparsers = parser.add_subparsers(metavar="<command>", title="commands")
    for name in [only] if only in MODULES else MODULES:
        module = f"{__name__}.{name}"
        if importlib.util.find_spec(module):
            importlib.import_module(module).register(subparsers)
    return parser


def version() -> str:
    """The version of this checkout."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _say(*lines: str) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return 1
