"""Taking a person out of the log, while the site writes to it: what is left of their records is not theirs.

A line is replaced by one of the same length: what named them is gone, spaces before the newline make up for it. So the
file stays the same file, whoever appends to it, and nobody has to be stopped: what is being written stands behind the
whole lines that are rewritten here. Each line is one write, and each place in the log (logs/follow.py) stays one.
A gzipped file, to which nobody appends, is made anew beside the old one and takes its place.
"""

import fcntl
import gzip
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from microblog.log.events import EVENTS
from microblog.log.records import FIRST, dumps
from microblog.logbook.pieces import blocks, expression, matches
from microblog.logbook.reader import UNREADABLE, log_files, taken_apart

_PASSES = 5  # a file that is renamed or packed meanwhile is met by the next one
_WAIT = 5.0  # seconds for whoever rotates at the moment
_WORDS = frozenset(("route", "endpoint", "method", "rule", "form", "field"))  # of the program, never of a person
_FRAMES = frozenset(("file", "function", "source", "module", "type", "line", "link"))


@dataclass(frozen=True)
class Subject:
    """Who is meant: by number, and by the names that a record may spell."""

    id: int | None
    names: tuple[str, ...] = ()

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """What stands in every line that may name them."""
        parts = [rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])" for name in self.names]
        if self.id is not None:
            parts += [rf'"user_id":"?{self.id}(?![0-9])', rf"/avatar/{self.id}(?![0-9])"]
        return re.compile("|".join(parts).encode(), re.IGNORECASE)

    @property
    def words(self) -> re.Pattern[str]:
        """The same within a text."""
        parts = [rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])" for name in self.names]
        if self.id is not None:
            parts.append(rf"(?<=/avatar/){self.id}(?![0-9])")
        return re.compile("|".join(parts), re.IGNORECASE)

    def owns(self, record: dict[str, Any]) -> bool:
        """Whether the record is about what they did."""
        return self.id is not None and str(record.get("user_id")) == str(self.id)


@dataclass
class Forgotten:
    """How many records were changed in which files, and what could not be read or written."""

    records: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(self.records.values())


def forget(subject: Subject, current: Path) -> Forgotten:
    """Change every record that names them, in the current, the rotated and the gzipped files; what was done."""
    done = Forgotten()
    for _ in range(_PASSES):
        changed = 0
        done.failed.clear()
        # The newest first: a rotation meanwhile moves a file towards the end of the list, and the next pass sees it.
        for path in log_files(current):
            try:
                count = _packed(subject, path) if path.suffix == ".gz" else _plain(subject, path)
            except FileNotFoundError:
                changed = 1  # renamed under us
                continue
            except UNREADABLE as problem:
                done.failed.append((path, str(problem)))
                continue
            if count:
                done.records[path.name] = done.records.get(path.name, 0) + count
                changed += count
        if not changed:
            break
    return done


def naming(subject: Subject, stream: IO[bytes]) -> Iterator[tuple[int, bytes, dict[str, Any] | None]]:
    """The whole lines that name them: where each begins, and the record, if it is one."""
    find = expression(subject.pattern)
    for at, block in blocks(stream):
        for offset, line in matches(find, block):
            record = taken_apart(line)
            if record is None or without(subject, record) != record:
                yield at + offset, line, record


def _plain(subject: Subject, path: Path) -> int:
    count = 0
    with path.open("r+b", buffering=0) as file, _locked(file):
        before = os.fstat(file.fileno())
        with open(os.dup(file.fileno()), "rb") as stream:  # noqa: PTH123 - a descriptor
            for at, line, record in naming(subject, stream):
                if at + len(line) >= before.st_size:
                    continue  # not yet whole, or written meanwhile: the next pass has it
                new = rewritten(subject, line, record)
                if new != line:
                    os.pwrite(file.fileno(), new, at)
                    count += 1
        if count:
            os.fsync(file.fileno())
            after = os.fstat(file.fileno())
            if after.st_size == before.st_size:  # the files of the log stand in order of their last line
                os.utime(file.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
    return count


def _packed(subject: Subject, path: Path) -> int:
    count = 0
    with path.open("rb") as packed, tempfile.TemporaryFile() as text:
        before = os.fstat(packed.fileno())
        with gzip.GzipFile(fileobj=packed) as stream:
            shutil.copyfileobj(stream, text)
        for at, line, record in list(naming(subject, cast(IO[bytes], text))):
            new = rewritten(subject, line, record)
            if new != line:
                text.seek(at)
                text.write(new)
                count += 1
        if count:
            text.seek(0)
            _replace(path, cast(IO[bytes], text), before)
    return count


def _replace(path: Path, text: IO[bytes], before: os.stat_result) -> None:
    """Pack `text` into the place of `path`, with its mode, owner and time; whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("xb") as file:
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                shutil.copyfileobj(text, packed)
            file.flush()
            os.fsync(file.fileno())
        os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def _locked(file: Any) -> Iterator[None]:
    """The lock of the rotation, so that the file keeps its name; waited for a little, and done without after that."""
    end = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def rewritten(subject: Subject, line: bytes, record: dict[str, Any] | None) -> bytes:
    """The line without them, as long as it was."""
    if record is None:  # torn or foreign: the text itself
        return subject.pattern.sub(lambda found: b"*" * len(found[0]), line)
    new = dumps(without(subject, record)).encode()
    if len(new) > len(line):  # written by something that spells JSON in another way
        new = dumps({key: record[key] for key in FIRST if key in record}).encode()
    return new.ljust(len(line)) if len(new) <= len(line) else b" " * len(line)


def without(subject: Subject, record: dict[str, Any]) -> dict[str, Any]:
    """The record as it is when it is nobody's: no number, no address, no name in any text."""
    owned = subject.owns(record)
    words = subject.words
    kept: dict[str, Any] = {}
    for key, value in record.items():
        if owned and key in ("user_id", "address"):
            continue
        if key in _WORDS or (key in FIRST and (key != "event" or value in EVENTS)):
            kept[key] = value
        else:
            kept[key] = _masked(value, words)
    return kept


def _masked(value: Any, words: re.Pattern[str]) -> Any:
    if not words.pattern:
        return value
    if isinstance(value, str):
        return words.sub(lambda found: "*" * len(found[0]), value)
    if isinstance(value, list):
        return [_masked(one, words) for one in value]
    if isinstance(value, dict):
        return {key: one if key in _FRAMES else _masked(one, words) for key, one in value.items()}
    return value
