"""How much one network or one member may add to the log, so that nobody pushes the records of others out of its files.

Each sender has a leaky bucket of bytes, and all strangers together have one more: a second address is easily had. What
runs over is left out and counted; `log.thinned` tells how much. Errors are always written, and so is what no request
caused. Each process counts by itself, in memory.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from microblog.log.context import stats

BURST_SECONDS = 2000
"""A sender may write as much at once as otherwise in this time: 1 MB, some 2,000 requests, by default."""

STRANGERS = 10
"""All strangers together may write as much as so many senders."""

SENDERS = 10_000
"""Buckets held in memory. Beyond them the oldest are forgotten; the bucket of all strangers still holds."""

TOLD_EVERY = 60.0
"""Seconds between two records about what was left out."""

_ALL = "strangers"


class Flood:
    """Decides which records are written. Not safe in several threads: the handler calls it under its lock."""

    def __init__(self, rate: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`rate` is bytes a second for one sender; 0 lets everything through. `clock` gives seconds."""
        self._rate, self._clock = rate, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # sender → bytes in the bucket, and when that was so
        self._left_out, self._bytes, self._senders = 0, 0, set[str]()
        self._since = self._told = clock() - TOLD_EVERY

    def admits(self, record: logging.LogRecord, size: int) -> bool:
        """True if `record`, a line of `size` bytes, may be written. Counts it as written or as left out."""
        request = stats.get()
        if not self._rate or request is None or record.levelno >= logging.ERROR:
            return True
        sender = request.sender
        fits = self._pour(sender, size, self._rate)
        if fits and request.user_id is None:
            fits = self._pour(_ALL, size, self._rate * STRANGERS)
        if not fits:
            self._note(sender, size)
        return fits

    def news(self, *, at_once: bool = False) -> dict[str, Any] | None:
        """The values of `log.thinned`, if there is something new to tell; not twice a minute unless `at_once`."""
        now = self._clock()
        if not self._left_out or (now - self._told < TOLD_EVERY and not at_once):
            return None
        told = {"count": self._left_out, "bytes": self._bytes, "senders": len(self._senders)}
        told["seconds"] = round(now - self._since)
        self._left_out, self._bytes, self._told = 0, 0, now
        self._senders.clear()
        return told

    def _pour(self, sender: str, size: int, rate: int) -> bool:
        now = self._clock()
        level, at = self._buckets.pop(sender, (0.0, now))
        level = max(0.0, level - (now - at) * rate)
        fits = level + size <= rate * BURST_SECONDS
        self._buckets[sender] = (level + size if fits else level, now)  # last in order: the oldest are forgotten first
        if len(self._buckets) > SENDERS:
            del self._buckets[next(iter(self._buckets))]
        return fits

    def _note(self, sender: str, size: int) -> None:
        if not self._left_out:
            self._since = self._clock()
        self._left_out += 1
        self._bytes += size
        if len(self._senders) < SENDERS:
            self._senders.add(sender)
