"""`manage.py run`: the site, for production or, with --debug, for whoever changes it."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from microblog.alerts import health, sentry
from microblog.cli import CommandFailed, Subparsers, version
from microblog.cli.db import upgrade
from microblog.config.settings import (
    KEYS,
    SHIPPED,
    Settings,
    Site,
    ensure_secret,
    explicitly_production,
    is_loopback,
)
from microblog.config.values import UnfitError, convert, sentence, shown
from microblog.serving import development, production


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "run",
        help="serve the site",
        description="Bring the database up to date and serve the site.",
        epilog="Examples:\n  python3 manage.py run\n  python3 manage.py run --port 8000 --workers 4\n"
        "  python3 manage.py run --debug",
    )
    for name in ("host", "port", "workers", "threads"):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"instead of server.{name}")
    debug = parser.add_argument_group("for developers")
    debug.add_argument("--debug", action="store_true", help="one process, with debugger and reloader")
    debug.add_argument("--no-debugger", action="store_true", help="with --debug: for a debugger of your own")
    debug.add_argument("--no-reload", action="store_true", help="with --debug: do not start again when a file changes")
    debug.add_argument(
        "--passthrough-errors", action="store_true", help="with --debug: exceptions reach your own debugger"
    )
    debug.add_argument("--show-error-pages", action="store_true", help="with --debug: the error pages people see")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    settings = with_options(settings, arguments)
    try:
        return _serve(settings, arguments)
    except production.CannotListen as error:
        raise CommandFailed(str(error)) from error


def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.debug or settings.debug:
        settings = replace(settings, debug=True)
        refuse_debug(settings)
        return development.serve(
            settings,
            announce=announce,
            served=served_at,
            before=migrate,
            debugger=not arguments.no_debugger,
            reload=not arguments.no_reload,
            passthrough_errors=arguments.passthrough_errors,
            show_error_pages=arguments.show_error_pages,
        )
    # Before anything is touched: a start that is refused leaves the database alone.
    listener = production.listen(settings.server.host, settings.server.port)
    settings = served_at(settings, listener.getsockname()[1])
    ensure_secret(settings)
    migrate(settings)
    code = production.serve(settings, listener, version=version(), announce=announce)
    if code:
        raise CommandFailed(f"The site ended because its processes could not start; {log_file(settings)} says why.")
    return code


def migrate(settings: Settings) -> None:
    """Bring the database to the version of the code. Raises CommandFailed, DBAPIError."""
    try:
        upgrade(settings)
    except SystemExit as ended:  # Flask-Migrate's way with Alembic's errors, after it has shown them
        raise CommandFailed(
            "The database is of another release than this code: install that release again, or restore a backup; "
            "`python3 manage.py check` looks closer."
        ) from ended


def with_options(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """The settings with --host, --port, --workers and --threads in place. Raises CommandFailed."""
    given = {}
    for name in ("host", "port", "workers", "threads"):
        text = getattr(arguments, name)
        if text is not None:
            try:
                given[name] = convert(KEYS[f"server.{name}"], text, spelled=True)
            except UnfitError as unfit:
                raise CommandFailed(sentence(f"--{name} = {shown(text)} {unfit}")) from unfit
    return replace(settings, server=replace(settings.server, **given))


def served_at(settings: Settings, port: int) -> Settings:
    """The settings with the port that was really taken; site.url follows where nobody set it."""
    settings = replace(settings, server=replace(settings.server, port=port))
    source = settings.sources.get("site.url", "default")
    ours = source == "default" or source.startswith(SHIPPED)
    if ours and settings.site.url == Site.url and is_loopback(settings.server.host):
        settings = replace(settings, site=replace(settings.site, url=address(settings)))
    return settings


def address(settings: Settings) -> str:
    """Where the server listens, as one types it."""
    host = settings.server.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def refuse_debug(settings: Settings) -> None:
    """The debugger runs what it is told: nobody but the person at this machine may reach it. Raises CommandFailed."""
    if not is_loopback(settings.server.host):
        raise CommandFailed(
            f"--debug lets whoever reaches {settings.server.host} run code here, so it serves this machine only: "
            "leave out --host, or --debug."
        )
    if explicitly_production(settings):
        raise CommandFailed(
            f"--debug is refused because {settings.sources['site.environment']} says that this is production; "
            "unset it, or leave out --debug."
        )
    if not is_loopback(urlsplit(settings.site.url).hostname or ""):
        raise CommandFailed(
            f"--debug is refused because site.url = {settings.site.url} is a public address "
            f"({settings.sources.get('site.url', 'default')}); unset it, or leave out --debug."
        )


def log_file(settings: Settings) -> Path:
    """Where the records are."""
    return settings.log_dir / "microblog.jsonl"


def announce(settings: Settings, process: int) -> None:
    """What the operator should see first."""
    mail = health.notice(settings)
    print(f"Microblog {version()} on {address(settings)} (process {process})")
    print(f"  data {settings.data_dir}   log {log_file(settings)}   mail {'off' if mail else 'on'}")
    for notice in filter(None, (mail, sentry.missing(settings), *settings.notices)):
        print(f"  {notice}")
    if sys.stdout.isatty():
        print("  Ctrl+C stops it.")
    sys.stdout.flush()
