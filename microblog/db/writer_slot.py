"""Whose turn it is to write, within one process."""

import threading
import time

WRITE_WAIT = 2.0
"""Seconds a writer waits in all: for its turn within this process, then for other programs. Answers come within 2.5."""

SLOT_WAIT_STUCK = 0.05
"""Seconds it waits for its turn while another program is known to hold the lock."""

TURN = 0.4
"""Seconds after which a writer at its turn that still asks for the lock is taken to wait for another program.

Until then all threads may be waiting, and readers behind them. Of those in the test of F34 the slowest of twenty waited
0.5 s with 0.7 here, and 0.1 s with 0.4.
"""


class WriterBusy(Exception):
    """Another writer holds the database; nothing was read or changed. Becomes 503 with Retry-After."""


class WriterSlot:
    """One writer at a time in this process, so that a lock held elsewhere cannot take every thread.

    Whoever waits gives up when the writer at its turn has asked for the lock for TURN: another program holds it. One
    that has the lock is slow at worst (a disk that takes its time, a machine with more to do) and worth the whole
    WRITE_WAIT. While the lock is known to be held elsewhere, until somebody has it again, one at a time asks for it and
    the others fail at once: the threads stay free for readers.
    """

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = False
        self._stuck = False

    def acquire(self) -> None:
        """Wait for the turn. Raises WriterBusy."""
        end = time.monotonic() + WRITE_WAIT
        with self._free:
            while self._taken:
                if self._stuck:
                    end = min(end, time.monotonic() + SLOT_WAIT_STUCK)
                left = end - time.monotonic()
                if left <= 0:
                    raise WriterBusy
                self._free.wait(left)
            self._taken = True

    def asked_for(self, seconds: float) -> None:
        """The writer at its turn has asked for SQLite's lock for so long, and does not have it."""
        if seconds >= TURN and not self._stuck:
            with self._free:
                self._stuck = True
                self._free.notify_all()

    def has_lock(self) -> None:
        """The writer at its turn has SQLite's lock: those who wait need not give up early."""
        self._stuck = False

    def release(self, *, stuck: bool) -> None:
        """Give the turn back; `stuck` says that SQLite's lock could not be had."""
        with self._free:
            self._taken = False
            self._stuck = stuck
            self._free.notify()
