"""The files of the log, and finding the records of one request in them, however large they are.

A file is read in pieces and searched as bytes; only lines that hold the reference are taken apart.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from microblog.logbook.pieces import blocks, literal, matches

UNREADABLE = (OSError, EOFError, zlib.error)


@dataclass(frozen=True)
class Found:
    """One record and the line it was read from."""

    line: bytes
    record: dict[str, Any]


@dataclass(frozen=True)
class LogFile:
    """One file of the log, open; `stream` gives its text, unpacked where it is `packed`."""

    path: Path
    stream: IO[bytes]
    packed: bool


@dataclass
class Opened:
    """All files of the log, the oldest first, and those that cannot be read, each with why."""

    files: list[LogFile] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


@dataclass
class Search:
    """What a search came upon; `broken` and `mentions` are lines with the reference that are not records of it."""

    reference: str
    records: list[Found] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    broken: int = 0
    """Torn or foreign lines."""
    mentions: int = 0
    """Records of other requests that name this one."""


def log_files(current: Path) -> list[Path]:
    """The current file and what it was renamed to, by us (`.1`) or logrotate (`.2.gz`, `-20261121`); newest first."""
    names = [
        path for path in current.parent.glob(f"{current.name}*") if path.is_file() and not path.name.endswith(".tmp")
    ]

    def age(path: Path) -> tuple[int, float]:
        try:
            return (0 if path == current else 1, -path.stat().st_mtime)
        except OSError:
            return (2, 0)

    return sorted(names, key=age)


@contextmanager
def opened(current: Path) -> Iterator[Opened]:
    """Every file of the log, open until the end of the block; each once, whatever is renamed meanwhile."""
    found = Opened()
    seen: set[tuple[int, int]] = set()
    with ExitStack() as stack:
        # All are opened, newest first, before any is read: a rotation meanwhile renames files towards the end of this
        # list, so that one can be met twice, which is seen, but none is passed over.
        for path in log_files(current):
            try:
                raw: IO[bytes] = stack.enter_context(path.open("rb"))
                same = os.fstat(raw.fileno())
            except OSError as problem:
                found.unreadable.append((path, problem.strerror or str(problem)))
                continue
            if (same.st_dev, same.st_ino) in seen:
                continue
            seen.add((same.st_dev, same.st_ino))
            packed = path.suffix == ".gz"
            stream = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw))) if packed else raw
            found.files.append(LogFile(path, stream, packed))
        found.files.reverse()
        yield found


def taken_apart(line: bytes) -> dict[str, Any] | None:
    """The record that a line is; None for one that is torn or somebody else's."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def search(reference: str, current: Path) -> Search:
    """Every record of `reference`, in order of time. A file that cannot be read is told of and passed over.

    `reference` is as logs.reference.normalise gives it.
    """
    found = Search(reference)
    find = literal(reference.encode())
    with opened(current) as log:
        found.unreadable += log.unreadable
        for file in log.files:
            found.files.append(file.path)
            try:
                for _, block in blocks(file.stream):
                    for _, line in matches(find, block):
                        _judge(line, found)
            except UNREADABLE as problem:
                found.unreadable.append((file.path, str(problem)))
    # Two processes may write in another order than their records were made; the sort keeps equal times as they stand.
    found.records.sort(key=lambda one: str(one.record.get("timestamp", "")))
    return found


def _judge(line: bytes, found: Search) -> None:
    record = taken_apart(line)
    if record is None:
        found.broken += 1
    elif record.get("reference") == found.reference:
        found.records.append(Found(line, record))
    else:
        found.mentions += 1
