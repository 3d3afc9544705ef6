"""manage.py logs: the story of one request, what the events mean, and the door to the other commands."""

import argparse
import os
import sys
from pathlib import Path

from microblog.cli import log_levels, log_privacy, log_query
from microblog.cli.log_story import file_name, tell
from microblog.config.settings import Settings
from microblog.log import events
from microblog.log.human import safe, wants_colour
from microblog.log.reference import normalise
from microblog.log.setup import file_path
from microblog.logbook.reader import Search, search

_EXAMPLES = """examples:
  manage.py logs show K7Q2F-9M4ZX
  manage.py logs show k7q2f9m4zx --json | jq .event
  manage.py logs grep status=403 --since 2h
  manage.py logs tail -f --level warning
  manage.py logs stats --since 24h
  manage.py logs events
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``logs`` and its commands; those that ask with conditions stand in cli/log_query.py."""
    raw = argparse.RawDescriptionHelpFormatter
    logs = subparsers.add_parser("logs", help="look into the logs", epilog=_EXAMPLES, formatter_class=raw)
    commands = logs.add_subparsers(dest="logs_command", required=True, metavar="command")

    show = commands.add_parser(
        "show",
        help="every record of one request",
        description="Tell the story of a request: who, what, what they saw, every record, and what was around it.",
        epilog="example:\n  manage.py logs show K7Q2F-9M4ZX",
        formatter_class=raw,
    )
    show.add_argument("reference", nargs="+", help="as the person reads it out; case and dashes do not matter")
    show.add_argument("--json", action="store_true", help="the lines as they stand in the file, for pipes")
    show.set_defaults(run=show_reference)

    listing = commands.add_parser(
        "events",
        help="every event with its level, keys and meaning",
        epilog="example:\n  manage.py logs events",
        formatter_class=raw,
    )
    listing.add_argument("--markdown", action="store_true", help="as the table of docs/logs.md")
    listing.set_defaults(run=show_events)
    log_query.register(commands)
    log_levels.register(commands)
    log_privacy.register(commands)


def show_reference(args: argparse.Namespace, settings: Settings) -> int:
    """Print the records of one reference; 1 where there are none."""
    text = " ".join(args.reference)
    reference = normalise(text)
    if reference is None:
        _say(f"{safe(text)!r} is not a reference. One has ten letters and digits and looks like K7Q2F-9M4ZX.")
        return 1
    current = Path(file_path(settings))
    found = search(reference, current)
    for path, problem in found.unreadable:
        _say(f"{path}: cannot be read to its end ({problem}).")
    if not found.records:
        _say(_nothing(found, current))
        return 1
    try:
        if args.json:
            for one in found.records:
                sys.stdout.buffer.write(one.line + b"\n")
        else:
            colour = wants_colour(sys.stdout)
            tell(found, current, settings, colour=colour)
            _tell_how(found, current)
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. What is left in the buffer must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _tell_how(found: Search, current: Path) -> None:
    first = str(found.records[0].record.get("timestamp", ""))[:10]
    count = len(found.records)
    notes = [f"{count} record{'s' if count != 1 else ''} of {found.reference}, {first} (times in UTC)"]
    if found.broken:
        notes.append(f"{found.broken} torn or foreign line{'s' if found.broken != 1 else ''} left out")
    if found.mentions:
        notes.append(f"mentioned by {found.mentions} other record{'s' if found.mentions != 1 else ''}")
    print(f"\n{'; '.join(notes)}. The same by hand:")
    name = file_name(current)
    print(f"  zgrep -hF '\"{found.reference}\"' {name}*")
    # `fromjson?` passes over a torn line, where plain jq would stop.
    print(f"  zcat -f {name}* | jq -cR 'fromjson? | select(.reference == \"{found.reference}\")'")


def _nothing(found: Search, current: Path) -> str:
    if not found.files and not found.unreadable:
        return f"There is no log yet at {current}. `manage.py config` shows where logs.directory points."
    where = f"{len(found.files)} file{'s' if len(found.files) != 1 else ''} beside {current}"
    broken = f" {found.broken} torn or foreign lines name it." if found.broken else ""
    named = f" {found.mentions} records of other requests name it." if found.mentions else ""
    return (
        f"No record of {found.reference} in {where}.{broken}{named} It may be older than the oldest file "
        "(logs.max_bytes and logs.backups say how much is kept), or from another site."
    )


def show_events(args: argparse.Namespace, settings: Settings) -> int:
    """Print the catalogue."""
    if args.markdown:
        print(events.markdown(), end="")
        return 0
    for name, event in events.EVENTS.items():
        print(f"{name}  ({', '.join(event.levels)})\n    {event.doc}")
        if event.keys:
            print(f"    keys: {' '.join(sorted(event.keys))}")
    return 0


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
