"""The engine: how SQLite is opened and locked, how statements are counted, and the one way to write.

Measured with 8 writers × 2,000 read-modify-writes on one row: the driver's defaults lost 84 % of the updates without a
word and deferred transactions failed 64 % of them; ``BEGIN IMMEDIATE`` before the first read lost none and failed none.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event, exc, make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.orm import Session

from microblog.db import search_words
from microblog.db.writer_slot import WRITE_WAIT, WriterSlot
from microblog.db.writer_slot import WriterBusy as WriterBusy  # what `writing` raises
from microblog.log.context import count_sql

BUSY_TIMEOUT = 1.0
"""Seconds SQLite waits for another writer before it says SQLITE_BUSY.

An answer comes within 2.5: what is left is for a machine that stands still. With 1.5 one that did so for 1.3 was late.
"""

ASK_EVERY = 8
"""Milliseconds for which SQLite itself asks for the lock: four times, each a little later."""

LONGEST_ASKING = 0.05
"""Seconds that this takes at most on a busy machine. One that stood still took longer."""

VERSION_QUERY = "SELECT version_num FROM alembic_version"
"""Asked on a new connection, by no request in particular: microblog/db/schema.py."""

# After these the open connections are worth nothing, even when the file is whole again.
_FATAL = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"}


class _Turn(NamedTuple):
    """What the running `writing` block may do: wait for the lock `until` (time.monotonic), within its `slot`."""

    until: float
    slot: WriterSlot | None = None


_writing: ContextVar[_Turn | None] = ContextVar("writing", default=None)
"""Set within a `writing` block."""


def sqlite_errorname(error: BaseException | None) -> str:
    """SQLite's own name of what went wrong, without its extension: ``SQLITE_BUSY``, or an empty string."""
    name = str(getattr(error, "sqlite_errorname", ""))
    return "_".join(name.split("_")[:2])


def engine_options(url: str, threads: int, *, create: bool = False) -> dict[str, Any]:
    """Flask-SQLAlchemy's engine options for the database at `url`, used by `threads` threads a process.

    Without `create` a missing SQLite file is an error rather than a new empty database: an empty one would answer
    "no such table" on every page and look like a bug.
    """
    pool = {"pool_size": threads + 2, "max_overflow": 0, "pool_timeout": 2}
    # hide_parameters: what a member typed never stands in an exception's text, so never in a log or a mail.
    common: dict[str, Any] = {"hide_parameters": True}
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        connect: dict[str, Any] = {"connect_timeout": 2}
        if not create:  # a migration may wait for those who use the tables, nobody at a page for another program
            connect["options"] = f"-c lock_timeout={BUSY_TIMEOUT * 1000:.0f}"
        return common | pool | {"pool_pre_ping": True, "connect_args": connect}
    path = parsed.database or ""
    mode = "rwc" if create else "rw"
    return common | pool | {"creator": lambda: _connect_sqlite(path, mode)}


class _Connection(sqlite3.Connection):
    """`frozen`: opened for reading from a disk that nobody can write to at the moment."""

    frozen = False


def _connect_sqlite(path: str, mode: str) -> _Connection:
    try:
        return _open(path, mode)
    except sqlite3.OperationalError as error:
        if sqlite_errorname(error) not in {"SQLITE_CANTOPEN", "SQLITE_READONLY"} or not _is_frozen(path):
            raise
    # In WAL mode SQLite wants files of its own beside the database, also to read it; not if told that nobody writes.
    connection = _open(path, "ro&immutable=1")
    connection.frozen = True
    return connection


def _is_frozen(path: str) -> bool:
    """Whether the disk is read-only and nothing that was written waits in a file of its own."""
    waiting = Path(f"{path}-wal")
    return (
        Path(path).is_file()
        and not os.access(Path(path).parent, os.W_OK)
        and not (waiting.exists() and waiting.stat().st_size)
    )


def _open(path: str, mode: str) -> _Connection:
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,  # the driver never begins by itself; _begin does
        check_same_thread=False,
        factory=_Connection,
    )
    try:
        if mode != "rwc" and connection.execute("PRAGMA schema_version").fetchone() == (0,):
            # Cut to nothing, a file is an empty database to SQLite, and every page a bug: "no such table".
            empty = sqlite3.DatabaseError("there is no table in the file")
            empty.sqlite_errorname = "SQLITE_NOTADB"
            raise empty
        connection.create_function("search_words", 1, search_words.indexed, deterministic=True)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.OperationalError as error:
        # A read-only database can still be read.
        if sqlite_errorname(error) not in {"SQLITE_READONLY", "SQLITE_BUSY"}:
            connection.close()
            raise
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def prepare(engine: Engine) -> None:
    """Attach everything above to `engine`."""
    event.listen(engine, "before_cursor_execute", _before_statement)
    event.listen(engine, "after_cursor_execute", _after_statement)
    event.listen(engine, "handle_error", _after_failure)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", _begin)
        event.listen(engine, "connect", _remember_file)
        event.listen(engine, "checkout", _same_file)


