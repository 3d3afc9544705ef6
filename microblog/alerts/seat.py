"""Which process of the machine sends: whoever holds a file lock, which goes with its process whatever way that ends."""

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from microblog.alerts.spool_file import SpoolFile


class Seat:
    """The place of the one sender of this machine, kept by a file lock beside the first spool that can hold one."""

    def __init__(self, spools: Sequence[SpoolFile]) -> None:
        self._spools = spools
        self._lock: int | None = None
        self._path: Path | None = None

    def take(self) -> bool:
        """Take it if it is free, without waiting. True while it is ours. Raises OSError when no directory is usable."""
        problem: OSError | None = None
        for spool in self._spools:
            try:
                return self._take(spool.directory() / "alerts.sender.lock")
            except OSError as error:
                problem = problem or error
        self.leave()
        raise problem or OSError("nowhere to keep a lock")

    def leave(self) -> None:
        """Give it back. In a forked child this closes only the copy; the parent keeps its place."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self, path: Path) -> bool:
        if self._lock is not None and path == self._path:
            # Somebody may have emptied the directory: then our lock guards nothing any more.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._lock), path.stat()):
                    return True
        flags = os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            lock = os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            lock = os.open(path, flags | os.O_RDONLY)  # a full or read-only disk: a lock needs no writing
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise
            self.leave()  # a place further down, which is worth nothing now that this one is to be had
            return False
        self.leave()
        self._lock, self._path = lock, path
        return True
