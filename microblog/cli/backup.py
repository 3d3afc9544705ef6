"""`manage.py backup`: one file that holds everything, made while the site runs."""

import argparse
from pathlib import Path
from typing import Any

import structlog

from microblog.alerts.start import start
from microblog.backups import BackupFailed
from microblog.backups.make import make
from microblog.cli import CommandFailed, Subparsers
from microblog.config.settings import KEYS, Settings
from microblog.config.values import UnfitError, convert, sentence, shown
from microblog.log import events

log = structlog.get_logger(__name__)


def register(subparsers: "Subparsers[Any]") -> None:
    parser = subparsers.add_parser(
        "backup",
        help="copy the database and the pictures into one file, also while the site runs",
        description="Write microblog-<time>.tar.gz: the database as it is at one moment, and the pictures.\n"
        "The secret key is not in it. When it fails, the administrators get mail, as for every error.",
        epilog="Examples:\n  python3 manage.py backup\n  python3 manage.py backup --directory /mnt/backups --keep 30",
    )
    parser.add_argument("--directory", metavar="DIRECTORY", type=Path, help="instead of backup.directory")
    parser.add_argument("--keep", metavar="NUMBER", help="instead of backup.keep: so many of the newest files stay")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    keep = settings.backup.keep
    if arguments.keep is not None:
        try:
            keep = convert(KEYS["backup.keep"], arguments.keep, spelled=True)
        except UnfitError as unfit:
            raise CommandFailed(sentence(f"--keep = {shown(arguments.keep)} {unfit}")) from unfit
    alerts = start(settings, process="cli")
    try:
        made = make(settings, arguments.directory or settings.backup_dir, keep=keep)
        size = made.stat().st_size
    except (BackupFailed, OSError) as error:
        log.error(events.BACKUP_FAILED, exc_info=error)
        raise CommandFailed(_told(error)) from error
    finally:
        alerts.close()  # what is to be mailed is on the disk now, and the site sends it
    print(f"{made} ({size / 1e6:,.1f} MB)")
    return 0


def _told(error: BackupFailed | OSError) -> str:
    if isinstance(error, OSError):
        return f"No backup was made: {error.filename or 'the disk'}: {error.strerror}."
    return f"No backup was made. {error}"