def _begin(connection: Connection) -> None:
    turn = _writing.get()
    if turn is None:
        driver: Any = connection.connection
        try:
            driver.execute("BEGIN")  # past SQLAlchemy, which takes ten times as long
        except sqlite3.Error:
            connection.exec_driver_sql("BEGIN")  # so that it fails as every statement does
        return
    _take_lock(connection, turn)
    if turn.slot:
        turn.slot.has_lock()


def _take_lock(connection: Connection, turn: _Turn) -> None:
    """BEGIN IMMEDIATE, asked for again and again for as long as `turn` may. Raises OperationalError.

    Left to itself SQLite asks less and less often, every 100 ms in the end, and finds the lock taken each time where
    another process writes one thing after the other. What is counted is the asking: where the machine stood still for a
    second, whoever has the lock did so too.
    """
    driver: Any = connection.connection
    began, asked = time.perf_counter(), 0.0
    seconds = min(BUSY_TIMEOUT, max(0.1, turn.until - time.monotonic()))
    driver.execute(f"PRAGMA busy_timeout={ASK_EVERY}")
    try:
        while asked < seconds:
            since = time.perf_counter()
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if sqlite_errorname(error) != "SQLITE_BUSY":
                    break
            else:
                count_sql((time.perf_counter() - began) * 1000, counts=False)
                return
            asked += min(time.perf_counter() - since, LONGEST_ASKING)
            if turn.slot:
                turn.slot.asked_for(asked)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # so that it fails as every statement does
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT * 1000:.0f}")


def _inode(dbapi_connection: Any) -> tuple[str, int, int]:
    path = dbapi_connection.execute("PRAGMA database_list").fetchone()[2]
    known = Path(path).stat() if path else None
    return (path, known.st_ino, known.st_size) if known else ("", 0, 0)


def _remember_file(dbapi_connection: Any, record: Any) -> None:
    try:
        record.info["file"] = _inode(dbapi_connection)
    except OSError:
        record.info["file"] = None


def _same_file(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
    """A connection to a file that was taken away, restored over or cut would go on telling what it remembers."""
    if record.info.get("file") is None:
        return
    path, inode, size = record.info["file"]
    try:
        found = Path(path).stat() if path else None
        same = found is None or (found.st_ino == inode and found.st_size >= size)
        if found:
            record.info["file"] = path, inode, found.st_size
        if dbapi_connection.frozen and os.access(Path(path).parent, os.W_OK):
            same = False  # others may write now, and this connection would not notice
    except OSError:
        same = False
    if not same:
        raise exc.DisconnectionError("the database file is another one now")


def _before_statement(connection: Any, *_args: Any) -> None:
    connection.info["statement_started"] = time.perf_counter()


def _after_statement(connection: Any, _cursor: Any, statement: str, *_args: Any) -> None:
    ms = (time.perf_counter() - connection.info["statement_started"]) * 1000
    count_sql(ms, counts=not statement.startswith(("BEGIN", VERSION_QUERY)))


def _after_failure(context: ExceptionContext) -> None:
    if sqlite_errorname(context.original_exception) in _FATAL:
        context.is_disconnect = True


_slots: dict[str, WriterSlot] = {}


@contextmanager
def writing(session: Session) -> Iterator[None]:
    """Everything read inside is what is changed: takes the write lock first. Left without a commit, it rolls back.

    Usage: load inside, change, ``db.session.commit()`` before the end. Raises WriterBusy or OperationalError when
    another program holds the lock. What was loaded before is read again, under the lock.
    """
    session.rollback()
    engine = session.get_bind()
    slot = _slots.setdefault(str(engine.engine.url), WriterSlot()) if engine.dialect.name == "sqlite" else None
    until = time.monotonic() + WRITE_WAIT
    if slot:
        slot.acquire()
    token = _writing.set(_Turn(until, slot))
    stuck = False
    try:
        yield
    except exc.OperationalError as error:
        stuck = sqlite_errorname(error.orig) == "SQLITE_BUSY"
        raise
    finally:
        try:
            session.rollback()
        finally:
            _writing.reset(token)
            if slot:
                slot.release(stuck=stuck)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection for a migration: the write lock from the start, on SQLite with foreign keys off meanwhile."""
    token = _writing.set(_Turn(time.monotonic() + BUSY_TIMEOUT))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # The pragma does nothing inside a transaction, so it goes to the driver, before any began.
                connection.connection.execute("PRAGMA foreign_keys=OFF")
            try:
                yield connection
            finally:
                if engine.dialect.name == "sqlite":
                    connection.rollback()
                    connection.connection.execute("PRAGMA foreign_keys=ON")
    finally:
        _writing.reset(token)


def is_writing() -> bool:
    """Whether a `writing` block runs: what it read is locked, and a rollback would undo what it changed."""
    return _writing.get() is not None


def refuse_unlocked_writes(session: Session, *_args: Any) -> None:
    """A flush outside `writing` is a programming error: it is where updates get lost."""
    if not is_writing() and (session.new or session.dirty or session.deleted):
        raise RuntimeError("Changes are flushed outside of `with writing():`.")
