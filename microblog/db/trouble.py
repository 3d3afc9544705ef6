"""What a failed statement says about the database: it is in trouble, or our code is wrong."""

from typing import Literal

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from microblog.db.engine import WriterBusy, sqlite_errorname

Kind = Literal["busy", "readonly", "full", "corrupt", "unavailable"]

# SQLite's name, or PostgreSQL's code (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("SQLITE_BUSY", "SQLITE_LOCKED", "40001", "40P01", "55P03"), "busy"),  # the last: deadlock, no lock
    **dict.fromkeys(("SQLITE_READONLY", "25006"), "readonly"),
    **dict.fromkeys(("SQLITE_FULL", "53100"), "full"),
    **dict.fromkeys(("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"), "corrupt"),
    **dict.fromkeys(("SQLITE_CANTOPEN", "SQLITE_IOERR"), "unavailable"),
}


def trouble(error: BaseException) -> tuple[Kind, str] | None:
    """What is the matter with the database, in its own words too; None where our code is wrong ("no such column")."""
    if isinstance(error, WriterBusy):
        return "busy", "no turn to write"
    if isinstance(error, PoolTimeout):
        return "busy", "no connection was free"
    if not isinstance(error, DBAPIError):
        return None
    name = sqlite_errorname(error.orig) or getattr(error.orig, "sqlstate", None) or ""
    if kind := _KINDS.get(name):
        return kind, name
    if not name.startswith("SQLITE_") and isinstance(error, OperationalError | InterfaceError):
        return "unavailable", type(error.orig).__name__  # PostgreSQL: refused, gone, restarted, out of connections
    return None
