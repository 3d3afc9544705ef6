"""`manage.py restore FILE`: back to a backup, with the site stopped."""

import argparse
from pathlib import Path
from typing import Any

from microblog.backups import BackupFailed
from microblog.backups.restore import restore
from microblog.cli import CommandFailed, Subparsers
from microblog.config.settings import Settings
from microblog.log.setup import configure


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "restore",
        help="put a backup back, with the site stopped",
        description="Replace the database by the one in FILE, and add its pictures. All of it or nothing:\n"
        "a damaged file, or one that this release does not fit, changes nothing. The present database is kept.",
        epilog="Example:\n  python3 manage.py restore instance/backups/microblog-20261121T030000Z.tar.gz",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    configure(settings, process="cli")
    try:
        restored = restore(settings, arguments.file)
    except BackupFailed as error:
        raise CommandFailed(f"Nothing was restored. {error}") from error
    members = restored.manifest.rows.get("users")
    count = f", {members:,} members" if members is not None else ""
    print(f"The database is that of {restored.manifest.made_at}{count}, {restored.manifest.pictures:,} pictures.")
    if restored.aside:
        print(f"What was there is in {restored.aside}.")
    if restored.behind:
        print("It is of an earlier release; `python3 manage.py run` brings it up to this one.")
    return 0
