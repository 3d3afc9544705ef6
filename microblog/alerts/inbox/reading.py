"""From lines of the log to counts: what failed how often, where, for whom, and how much was asked for in each hour.

Only the lines of failures are taken apart; of all others a glance at their beginning is enough, as the first keys of a
record stand in a fixed order (logs/records.py).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from microblog.alerts.inbox.groups import MANY_PEOPLE
from microblog.log import plain
from microblog.log.events import EVENTS
from microblog.log.fingerprint import SILENT, of_event, of_message
from microblog.logbook.follow import Place, lines_after

LINES = 20_000  # read in one go: some 100 ms
DIFFERENT = 1000  # failures in one go
MAX_ROUTES = 10

_LEVELS = {b'"level":"error"': 40, b'"level":"critical"': 50}
_FINISHED, _STARTED = b'"event":"request.finished"', b'"event":"server.started"'
_DRILL = b'"drill":true'


@dataclass
class Tally:
    """One failure as some lines tell it."""

    count: int = 0
    first: float = float("inf")
    last: float = 0.0
    first_reference: str = ""
    last_reference: str = ""
    first_release: str = ""
    last_release: str = ""
    people: set[int] = field(default_factory=set)
    routes: dict[str, None] = field(default_factory=dict)
    hours: Counter[int] = field(default_factory=Counter)
    newest: dict[str, Any] = field(default_factory=dict)

    def add(self, at: float, record: dict[str, Any], release: str) -> None:
        """Count one record in."""
        reference, person, route = record.get("reference"), record.get("user_id"), record.get("route")
        self.count += 1
        self.hours[int(at // 3600)] += 1
        if at < self.first:
            self.first, self.first_release = at, release
            self.first_reference = reference if isinstance(reference, str) else ""
        if at >= self.last:
            self.last, self.last_release, self.newest = at, release, record
            self.last_reference = reference if isinstance(reference, str) else self.last_reference
        if isinstance(person, int) and len(self.people) <= MANY_PEOPLE:
            self.people.add(person)
        if isinstance(route, str) and route and len(self.routes) < MAX_ROUTES:
            self.routes.setdefault(plain.line(route, 200))


@dataclass
class Read:
    """What some lines tell. `place` is behind the last of them, `release` what ran then, `lines` how many they were."""

    place: Place
    release: str = ""
    lines: int = 0
    failures: dict[str, Tally] = field(default_factory=dict)
    requests: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    drills: dict[str, float] = field(default_factory=dict)
    """Failures that were asked for (`manage.py drill`), and when: found, and counted nowhere."""


def read(log: Path, place: Place, release: str) -> Read:
    """The lines after `place`, at most LINES of them. `release` is what ran when the line before them was written."""
    found = Read(place, release)
    for line, behind in lines_after(log, place):
        found.place = behind
        found.lines += 1
        _take(line, found)
        if found.lines >= LINES or len(found.failures) >= DIFFERENT:
            break
    return found


def fingerprint_of(record: dict[str, Any], level: int) -> str:
    """The record's own; else, for lines of releases that gave one to exceptions only, what ours would be."""
    given = record.get("fingerprint")
    if isinstance(given, str) and given:
        return plain.line(given, 40)
    event, route = plain.line(record.get("event", ""), 200), plain.line(record.get("route", ""), 300)
    if event in EVENTS:
        return of_event(level, event, route)
    return of_message(level, plain.line(record.get("logger", ""), 200), event)


def seconds(timestamp: object) -> float | None:
    """The time of a record, in seconds since 1970; None where it is none."""
    try:
        return datetime.fromisoformat(str(timestamp)).timestamp()
    except (ValueError, OverflowError):
        return None


_hours: dict[bytes, int] = {}


def _hour(line: bytes) -> int | None:
    """The hour a line was written in, by its first characters: ``{"timestamp":"2026-11-21T13``."""
    text = line[14:27]
    known = _hours.get(text)
    if known is None:
        at = seconds(text.decode("ascii", "replace") + ":00:00Z")
        if at is None:
            return None
        if len(_hours) > 1000:
            _hours.clear()
        known = _hours[text] = int(at // 3600)
    return known


def _take(line: bytes, found: Read) -> None:
    head = line[:140]
    level = next((number for text, number in _LEVELS.items() if text in head), 0)
    if _FINISHED in head and not (level and _DRILL in line):
        hour = _hour(line)
        if hour is not None:
            found.requests[hour] += 1
            found.failed[hour] += bool(level)
    elif level or _STARTED in head:
        record = _record(line)
        at = seconds(record.get("timestamp"))
        if record.get("event") == "server.started":
            found.release = plain.line(record.get("version", ""), 40)
        elif at is not None and record.get("drill") is True:
            found.drills[fingerprint_of(record, level)] = at
        elif at is not None and record.get("event") not in SILENT:
            found.failures.setdefault(fingerprint_of(record, level), Tally()).add(at, record, found.release)


def _record(line: bytes) -> dict[str, Any]:
    """The record in a line; empty for a torn or foreign one."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
