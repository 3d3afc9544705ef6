"""manage.py logs grep, tail and stats: asking the log with conditions."""

import argparse
import json
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from microblog.cli import CommandFailed
from microblog.cli.log_people import person
from microblog.cli.log_story import file_name
from microblog.config.settings import Settings
from microblog.config.values import did_you_mean
from microblog.log import events
from microblog.log.event import LEVELS
from microblog.log.human import rendered, safe, wants_colour
from microblog.log.setup import file_path
from microblog.logbook import by_hand
from microblog.logbook.conditions import Condition
from microblog.logbook.follow import Place, end, lines_after
from microblog.logbook.moments import moment
from microblog.logbook.query import Query, Told, find
from microblog.logbook.reader import taken_apart
from microblog.logbook.stats import counted

_WORDS = """conditions:
  key=value key!=value ms>500 status>=500   as JSON values or as text; exception.type=ValueError looks inside
  any other word                            has to stand somewhere in the line
times:
  2h, 30m, 3d ago; 2026-11-21; 2026-11-21T13:39; in UTC
"""
_EXAMPLES = """examples:
  manage.py logs grep event=request.failed --since 2h
  manage.py logs grep 'ms>500' --route /profile --limit 20
  manage.py logs grep status=403 --user ana --json | jq .path
  manage.py logs tail -f --level warning
  manage.py logs stats --since 24h
"""
_WAIT = 300  # milliseconds between two looks at a log that goes on


def register(commands: Any) -> None:
    """Add ``logs grep``, ``logs tail`` and ``logs stats``."""
    grep = _parser(commands, "grep", "records that fit, from all files", "Print the records for which all is so.")
    grep.add_argument("--count", action="store_true", help="only how many")
    grep.add_argument("--limit", type=_number, metavar="N", help="only the newest N")
    grep.set_defaults(run=run_grep)

    tail = _parser(commands, "tail", "the newest records, and what comes", "Print the newest records that fit.")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with what is written, until Ctrl-C")
    tail.add_argument("-n", type=_number, default=20, metavar="N", help="how many of what is there (20)")
    tail.set_defaults(run=run_tail)

    stats = _parser(commands, "stats", "how many, how fast, what fails", "Count requests, failures and refusals.")
    stats.set_defaults(run=run_stats)


