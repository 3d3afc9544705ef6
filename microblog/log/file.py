"""The log file: appended to by any number of processes, rotated by whichever comes first, never in anyone's way.

Every line is one ``os.write`` on a descriptor opened with O_APPEND, which the kernel puts behind all others in one
piece. Nobody waits for anybody: rotation is tried under a non-blocking lock, and who does not get it keeps writing.
What a crash, a full disk or logrotate can do in between is looked for after the write, where it can no longer change:

* the byte before the line is no newline: somebody died in the middle of theirs, so ours is written once more, whole;
* the file has no name any more: it was deleted under us, so the line goes to the new one as well.
"""

# plain strings and system calls: this is called for every line, and while things are broken
# ruff: noqa: PTH100, PTH105, PTH116

import contextlib
import errno
import logging
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

from microblog.log import events, metrics
from microblog.log.event import Event
from microblog.log.flood import Flood
from microblog.log.formatter import JsonFormatter, own_record
from microblog.log.opening import end_torn_line, ends_torn, locked, open_to_append, remove_older, same_file
from microblog.log.records import last_resort, shortened
from microblog.log.stderr import say

QUIET = 10.0
"""Seconds between two complaints on stderr, and between two tries of a rotation that failed."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class JsonLinesHandler(logging.Handler):
    """Writes each record as one line to `path`; several processes may do so at once.

    Beyond `max_bytes` the file becomes ``path.1``, that one ``path.2``, up to `backups`; either of them 0 means never,
    which is what logrotate wants. What was put aside is removed when its last line is `keep_days` old, at the start and
    at each rotation; 0 means by number only. The folder (0750) and the file (0640) are made when they are missing, at
    any time.

    `flood` decides how much one sender may write; without it everybody may write everything.

    Nothing raises. Where the file cannot be opened, the lines go to stderr; where it cannot be written (a full disk),
    they are counted, stderr hears of it once in ten seconds, and ``log.recovered`` tells how many are missing.
    """

    def __init__(
        self,
        path: Path | str,
        max_bytes: int = 20_000_000,
        backups: int = 10,
        keep_days: float = 0,
        flood: Flood | None = None,
    ) -> None:
        super().__init__()
        self._flood = flood or Flood(0)
        self.setFormatter(JsonFormatter())
        self.path = os.path.abspath(path)
        self.max_bytes = max_bytes
        self.backups = backups
        self.keep_days = keep_days
        self.dropped = 0
        """Lines that reached neither the file nor stderr since the last one that was written."""
        self._fd = -1
        self._opened: os.stat_result | None = None  # what the descriptor was when it was opened
        self._pid = os.getpid()
        self._end = -1  # where our last line ended
        self._torn = False  # our own last write was cut short
        self._regular = True
        self._failing = False
        self._closed = False
        self._complained = self._rotation_failed = -QUIET
        self._news: list[tuple[Event, dict[str, Any]]] = []  # said once the lock is free
        self._here = threading.local()
        try:
            self._reopen()
            remove_older(self.path, keep_days)
        except OSError as problem:
            self._failing = True
            self._complain(problem)

    @property
    def failing(self) -> bool:
        """Whether the last line could not be written to the file."""
        return self._failing

    # --- what logging calls -------------------------------------------------------------------------------------------

    def handle(self, record: logging.LogRecord) -> Any:
        """As in the base class; what the handler has to say itself is said when its lock is free again."""
        if getattr(self._here, "telling", False):
            return False
        handled = super().handle(record)
        if self._news:
            self.tell()
        return handled

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record. Never raises, never waits."""
        try:
            if not self._closed:
                line = self._line(record)
                if record.name == __name__ or self._flood.admits(record, len(line)):
                    self._deliver(line)
                if thinned := self._flood.news():
                    self._news.append((events.LOG_THINNED, thinned))
        except Exception as problem:  # noqa: BLE001 - a log that fails must not fail the request that wrote to it
            self._drop()
            with contextlib.suppress(Exception):
                self._complain(problem)

    def tell(self) -> None:
        """Say what went wrong: as JSON on stderr, and to the handlers behind this one, which may send mail."""
        with self.lock or contextlib.nullcontext():
            news, self._news = self._news, []
        for event, values in news:
            record = own_record(__name__, event, values)
            if event is events.LOG_UNWRITABLE:
                say(self._line(record))
            else:
                self.handle(record)
            self._here.telling = True
            try:
                logger = logging.getLogger(record.name)
                if logger.hasHandlers():  # else logging's own last resort would say it on stderr once more
                    logger.handle(record)
            except Exception as problem:  # noqa: BLE001 - handlers of others; a record about a log must stay harmless
                say(f"microblog: a log handler raised {type(problem).__name__}\n".encode())
            finally:
                self._here.telling = False

    def close(self) -> None:
        """Let the file go. Says on stderr what was lost and can no longer be told in the log."""
        with self.lock or contextlib.nullcontext():
            if not self._closed and self.dropped:
                values = {"path": self.path, "error": "closed while lines were missing", "dropped": self.dropped}
                say(self._line(own_record(__name__, events.LOG_UNWRITABLE, values)))
            if not self._closed and (thinned := self._flood.news(at_once=True)):
                self._deliver(self._line(own_record(__name__, events.LOG_THINNED, thinned)))
            self._closed = True
            self._let_go(self._fd, self._opened)
            self._fd = -1
        super().close()

    # --- one line -----------------------------------------------------------------------------------------------------

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as problem:  # noqa: BLE001 - any formatter may be set, and any value may be in the record
            text = last_resort(record, f"formatting raised {type(problem).__name__}")
        return shortened(text.replace("\n", "\\n")).encode(errors="backslashreplace") + b"\n"

    def _deliver(self, line: bytes) -> None:
        try:
            self._get_ready(len(line))
        except OSError as problem:
            # No file to write to: stderr gets every line, unless the disk is full, which comes with thousands of them.
            self._failing = True
            if problem.errno in _FULL or not say(line):
                self._drop()
            self._complain(problem)
            return
        try:
            self._write(line)
        except OSError as problem:
            self._failing = True
            self._drop()
            self._complain(problem)
            return
        if self._failing:
            self._recover()

    def _write(self, line: bytes) -> None:
        """The line at the end of the file, whole and after a newline. Raises OSError."""
        # Twice is what a line needs that met a crash, a full disk or a deletion.
        for _ in range(3):
            data = b"\n" + line if self._torn and self._ends_torn() else line
            written = os.write(self._fd, data)
            if written != len(data):
                # A disk about to be full took a part. It ends as a line of its own; this one starts anew, or fails.
                self._torn = True
                continue
            self._torn = False
            if not self._regular or (self._begins_a_line(written, data) and not self._was_deleted()):
                return
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _begins_a_line(self, size: int, data: bytes) -> bool:
        """Whether the line just written stands after a newline: the position tells where that is."""
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        start, before, self._end = end - size, self._end, end
        if start in (before, 0) or data[:1] == b"\n":
            return True
        try:
            return os.pread(self._fd, 1, start - 1) in (b"\n", b"")
        except OSError:
            return True  # open for writing only

    def _ends_torn(self) -> bool:
        try:
            return not self._regular or ends_torn(self._fd, os.fstat(self._fd).st_size)
        except OSError:
            return True  # open for writing only

    def _was_deleted(self) -> bool:
        if os.fstat(self._fd).st_nlink:
            return False
        self._reopen()
        return True

    # --- the file -----------------------------------------------------------------------------------------------------

    def _get_ready(self, size: int) -> None:
        """Have the right file open, rotated if `size` more bytes would be too many. Raises OSError."""
        # Asked of the descriptor each time: a daemon that closes all that it inherited must not make us write into the
        # database that got the number next.
        held = self._held(self._fd, self._opened)
        if held is None or self._pid != os.getpid():
            self._reopen()
            held = os.fstat(self._fd)
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            self._reopen()
            return
        except OSError as problem:
            self._complain(problem)  # the way there is barred, the open file is not
            return
        if not same_file(held, named):
            self._reopen()
            named = os.fstat(self._fd)
        if self.backups > 0 and 0 < self.max_bytes < named.st_size + size and named.st_size > 0 and self._regular:
            self._rotate(size)

    def _reopen(self) -> None:
        """Open what is at the path now. Raises OSError if that fails and there is nothing open to go on with."""
        held, opened, forked = self._fd, self._opened, self._pid != os.getpid()
        try:
            self._fd = open_to_append(self.path)
        except OSError as problem:
            # The file we have was renamed, perhaps, and the new one is not ours to write: better there than nowhere.
            now = self._held(held, opened)
            if now is None or now.st_nlink == 0 or forked:
                self._let_go(held, opened)
                self._fd, self._opened = -1, None
                raise
            self._complain(problem)
            return
        self._let_go(held, opened)
        if forked:
            # A descriptor of one's own has a position of one's own; and what the parent lost is told by the parent.
            self._pid, self.dropped, self._failing = os.getpid(), 0, False
        self._end, self._torn, self._opened = -1, False, os.fstat(self._fd)
        self._regular = stat.S_ISREG(self._opened.st_mode)
        if self._regular:
            end_torn_line(self._fd)

    def _rotate(self, size: int) -> None:
        """Rename the file away if nobody else does. Whatever goes wrong, the open file is still there to write to."""
        if time.monotonic() - self._rotation_failed < QUIET:
            return
        try:
            # The lock is on the file itself: each generation has its own, and there is nothing to clean up.
            with locked(self._fd) as mine:
                # Another process may have been faster between our look and our lock.
                held = os.fstat(self._fd)
                if not mine or not same_file(held, os.stat(self.path)) or held.st_size + size <= self.max_bytes:
                    return
                free = 1
                while free < self.backups and os.path.lexists(f"{self.path}.{free}"):
                    free += 1
                for number in range(free - 1, 0, -1):
                    os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
                os.replace(self.path, f"{self.path}.1")
                remove_older(self.path, self.keep_days)
        except FileNotFoundError:
            pass  # logrotate was faster
        except OSError as problem:
            self._rotation_failed = time.monotonic()
            self._news.append((events.LOG_ROTATION_FAILED, {"path": self.path, "error": _told(problem)}))
            return
        self._reopen()

    def _held(self, fd: int, opened: os.stat_result | None) -> os.stat_result | None:
        """What the descriptor is now, if it is still what was opened."""
        try:
            now = os.fstat(fd)
        except OSError:
            return None
        return now if opened is not None and same_file(now, opened) else None

    def _let_go(self, fd: int, opened: os.stat_result | None) -> None:
        if self._held(fd, opened):
            with contextlib.suppress(OSError):
                os.close(fd)

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _drop(self) -> None:
        self.dropped += 1
        metrics.line_dropped()

    def _complain(self, problem: Exception) -> None:
        """Have something said about it, unless it was lately."""
        now = time.monotonic()
        if now - self._complained >= QUIET:
            self._complained = now
            values = {"path": self.path, "error": _told(problem), "dropped": self.dropped}
            self._news.append((events.LOG_UNWRITABLE, values))

    def _recover(self) -> None:
        """Tell in the file itself how many lines it lacks; if that fails too, they stay counted."""
        dropped, self.dropped, self._failing = self.dropped, 0, False
        try:
            self._write(self._line(own_record(__name__, events.LOG_RECOVERED, {"path": self.path, "dropped": dropped})))
        except OSError:
            self.dropped, self._failing = dropped, True


def _told(problem: Exception) -> str:
    if isinstance(problem, BlockingIOError):
        return "its reader does not keep up"
    return f"{type(problem).__name__}: {problem}"
