"""manage.py errors: what fails, how often and for whom; resolve it, mute it, and be told when it comes back."""

import argparse
import getpass
import json
import os
import re
import sys
import time
from dataclasses import asdict, replace
from typing import Any

from microblog.alerts.inbox import curve
from microblog.alerts.inbox.groups import NOTHING, OPEN, STATES, Decision, Group
from microblog.alerts.inbox.store import Ambiguous, Inbox, SpoolUnusable, Unknown
from microblog.alerts.inbox.wording import ago, clock, describe
from microblog.cli import CommandFailed, Subparsers, version
from microblog.config.settings import Settings
from microblog.log.human import exception_lines, safe, wants_colour
from microblog.log.reference import normalise
from microblog.logbook.moments import UNITS

_LENGTH = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_EXAMPLES = """examples:
  manage.py errors list --since 7d
  manage.py errors show 82eebd
  manage.py errors resolve 82eebd
  manage.py errors mute 82eebd --for 7d
"""


def register(subparsers: "Subparsers[Any]") -> None:
    """Add `errors` and its commands."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        "errors", help="what fails, how often and for whom", epilog=_EXAMPLES, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = _command(commands, "list", "every failure, the latest first", "list --state muted")
    listing.add_argument("--state", choices=("open", *STATES, "all"), default="open", help="default: %(default)s")
    listing.add_argument("--since", type=seconds, metavar="7d", help="seen within the last 30m, 12h, 7d, 2w")
    listing.add_argument("--json", action="store_true", help="one object a line, for pipes")
    listing.set_defaults(run=_list)

    show = _command(commands, "show", "one failure: facts, curve, traceback", "show 82eebd")
    show.set_defaults(run=_show)
    resolve = _command(commands, "resolve", "it is mended; when it comes back, a mail says so", "resolve 82eebd")
    resolve.set_defaults(run=_resolve)
    mute = _command(commands, "mute", "no mail about it; it is still counted", "mute 82eebd --for 7d")
    mute.add_argument("--for", dest="length", type=seconds, metavar="7d", help="for 30m, 12h, 7d, 2w; else for good")
    mute.set_defaults(run=_mute)
    reopen = _command(commands, "reopen", "take resolve or mute back", "reopen 82eebd")
    reopen.set_defaults(run=_reopen)
    for command in (show, resolve, mute, reopen):
        command.add_argument("id", help="the id from `errors list`, or its beginning")
    show.add_argument("--json", action="store_true", help="everything as one object, for pipes")

    reindex = _command(commands, "reindex", "count anew from the log files; decisions stay", "reindex")
    reindex.set_defaults(run=_reindex)


def _command(commands: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  manage.py errors {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def seconds(text: str) -> float:
    """``7d`` in seconds. Raises ArgumentTypeError."""
    found = _LENGTH.fullmatch(text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; 30m, 12h, 7d and 2w are")
    return float(int(found[1]) * UNITS[found[2]])


def _opened(settings: Settings) -> Inbox:
    """The inbox, up to date. Raises CommandFailed."""
    inbox = Inbox(settings)
    try:
        inbox.read_on()
    except SpoolUnusable as error:
        raise CommandFailed(
            f"The inbox cannot be used: {error}. The log has everything: manage.py logs show"
        ) from error
    return inbox


def _found(inbox: Inbox, prefix: str) -> Group:
    try:
        return inbox.find(prefix)
    except Unknown:
        raise CommandFailed(f"No failure has an id that begins with {safe(prefix)!r}: manage.py errors list") from None
    except Ambiguous:
        raise CommandFailed(f"Several ids begin with {safe(prefix)!r}: give a few more of its digits.") from None


def _list(args: argparse.Namespace, settings: Settings) -> int:
    inbox, now = _opened(settings), time.time()
    every = [group for group in inbox.groups() if args.since is None or group.last_seen >= now - args.since]
    shown = [group for group in every if args.state == "all" or group.state(now) in _states(args.state)]
    if args.json:
        for group in shown:
            print(json.dumps(_plain(group, now), ensure_ascii=False))
        return 0
    if shown:
        print(f"{'id':8}  {'state':9}  {'count':>7}  {'people':>6}  {'last seen':>10}  what")
    for group in shown:
        line = f"{group.fingerprint[:8]}  {group.state(now):9}  {group.count:>7,}  {group.affected:>6}"
        where = ", ".join(group.routes[:2]) or group.place
        print(f"{line}  {ago(now - group.last_seen):>10}  {safe(_cut(group.title, 70))}  {safe(_cut(where, 40))}")
    hidden = len(every) - len(shown)
    if not every:
        print("Nothing has failed. When something does, it stands here.")
    elif hidden and args.state == "open":
        print(f"{'' if shown else 'Nothing is open. '}{hidden} resolved or muted: manage.py errors list --state all")
    elif not shown:
        print(f"Nothing is {args.state}.")
    return 0


def _states(word: str) -> frozenset[str]:
    return OPEN if word == "open" else frozenset((word,))


def _show(args: argparse.Namespace, settings: Settings) -> int:
    inbox, now = _opened(settings), time.time()
    group = _found(inbox, args.id)
    record, hours = inbox.example(group.fingerprint), inbox.hours([group.fingerprint], curve.first_hour(now))
    parts = curve.bars(hours[group.fingerprint], now)
    if args.json:
        print(json.dumps(_plain(group, now) | {"curve": parts, "example": record}, ensure_ascii=False))
        return 0
    print(f"{safe(group.title)}\n")
    for name, value in _facts(group, now):
        print(f"  {name:11}  {safe(value)}")
    print(f"  {curve.DAYS} days      {curve.line(parts)}  most in six hours: {max(parts):,}")
    described = record.get("exception")
    if isinstance(described, list):
        print()
        for line in exception_lines(described, colour=wants_colour(sys.stdout)):
            print(f"  {line}")
    if reference := normalise(group.last_reference):
        print(f"\nThe whole story of the newest one:\n  python3 manage.py logs show {reference}")
    return 0


def _facts(group: Group, now: float) -> list[tuple[str, str]]:
    rows = [
        ("id", group.fingerprint),
        ("state", describe(group, now)),
        ("where", group.place),
        ("routes", ", ".join(group.routes)),
        ("count", f"{group.count:,}"),
        ("people", group.affected),
        ("first seen", _seen(group.first_seen, group.first_release, group.first_reference)),
        ("last seen", _seen(group.last_seen, group.last_release, group.last_reference)),
    ]
    return [(name, value) for name, value in rows if value]


def _resolve(args: argparse.Namespace, settings: Settings) -> int:
    inbox = _opened(settings)
    group = _found(inbox, args.id)
    _decide(inbox, group, Decision("resolved", time.time(), whoami(), version()))
    print(f"{group.fingerprint[:8]} is resolved in {version()}. If it comes back, a mail says so at once.")
    return 0


def _mute(args: argparse.Namespace, settings: Settings) -> int:
    inbox, now = _opened(settings), time.time()
    group = _found(inbox, args.id)
    until = now + args.length if args.length else 0.0
    _decide(inbox, group, Decision("muted", now, whoami(), version(), until))
    print(f"{group.fingerprint[:8]} is muted{f' until {clock(until)}' if until else ''}: no mail, still counted.")
    return 0


def _reopen(args: argparse.Namespace, settings: Settings) -> int:
    inbox = _opened(settings)
    group = _found(inbox, args.id)
    _decide(inbox, group, NOTHING)
    state = replace(group, decision=NOTHING).state(time.time())
    print(f"{group.fingerprint[:8]} is {state} again.")
    return 0


def _decide(inbox: Inbox, group: Group, decision: Decision) -> None:
    try:
        inbox.decide(group.fingerprint, decision)
    except SpoolUnusable as error:
        raise CommandFailed(f"Nothing was changed, the inbox cannot be written: {error}.") from error


def _reindex(_args: argparse.Namespace, settings: Settings) -> int:
    inbox = Inbox(settings)
    try:
        lines = inbox.reindex()
    except SpoolUnusable as error:
        raise CommandFailed(f"The inbox is as it was: {error}.") from error
    kinds = len(inbox.groups())
    print(f"Read {lines:,} lines anew: {kinds:,} different failure{'s' * (kinds != 1)}. What was decided is kept.")
    return 0


def _plain(group: Group, now: float) -> dict[str, Any]:
    return asdict(group) | {"state": group.state(now), "people": group.affected}


def whoami() -> str:
    """Who sits at the shell: behind sudo the person, not root."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return str(os.getuid())


def _seen(at: float, release: str, reference: str) -> str:
    return "  ".join(part for part in (f"{clock(at)} UTC", f"in {release}" if release else "", reference) if part)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
