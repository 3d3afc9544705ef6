"""Errors by mail: a logging handler that costs a request microseconds, whatever the mail server does.

    emit  →  a small table in memory  →  the spool on disk  →  the one sender of this machine  →  SMTP
    (request)                (one thread in each process)        (one thread on one process)

`emit` fingerprints, summarises and counts. It does not block, does not raise, and does not hear its own troubles.
"""

import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable

from microblog.alerts import forks
from microblog.alerts.health import missing
from microblog.alerts.notes import Troubles
from microblog.alerts.outlook import Outlook
from microblog.alerts.seat import Seat
from microblog.alerts.sender import Sender
from microblog.alerts.spool import OVERFLOW, Sighting, SpoolUnusable, spools
from microblog.alerts.summary import Seen, finish, summarise
from microblog.config.settings import Settings
from microblog.log.fingerprint import SILENT
from microblog.log.unlocked import UnlockedHandler

MAX_ERRORS = 256  # different errors held in memory between two writes; more are counted together
MAX_ACCEPTED = 2048  # references remembered for `queued`
ELECTION = 1.0  # seconds between two looks whether the sender's place is free
BREATH = 0.05  # seconds between two writes: a thousand errors a second are twenty writes

_own = threading.local()  # .busy: this thread is at work for the alerts, what it logs is no alert


