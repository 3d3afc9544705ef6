"""Asking the log: conditions on keys, a span of time, a text; answered from the oldest or from the newest on.

The shell (`manage.py logs grep`, `tail`, `stats`) and the browser (/admin/logs) ask in the same way. A file is searched
as bytes for what every match must hold; only lines that pass are taken apart. No more than a piece of a file is held.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from microblog.log.event import LEVELS
from microblog.logbook.conditions import Condition, as_written, at_least, needle
from microblog.logbook.follow import Place, head_of
from microblog.logbook.moments import shifted
from microblog.logbook.pieces import Find, around, blocks, blocks_backwards, expression, literal, matches
from microblog.logbook.reader import UNREADABLE, LogFile, Opened, opened, taken_apart

SLACK = 10.0
"""Seconds by which lines of several processes may stand out of order."""
_STAMPED = re.compile(rb'\{"timestamp":"([^"]{24})"')


@dataclass(frozen=True)
class Query:
    """What is looked for: all of it must be so. `since` and `until` are timestamps, `level` the least one."""

    conditions: tuple[Condition, ...] = ()
    texts: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    level: str = ""

    def holds(self, line: bytes, record: dict[str, Any]) -> bool:
        """Whether a line, and the record that it is, is looked for."""
        stamp = str(record.get("timestamp", ""))
        if (self.since and stamp < self.since) or (self.until and stamp > self.until):
            return False
        if self.level and record.get("level") not in LEVELS[LEVELS.index(self.level) :]:
            return False
        return all(as_written(text) in line for text in self.texts) and all(
            condition.holds(record) for condition in self.conditions
        )

    def find(self) -> Find:
        """What the bytes of every match hold: the one thing that is probably the rarest."""
        for condition in self.conditions:
            if condition.operator == "=" and condition.key == "reference":
                return literal(as_written(condition.value))
        if self.texts:
            return literal(as_written(max(self.texts, key=len)))
        for condition in self.conditions:
            if condition.operator == "=" and (held := needle(condition)):
                return expression(held) if isinstance(held, re.Pattern) else literal(held)
        if LEVELS.index(self.level or "debug") >= LEVELS.index("warning"):
            levels = "|".join(LEVELS[LEVELS.index(self.level) :])
            return expression(re.compile(f'"level":"(?:{levels})"'.encode()))
        for condition in self.conditions:
            if condition.operator in (">", ">="):
                return expression(at_least(condition))
        for condition in self.conditions:
            if condition.operator != "!=" and condition.value != "null":
                return literal(f'"{condition.key.split(".")[-1]}":'.encode())
        return lambda block, start: start if start < len(block) else -1


@dataclass(frozen=True)
class Hit:
    """A record, its line, and the place behind it."""

    line: bytes
    record: dict[str, Any]
    start: Place
    end: Place


@dataclass
class Told:
    """What was met on the way and is no record."""

    files: int = 0
    broken: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    deadline: float = float("inf")
    """When to stop (time.monotonic), whatever was found until then."""
    stopped: Place | None = None
    """Where it was stopped: searching goes on from here."""


def find(
    query: Query, current: Path, told: Told | None = None, *, newest_first: bool = False, before: Place | None = None
) -> Generator[Hit, None, None]:
    """Every record that `query` asks for, oldest first or `newest_first`, then perhaps only those `before` a place.

    Torn and foreign lines, and files that cannot be read, are passed over and counted in `told`.
    """
    told = told if told is not None else Told()
    with opened(current) as log, ExitStack() as unpacked:
        told.unreadable += log.unreadable
        files = _in_span(log, query)
        told.files = len(log.files)
        passed = before is None or not any(_head(file) == before.head for file in files)
        for file in reversed(files) if newest_first else files:
            try:
                limit = None
                if not passed:
                    if before is None or _head(file) != before.head:
                        continue
                    passed, limit = True, before.offset
                yield from _in_file(file, query, told, unpacked, newest_first=newest_first, limit=limit)
                if told.stopped is not None:
                    return
            except UNREADABLE as problem:
                told.unreadable.append((file.path, str(problem)))


def _in_span(log: Opened, query: Query) -> list[LogFile]:
    """The files that can hold something of the time asked for, by when each begins."""
    begins = [_begin(file) for file in log.files]
    since, until = shifted(query.since, -SLACK), shifted(query.until, SLACK)
    kept = []
    for number, file in enumerate(log.files):
        later = next((stamp for stamp in begins[number + 1 :] if stamp), "")
        if (until and begins[number] > until) or (since and later and later < since):
            continue
        kept.append(file)
    return kept


def _begin(file: LogFile) -> str:
    try:
        file.stream.seek(0)
        stamp = _STAMPED.match(file.stream.read(100))
    except UNREADABLE:
        return ""
    return stamp[1].decode("ascii", "replace") if stamp else ""


def _head(file: LogFile) -> str:
    try:
        file.stream.seek(0)
        return head_of(file.stream)
    except UNREADABLE:
        return ""


def _in_file(
    file: LogFile, query: Query, told: Told, unpacked: ExitStack, *, newest_first: bool, limit: int | None
) -> Iterator[Hit]:
    head, find_ = _head(file), query.find()
    start, end, stream = 0, limit, file.stream
    if file.packed and newest_first:
        stream = unpacked.enter_context(_unpacked(stream))
    if not file.packed or newest_first:
        size = stream.seek(0, 2)
        end = size if end is None else min(end, size)
        if query.since:
            start, _ = around(stream, shifted(query.since, -SLACK), size)
        if query.until:
            _, last = around(stream, shifted(query.until, SLACK), size)
            end = min(end, last)
        if newest_first and end < size and limit is None:
            stream.seek(end)
            end += len(stream.readline())
    pieces = blocks_backwards(stream, start, end or 0) if newest_first else blocks(stream, start, end)
    for at, block in pieces:
        lines = matches(find_, block)
        for offset, line in reversed(list(lines)) if newest_first else lines:
            begin = at + offset
            record = taken_apart(line)
            if record is None:
                told.broken += bool(line.strip())
            elif query.holds(line, record):
                yield Hit(line, record, Place(head, begin), Place(head, begin + len(line) + 1))
        if time.monotonic() > told.deadline:
            told.stopped = Place(head, at if newest_first else at + len(block))
            return


def _unpacked(packed: IO[bytes]) -> IO[bytes]:
    """A file without a name that holds the text: what is packed can be read forwards only."""
    plain: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it, with the others
    packed.seek(0)
    with suppress(*UNREADABLE):  # what could be read is better than nothing
        shutil.copyfileobj(packed, plain)
    return plain