def _parser(commands: Any, name: str, help_: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_,
        description=description,
        epilog=_WORDS + _EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", metavar="condition", help="see below")
    parser.add_argument("--text", action="append", default=[], help="has to stand in the line, also with = in it")
    parser.add_argument("--since", metavar="TIME", help="not before")
    parser.add_argument("--until", metavar="TIME", help="not after")
    parser.add_argument("--level", choices=LEVELS, help="this one or worse")
    parser.add_argument("--user", metavar="NAME|ID", help="a member, by name or number")
    parser.add_argument("--route", help="the pattern of the address, such as /user/<username>")
    parser.add_argument("--event", help="a name of `logs events`")
    parser.add_argument("--json", action="store_true", help="the lines as they stand, for pipes")
    return parser


def _number(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 10_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def query_of(args: argparse.Namespace, settings: Settings) -> Query:
    """What the arguments ask for. Raises CommandFailed for a time that is none and a member that is nobody."""
    conditions = [(word, Condition.parsed(word)) for word in args.words]
    texts = [word for word, condition in conditions if condition is None] + args.text
    found = [condition for _, condition in conditions if condition is not None]
    for key in ("route", "event"):
        found += [Condition(key, "=", getattr(args, key))] if getattr(args, key) else []
    if args.user:
        who = person(settings, args.user)
        if who.id is None:
            why = "" if who.asked else " The database cannot be asked; give the number."
            raise CommandFailed(f"Nobody is called {safe(args.user)}.{why} See: python3 manage.py user list")
        found.append(Condition("user_id", "=", str(who.id)))
    times = {}
    for name in ("since", "until"):
        text = getattr(args, name) or ""
        stamp = moment(text, now=time.time(), end=name == "until") if text else ""
        if stamp is None:
            raise CommandFailed(f"--{name} {safe(text)} is no time. Write 2h, 30m, 2026-11-21 or 2026-11-21T13:39.")
        times[name] = stamp
    return Query(tuple(found), tuple(texts), level=args.level or "", **times)


def run_grep(args: argparse.Namespace, settings: Settings) -> int:
    """Print what fits; 1 where there is nothing, as grep does."""
    query, current, told = query_of(args, settings), Path(file_path(settings)), Told()
    if args.limit:
        newest = find(query, current, told, newest_first=True)
        lines = iter([(hit.line, hit.record) for hit in islice(newest, args.limit)][::-1])
        newest.close()
    else:
        lines = ((hit.line, hit.record) for hit in find(query, current, told))
    if args.count:
        count = sum(1 for _ in lines)
        print(count)
    else:
        count = _show(lines, as_json=args.json)
        if count and not args.json:
            print(f"\n{count} record{'s' if count != 1 else ''} (times in UTC). The same by hand:")
            print(f"  {by_hand.jq(query, file_name(current) + '*')}")
    _tell(told)
    if not count and not args.json:
        _say(_nothing(query, current, told))
    return 0 if count else 1


def run_tail(args: argparse.Namespace, settings: Settings) -> int:
    """Print the newest that fit, then, with -f, what comes, until the reader or the operator has enough."""
    query, current, told = query_of(args, settings), Path(file_path(settings)), Told()
    place = end(current)
    newest = find(query, current, told, newest_first=True, before=place)
    try:
        _show(iter([(hit.line, hit.record) for hit in islice(newest, args.n)][::-1]), as_json=args.json)
        newest.close()
        _tell(told)
        if args.follow:
            _follow(query, current, place, as_json=args.json)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer has no reader
    return 0


def _follow(query: Query, current: Path, place: Place, *, as_json: bool) -> None:
    """Print what is written from now on. Ends when nobody can read it any more."""
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)  # errors only: the pipe is closed, the terminal is gone
    while not reader.poll(_WAIT):
        for line, behind in lines_after(current, place):
            place = behind
            record = taken_apart(line)
            if record is not None and query.holds(line, record):
                _show(iter([(line, record)]), as_json=as_json)


def run_stats(args: argparse.Namespace, settings: Settings) -> int:
    """Print the log in numbers."""
    told = Told()
    stats = counted(hit.record for hit in find(query_of(args, settings), Path(file_path(settings)), told))
    found = stats.as_json()
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print_stats(found)
    _tell(told)
    return 0


def _print_stats(found: dict[str, Any]) -> None:
    print(f"{found['records']:,} records, {found['requests']:,} requests, {found['errors']:,} of them failed (5xx)")
    if found["records"]:
        print(f"from {safe(found['first'][:19])} to {safe(found['last'][:19])} UTC")
    if found["routes"]:
        print(f"\n{'requests':>9} {'5xx':>6} {'p50':>8} {'p95':>8} {'p99':>8}  route (times in ms)")
    for one in found["routes"][:30]:
        times = " ".join(f"{one[name]:>8.1f}" for name in ("p50", "p95", "p99"))
        print(f"{one['requests']:>9} {one['errors']:>6} {times}  {safe(one['route'])}")
    _table("The slowest", [(f"{one['ms']:.0f} ms", one["reference"], one["route"]) for one in found["slowest"]])
    refused = [(str(one["count"]), one["form"], one["field"], one["rule"]) for one in found["refused"][:10]]
    _table("Most often refused", refused)
    failures = [
        (str(one["count"]), one["fingerprint"], one["what"], f"last {one['reference']}") for one in found["failures"]
    ]
    _table("Failures", failures[:10])


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    print(f"\n{title}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  " + safe("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))).rstrip())


def _show(lines: Iterator[tuple[bytes, dict[str, Any]]], *, as_json: bool) -> int:
    colour, count = wants_colour(sys.stdout), 0
    for line, record in lines:
        count += 1
        if as_json:
            sys.stdout.buffer.write(line + b"\n")
        else:
            short = {key: value for key, value in record.items() if key not in ("exception", "stack")}
            print(f"{safe(str(record.get('timestamp', ''))[:10])} {rendered(short, colour=colour, full=False)}")
    sys.stdout.flush()
    return count


def _tell(told: Told) -> None:
    for path, problem in told.unreadable:
        _say(f"{path}: cannot be read to its end ({problem}).")
    if told.broken:
        _say(f"{told.broken} torn or foreign line{'s' if told.broken != 1 else ''} left out.")


def _nothing(query: Query, current: Path, told: Told) -> str:
    if not told.files:
        return f"There is no log yet at {current}. `manage.py config` shows where logs.directory points."
    text = f"Nothing like that in {told.files} file{'s' if told.files != 1 else ''} beside {current}"
    keys = {*events.CANONICAL, *events.CONTEXT, *(key for event in events.EVENTS.values() for key in event.keys)}
    for condition in query.conditions:
        if condition.key.split(".")[0] not in keys:
            return f"{text}; no record of ours has {safe(condition.key)}{did_you_mean(condition.key, keys)}"
        if condition.key == "event" and condition.operator == "=" and condition.value not in events.EVENTS:
            near = did_you_mean(condition.value, events.EVENTS)
            return f"{text}; {safe(condition.value)} is no event of ours{near}"
    return f"{text}."


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