class AlertHandler(UnlockedHandler):
    """For the root logger, level ERROR. Does nothing at all when mail is not, or only half, configured."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        super().__init__(logging.ERROR)
        self._settings = settings
        self._clock = clock
        self.active = missing(settings) is None
        self._spools = spools(settings)
        self._seat = Seat(self._spools)
        self.outlook = Outlook(settings, self._spools[0])
        self._closed = False
        self._fresh()
        _handlers.add(self)

    def _fresh(self) -> None:
        """What belongs to this process alone."""
        self._lock = threading.RLock()  # re-entrant: a signal handler or a finaliser may log an error in our middle
        self._writing = threading.Lock()
        self._seen: dict[str, Sighting] = {}
        self._accepted: dict[str, None] = {}
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._rung = False
        self._thread: threading.Thread | None = None
        self._sender: Sender | None = None
        self._sender_thread: threading.Thread | None = None
        self._troubles = Troubles()

    # In the request

    def emit(self, record: logging.LogRecord) -> None:
        """Count `record` in. Never blocks, never raises."""
        if not self.active or getattr(_own, "busy", False):
            return
        _own.busy = True
        try:
            self._take(Seen.of(record))
        except Exception as error:  # noqa: BLE001 - a bug in here must not become a bug of the request
            self._troubles.report("emit", error)
        finally:
            _own.busy = False

    def queued(self, reference: str) -> bool:
        """Whether an alert with this reference was accepted here, so that a mail will tell it. Costs a dict access.

        Not so where its failure is muted, or mail has not worked for long: then nobody is notified soon.
        """
        return reference in self._accepted

    def _take(self, seen: Seen) -> None:
        if seen.values.get("event") in SILENT:
            return
        fingerprint, reference, at = seen.fingerprint, seen.reference, seen.record.created
        with self._lock:
            known = self._seen.get(fingerprint)
            if known is None and len(self._seen) >= MAX_ERRORS:
                fingerprint = OVERFLOW
                known = self._seen.get(fingerprint)
            if known is not None:
                known.add(Sighting(1, at, at, [reference] if reference else [], known.example))
        if known is None:
            sighting = Sighting(1, at, at, [reference] if reference else [], summarise(seen))
            with self._lock:
                _merge(self._seen, fingerprint, sighting)
        if reference and self.outlook.tells(fingerprint, at):
            self._accepted[reference] = None
            if len(self._accepted) > MAX_ACCEPTED:
                with contextlib.suppress(StopIteration, KeyError, RuntimeError):
                    del self._accepted[next(iter(self._accepted))]
        self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self.start()
        if not self._rung:
            self._rung = True
            self._bell.put(None)  # SimpleQueue.put is re-entrant, threading.Event.set is not

    # Life

    def start(self) -> None:
        """Start this process's thread, which also stands for election as sender; call it after the fork.

        Without this it starts at the first error; with it, what an earlier process left in the spool is sent too.
        """
        with self._lock:
            if not self.active or self._closed or self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="alerts-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no thread to be had, or the interpreter is going down: flush() still writes
                self._troubles.report("thread", error)
                return
            self._thread = thread

    def flush(self, timeout: float = 2.0) -> None:
        """Write what is in memory to the spool, within `timeout` seconds. Mailing is the sender's business."""
        busy, _own.busy = getattr(_own, "busy", False), True
        try:
            self._write(timeout)
        except Exception as error:  # noqa: BLE001 - called while the process goes down
            self._troubles.report("flush", error)
        finally:
            _own.busy = busy

    def close(self) -> None:
        """Flush, stop the threads, leave the sender's place to another process. logging.shutdown calls it at exit."""
        self._closed = True
        self.flush()
        self._bell.put(None)
        if self._thread is not None:
            self._thread.join(2)
        if self._sender is not None and self._sender_thread is not None:
            self._sender.stop()
            self._sender_thread.join(0.5)
            self._sender.abort()
            self._sender_thread.join(2)
        self._seat.leave()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        """Nothing on stderr: `emit` reports its own troubles."""

    # The thread

    def _run(self) -> None:
        _own.busy = True
        while not self._closed:
            with contextlib.suppress(queue.Empty):
                self._bell.get(timeout=ELECTION)
            self._rung = False
            try:
                self._write()
                self._stand_for_election()
                self.outlook.refresh(self._clock())
            except Exception as error:  # noqa: BLE001 - the thread outlives every trouble
                self._troubles.report("spool", error)
            time.sleep(BREATH)

    def _write(self, patience: float = 5.0) -> None:
        """Move what was seen into the first spool that takes it; keep it if none does. Raises SpoolUnusable."""
        if not self._writing.acquire(timeout=patience):
            raise SpoolUnusable("the previous write has not ended")
        try:
            with self._lock:
                batch, self._seen = self._seen, {}
            if not batch:
                return
            try:
                self._add(batch, patience)
            except BaseException:
                with self._lock:
                    for fingerprint, sighting in batch.items():
                        _merge(self._seen, fingerprint, sighting)
                raise
        finally:
            self._writing.release()

    def _add(self, batch: dict[str, Sighting], patience: float) -> None:
        for sighting in batch.values():
            finish(sighting.example)
        *others, last = self._spools
        for spool in others:
            try:
                spool.add(batch, self._clock(), patience=patience / 2)
            except SpoolUnusable as error:
                self._troubles.report("spool", error)
            else:
                return
        last.add(batch, self._clock(), patience=patience / 2)

    def _stand_for_election(self) -> None:
        running = self._sender_thread is not None and self._sender_thread.is_alive()
        with forks.lock:  # a fork in the middle would give the child a copy of the lock that nobody knows of
            ours = self._seat.take()
        if not ours:
            if running and self._sender is not None:
                self._sender.abort()  # our lock was taken away from under us, and somebody else was quicker
            return
        if not running and not self._closed:
            self._sender = Sender(self._settings, self._spools, clock=self._clock)
            self._sender_thread = threading.Thread(target=self._send, name="alerts-sender", daemon=True)
            self._sender_thread.start()

    def _send(self) -> None:
        _own.busy = True
        if self._sender is not None:
            self._sender.run()


def _merge(seen: dict[str, Sighting], fingerprint: str, sighting: Sighting) -> None:
    if fingerprint not in seen and len(seen) >= MAX_ERRORS:
        fingerprint = OVERFLOW
    if fingerprint in seen:
        seen[fingerprint].add(sighting)
    else:
        seen[fingerprint] = sighting


_handlers: "weakref.WeakSet[AlertHandler]" = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: no thread survived, the locks may be held by one that did not, and the counts are the parent's."""
    for handler in list(_handlers):
        handler._seat.leave()
        handler._fresh()


os.register_at_fork(after_in_child=_after_fork)
