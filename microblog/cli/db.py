"""manage.py db: bring the database to the version of the code, and back."""

import argparse

from flask_migrate import current, downgrade, history
from flask_migrate import revision as new_revision
from flask_migrate import upgrade as run_upgrade

from microblog.cli.site import opened
from microblog.config.settings import Settings


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Make the database what the code needs; creates it where there is none. Raises SQLAlchemyError, OSError."""
    settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    with opened(settings, create_database=True):
        run_upgrade(revision=revision)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `db` and its commands."""
    parser = subparsers.add_parser(
        "db", help="the database's version", description=__doc__, epilog="Example: python3 manage.py db upgrade"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser(
        "upgrade", help="to the newest version, or to REVISION", epilog="Example: python3 manage.py db upgrade"
    )
    up.add_argument("revision", nargs="?", default="head", metavar="REVISION")
    up.set_defaults(run=_upgrade)
    down = commands.add_parser(
        "downgrade", help="one version back, or to REVISION", epilog="Example: python3 manage.py db downgrade"
    )
    down.add_argument("revision", nargs="?", default="-1", metavar="REVISION")
    down.set_defaults(run=_downgrade)
    make = commands.add_parser(
        "revision",
        help="write a migration from what changed in the models",
        epilog="Example: python3 manage.py db revision -m 'posts have a mood'",
    )
    make.add_argument("-m", "--message", required=True, help="what it does, in a few words")
    make.set_defaults(run=_revision)
    current = commands.add_parser(
        "current", help="the version the database has", epilog="Example: python3 manage.py db current"
    )
    current.set_defaults(run=_current)
    history = commands.add_parser("history", help="every version", epilog="Example: python3 manage.py db history")
    history.set_defaults(run=_history)


def _upgrade(args: argparse.Namespace, settings: Settings) -> int:
    upgrade(settings, args.revision)
    print(f"The database is at version {args.revision}.")
    return 0


def _downgrade(args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings, create_database=True):
        downgrade(revision=args.revision)
    print(f"The database went back to version {args.revision}.")
    return 0


def _revision(args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings, create_database=True):
        new_revision(message=args.message, autogenerate=True)
    print("Read what was written to migrations/versions before you commit it.")
    return 0


def _current(_args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings, create_database=True):
        current()
    return 0


def _history(_args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings, create_database=True):
        history()
    return 0
