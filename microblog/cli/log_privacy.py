"""manage.py logs forget and export: what the log has about one person."""

import argparse
import sys
from pathlib import Path
from typing import Any

import structlog

from microblog.cli import CommandFailed
from microblog.cli.log_people import Person, person
from microblog.config.settings import Settings
from microblog.log import events
from microblog.log.human import safe
from microblog.log.setup import configure, file_path
from microblog.logbook.forget import Subject, forget, naming
from microblog.logbook.reader import UNREADABLE, opened

log = structlog.get_logger(__name__)


def register(commands: Any) -> None:
    """Add ``logs forget`` and ``logs export``."""
    raw = argparse.RawDescriptionHelpFormatter
    forget_ = commands.add_parser(
        "forget",
        help="take a person out of all log files",
        description="Change every record that names a member, by number or by any name they had, so that what is left\n"
        "is nobody's: the event, its time and its numbers. While the site runs; it cannot be undone. Backups of the\n"
        "log and mail that was sent are not touched. To delete the account comes after, or give the number.",
        epilog="examples:\n  manage.py logs forget ana\n  manage.py logs forget 17",
        formatter_class=raw,
    )
    export = commands.add_parser(
        "export",
        help="every record that names a person, as JSON lines",
        description="Print every record that names a member, oldest first, as it stands in the files.",
        epilog="examples:\n  manage.py logs export ana > ana.jsonl\n  manage.py logs export 17 | jq .event",
        formatter_class=raw,
    )
    for parser, run in ((forget_, run_forget), (export, run_export)):
        parser.add_argument("who", metavar="NAME|ID")
        parser.set_defaults(run=run)


def run_forget(args: argparse.Namespace, settings: Settings) -> int:
    """Change their records and say how many; 1 where a file could not be."""
    who = _who(args.who, settings)
    configure(settings, process="cli")
    done = forget(Subject(who.id, who.names), Path(file_path(settings)))
    for name, count in done.records.items():
        print(f"{count:>9}  {safe(name)}")
    files = f"{len(done.records)} file{'s' if len(done.records) != 1 else ''}"
    print(f"{done.count} record{'s' if done.count != 1 else ''} in {files} no longer name {safe(str(who))}.")
    log.info(events.LOG_FORGOTTEN, records=done.count, files=len(done.records))
    for path, problem in done.failed:
        print(f"{path}: could not be changed ({problem}). Run it again as the owner of the file.", file=sys.stderr)
    return 1 if done.failed else 0


def run_export(args: argparse.Namespace, settings: Settings) -> int:
    """Print their records; 1 where there are none."""
    who, count = _who(args.who, settings), 0
    subject = Subject(who.id, who.names)
    with opened(Path(file_path(settings))) as files:
        problems = list(files.unreadable)
        for file in files.files:
            try:
                for _, line, record in naming(subject, file.stream):
                    if record is not None:
                        sys.stdout.buffer.write(line.rstrip() + b"\n")
                        count += 1
            except BrokenPipeError:
                raise  # of who reads what we print
            except UNREADABLE as problem:
                problems.append((file.path, str(problem)))
    sys.stdout.flush()
    for path, what in problems:
        print(f"{path}: cannot be read to its end ({what}).", file=sys.stderr)
    if not count:
        print(f"No record names {safe(str(who))}.", file=sys.stderr)
    return 0 if count else 1


def _who(text: str, settings: Settings) -> Person:
    who = person(settings, text)
    if who.id is None and not who.asked:
        raise CommandFailed("The database cannot be asked whose name that is. Give the number of the member.")
    return who
