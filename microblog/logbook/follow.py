"""Reading a rotating log once and only once: from where one stopped, through every rotation since, to its end.

A place in the log is the file, known by its first line whatever its name and compression are by now, and a number of
bytes. Only whole lines are handed out; a line that is still being written is read next time.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from microblog.logbook.reader import log_files, taken_apart

_PIECE = 1 << 20
_LONGEST = 1 << 20  # bytes without a newline that are no line of ours
_LASTING = frozenset(("timestamp", "level", "logger", "reference"))


@dataclass(frozen=True)
class Place:
    """Where reading goes on. `head` names the file; `offset` counts bytes of its uncompressed text."""

    head: str = ""
    offset: int = 0


def lines_after(current: Path, place: Place) -> Iterator[tuple[bytes, Place]]:
    """Every whole line after `place` without its newline, oldest first, each with the place behind it.

    A `place` whose file is gone, or empty, means the beginning of the oldest file there is. Files that cannot be read
    are passed over. A rotation meanwhile neither repeats nor loses a line: all files are open before one is read.
    """
    with ExitStack() as opened:
        files = _open(current, opened)
        known = next((number for number, (head, _) in enumerate(files) if head == place.head), None)
        for head, stream in files[known or 0 :]:
            offset = place.offset if known is not None and head == place.head else 0
            with suppress(OSError, EOFError, zlib.error):
                stream.seek(offset)
                yield from _lines(stream, head, offset)


def end(current: Path) -> Place:
    """Behind the last whole line that is there now."""
    with ExitStack() as opened:
        files = _open(current, opened)
        if not files:
            return Place()
        head, stream = files[-1]
        size = stream.seek(0, 2) if not isinstance(stream, gzip.GzipFile) else len(stream.read())
        start = max(0, size - _LONGEST)
        stream.seek(start)
        newline = stream.read(size - start).rfind(b"\n")
        return Place(head, start + newline + 1)


def _open(current: Path, opened: ExitStack) -> list[tuple[str, IO[bytes]]]:
    """The files that have a whole first line, the oldest first, each once."""
    found: dict[str, IO[bytes]] = {}
    for path in log_files(current):
        with suppress(OSError, EOFError, zlib.error):
            stream: IO[bytes] = opened.enter_context(path.open("rb"))
            if path.suffix == ".gz":
                stream = cast(IO[bytes], opened.enter_context(gzip.GzipFile(fileobj=stream)))
            if head := head_of(stream):
                found.setdefault(head, stream)
    return list(reversed(found.items()))


def head_of(stream: IO[bytes]) -> str:
    """The name of a file for as long as its text is only added to: no two records of ours begin a file alike.

    Made of what `manage.py logs forget` leaves as it is, so that a place stays a place when somebody is forgotten.
    """
    first = stream.readline(_LONGEST)
    if not first.endswith(b"\n"):
        return hashlib.sha256(first[:4096]).hexdigest()[:32] if len(first) >= 4096 else ""
    record = taken_apart(first)
    if record is not None:
        lasting = {key: value for key, value in record.items() if key in _LASTING or _is_number(key, value)}
        first = repr(sorted(lasting.items())).encode("utf-8", "backslashreplace")
    return hashlib.sha256(first).hexdigest()[:32]


def _is_number(key: str, value: Any) -> bool:
    return key != "user_id" and isinstance(value, int | float)


def _lines(stream: IO[bytes], head: str, offset: int) -> Iterator[tuple[bytes, Place]]:
    rest = b""
    while piece := stream.read(_PIECE):
        rest += piece
        begin = 0
        while (newline := rest.find(b"\n", begin)) >= 0:
            yield rest[begin:newline], Place(head, offset + newline + 1)
            begin = newline + 1
        offset, rest = offset + begin, rest[begin:]
        if len(rest) > _LONGEST:
            offset, rest = offset + len(rest), b""
