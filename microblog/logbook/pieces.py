"""Lines of large files in pieces: forwards, backwards, and from a moment on, never a whole file in memory.

A piece is a block of whole lines, which is searched as bytes; only lines that match are cut out of it.
"""

import re
from collections.abc import Callable, Iterator
from typing import IO

PIECE = 1 << 18  # bytes; larger ones are measured to take twice as long, because the memory comes from the system
LONGEST = 1 << 20  # bytes of a line that may be one of ours; beyond it there is no newline to wait for
_NEAR = 1 << 16  # bytes below which reading is cheaper than looking for the place
_STAMP = re.compile(rb'(?:\A|\n)\{"timestamp":"([0-9T:.-]{23}Z)"')

Find = Callable[[bytes, int], int]
"""Where in a block, from a position on, something is found; negative where it is not."""


def literal(needle: bytes) -> Find:
    """Finds `needle`."""
    return lambda block, start: block.find(needle, start)


def expression(pattern: re.Pattern[bytes]) -> Find:
    """Finds what `pattern` matches; no match may hold a newline."""

    def find(block: bytes, start: int) -> int:
        found = pattern.search(block, start)
        return found.start() if found else -1

    return find


def matches(find: Find, block: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of `block` in which something is found, without their newline, each with where it begins."""
    at = find(block, 0)
    while at >= 0:
        start, end = block.rfind(b"\n", 0, at) + 1, block.find(b"\n", at)
        if end < 0:
            end = len(block)
        yield start, block[start:end]
        at = find(block, end + 1)


def blocks(stream: IO[bytes], start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines that begin in `start` to `end`, oldest first, each with where it begins.

    `start` is the beginning of a line, or anywhere in one that is then left out. A line without an end comes last.
    """
    stream.seek(max(0, start - 1))
    at = start
    if start:
        at += len(stream.readline()) - 1
    rest = b""
    while end is None or at < end:
        piece = stream.read(PIECE)
        if not piece:
            if rest:
                yield at, rest + b"\n"
            return
        piece = rest + piece if rest else piece
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield at, piece[:cut]
        rest = piece[cut:]
        at += cut
        if len(rest) > LONGEST:
            # No line of ours; its end is looked at like a line, and judged as broken.
            keep = rest[-100:]
            at, rest = at + len(rest) - len(keep), keep


def blocks_backwards(stream: IO[bytes], start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The same from `end`, the beginning of a line or the end of the file, down to `start`: newest first."""
    at, tail, torn = end, b"", False
    while at > start:
        size = min(PIECE, at - start)
        at -= size
        stream.seek(at)
        block = stream.read(size) + tail
        if torn:  # all of this belongs to a line too long to be ours, down to its beginning
            block = block[: block.rfind(b"\n") + 1]
            torn = not block
        first = block.find(b"\n") + 1 if at > start else 0
        if at > start and not first:
            torn = torn or len(block) > LONGEST
            tail = b"" if torn else block
            continue
        tail = block[:first]
        if block[first:]:
            yield at + first, block[first:]


def around(stream: IO[bytes], moment: str, size: int) -> tuple[int, int]:
    """Two places near to each other: lines before the first are older than `moment`, those after the second are not.

    Found by halving, as far as the lines are in order of time. `moment` is as a record's timestamp is written.
    """
    low, high, wanted = 0, size, moment.encode()
    while high - low > _NEAR:
        middle = (low + high) // 2
        stream.seek(middle)
        stamp = _STAMP.search(stream.read(_NEAR if high - middle > _NEAR else high - middle))
        if stamp and stamp[1] < wanted:
            low = middle
        else:
            high = middle
    return low, high
