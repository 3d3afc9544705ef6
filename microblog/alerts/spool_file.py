"""A small SQLite file of the logs: made with care, used in short transactions, set aside when it is broken.

Under the spool of the alerts and under the error inbox.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, TypeVar

from microblog.alerts import forks, notes

T = TypeVar("T")


class SpoolUnusable(Exception):
    """The file cannot be used now (no room, no permission, locked for too long); nothing was added or changed."""


class SpoolBroken(Exception):
    """The file is not, or no longer, a database of ours."""


class SpoolFile:
    """The database at `path`. A connection lives for one transaction, so none is carried over a fork.

    `SCHEMA` makes the tables, `PROBE` is a statement that fails where one of them is missing.
    """

    NAME: ClassVar[str] = "spool"
    VERSION: ClassVar[int] = 1
    SCHEMA: ClassVar[str]
    PROBE: ClassVar[str]

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """`shared`: the directory above is open to everyone on the machine, so ours in it must be ours alone."""
        self.path = path
        self._shared = shared

    def directory(self) -> Path:
        """The directory of the file, made if need be. Raises OSError, also where a shared one is not ours alone."""
        directory = self.path.parent
        if not directory.is_dir() or self._shared:
            directory.mkdir(mode=0o700, parents=not self._shared, exist_ok=True)
        if self._shared:
            about = directory.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
                raise PermissionError("its directory could belong to somebody else")
        return directory

    def use(self, work: Callable[[sqlite3.Connection], T], patience: float = 5.0, *, reads: bool = False) -> T:
        """Run `work` in a transaction of its own; `patience` in seconds bounds the wait for other processes."""
        held = forks.lock
        if not held.acquire(timeout=patience):
            raise SpoolUnusable(f"{self.path}: in use by another thread")
        try:
            try:
                return self._transaction(work, patience, reads)
            except SpoolBroken as broken:
                self._set_aside(broken)
                return self._transaction(work, patience, reads)
        except (OSError, sqlite3.Error, SpoolBroken) as error:
            raise SpoolUnusable(f"{self.path}: {error}") from error
        finally:
            held.release()

    def _transaction(self, work: Callable[[sqlite3.Connection], T], patience: float, reads: bool) -> T:
        self._make(patience)
        with self._connected(patience) as db:
            if _version(db) != self.VERSION:
                raise SpoolBroken(f"its version is {_version(db)}, not {self.VERSION}")
            db.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
            return result

    @contextlib.contextmanager
    def _connected(self, patience: float) -> Iterator[sqlite3.Connection]:
        db: sqlite3.Connection | None = None
        try:
            # mode=rw: a file that vanished is made by `_make`, with its permissions, never by a query.
            db = sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, timeout=patience, isolation_level=None)
            db.execute("PRAGMA synchronous = NORMAL")
            yield db
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "no such" in str(error):
                raise SpoolBroken(str(error)) from error
            raise
        finally:
            if db is not None:
                db.close()

    def _make(self, patience: float) -> None:
        """Make the file, readable by its owner only, unless it is there."""
        self.directory()
        if self.path.exists() and self.path.stat().st_size:
            return
        with self._alone():
            # O_EXCL: to open and close a database that is in use would drop this process's own SQLite locks on it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            with self._connected(patience) as db:
                if _version(db) == 0:
                    db.execute("PRAGMA journal_mode = WAL")
                    db.executescript(f"{self.SCHEMA}\nPRAGMA user_version = {self.VERSION};")

    def _set_aside(self, broken: SpoolBroken) -> None:
        """Move a broken file out of the way; the last one is kept for whoever wants to look."""
        with self._alone():
            try:
                with self._connected(1.0) as db:
                    if _version(db) == self.VERSION and db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                        db.execute(self.PROBE).fetchone()
                        return  # another process was quicker
            except SpoolBroken:
                pass
            except sqlite3.OperationalError:
                return
            kept = self.path.with_name(self.path.name + ".broken")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").replace(f"{kept}{suffix}")
        self.tell_broken(kept, broken)

    def tell_broken(self, kept: Path, broken: SpoolBroken) -> None:
        """A broken file was set aside as `kept`."""
        notes.failed(self.NAME, f"the {self.NAME} was broken ({broken}); it is kept as {kept}, a new one was made")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time makes or replaces the file."""
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            for _ in range(500):  # five seconds: a peer that was stopped while it held the lock must not stop us too
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.01)
            else:
                raise TimeoutError("another process holds the lock")
            yield
        finally:
            os.close(lock)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
