"""Whether the database has the tables that this code needs: asked once for each connection, and after a surprise.

`manage.py run` migrates before it serves. What is left is an application served otherwise, and a database that is
restored or taken back a version under a running site. All that needs the database is refused then, until it fits again.
"""

import sqlite3
from functools import cache
from itertools import count
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from microblog.config.settings import ROOT
from microblog.db.engine import VERSION_QUERY, sqlite_errorname
from microblog.log import events

log = structlog.get_logger(__name__)

_UNDEFINED = {"42703", "42P01"}  # PostgreSQL: no such column, no such table
_UNKNOWN = ("no such column", "no such table", "has no column named")  # SQLite has one code for all, SQLITE_ERROR

_numbers = count(1)
_surprise = 0  # the number of the last one in this process; connections looked at before it are looked at again
_told = False  # that it does not fit, by this process


class SchemaBehind(SQLAlchemyError):
    """The database is at another version than the code. Becomes 503."""


@cache
def wanted() -> frozenset[str]:
    """The version that this code needs."""
    from alembic.script import ScriptDirectory  # half of what a command that needs no version would import

    return frozenset(ScriptDirectory(str(ROOT / "migrations")).get_heads())


def prepare(engine: Engine) -> None:
    """Notice a statement that fails for want of a table or column."""
    event.listen(engine, "handle_error", _after_failure)


def _after_failure(context: ExceptionContext) -> None:
    if misses_something(context.original_exception):
        global _surprise
        _surprise = next(_numbers)


def misses_something(error: BaseException | None) -> bool:
    """Whether the driver's `error` says that a table or a column is not there."""
    if sqlite_errorname(error) == "SQLITE_ERROR":
        return any(words in str(error) for words in _UNKNOWN)
    return getattr(error, "sqlstate", None) in _UNDEFINED


def before_use(_session: Session, _transaction: Any, connection: Connection) -> None:
    """The session's hook: costs a dict access, and one small query on a connection that is new or in doubt.

    Raises SchemaBehind, DBAPIError.
    """
    if connection.info.get("schema_seen") != _surprise:
        number = _surprise
        compare(connection)
        connection.info["schema_seen"] = number


def compare(connection: Connection) -> None:
    """Raises SchemaBehind where the database has another version than the code, and tells the log once."""
    global _told
    found = _version(connection)
    if found == wanted():
        _told = False
        return
    if not _told:
        _told = True
        log.error(events.DATABASE_BEHIND, found=sorted(found), wanted=sorted(wanted()))
    raise SchemaBehind


def _version(connection: Connection) -> frozenset[str]:
    try:
        found = frozenset(connection.exec_driver_sql(VERSION_QUERY).scalars())
    except DBAPIError as error:
        if not misses_something(error.orig):
            raise
        return frozenset()
    if None in found:  # which the table does not allow: SQLite reads nulls where the page of a cut file should be
        connection.invalidate()
        damaged = sqlite3.DatabaseError("the version is null")
        damaged.sqlite_errorname = "SQLITE_CORRUPT"
        raise DatabaseError(VERSION_QUERY, None, damaged)
    return found
