"""What the database, the machine and other services throw, and what comes of it: status, event, level, mail."""

import errno
import sqlite3

import psycopg
import pytest
from sqlalchemy import exc, text
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from microblog.db.engine import WriterBusy
from microblog.extensions import db
from microblog.models.errors import DomainError

pytestmark = pytest.mark.sqlite_only

CANARY = "canary-2001"


def sqlite_error(name, kind=exc.OperationalError):
    original = sqlite3.OperationalError(CANARY)
    original.sqlite_errorname = name
    return kind("SELECT 1", {}, original)


def postgresql_error(kind, wrapper=exc.OperationalError):
    return wrapper("SELECT 1", {}, kind(CANARY))


BUSY, GONE, READONLY, FULL, CORRUPT = (
    f"database.{what}" for what in ("busy", "unavailable", "readonly", "full", "corrupt")
)
LEVELS = {BUSY: "warning", GONE: "error", READONLY: "error", FULL: "error", CORRUPT: "critical"}
DATABASE = {
    "SQLITE_BUSY": (sqlite_error("SQLITE_BUSY"), BUSY),
    "SQLITE_BUSY_SNAPSHOT": (sqlite_error("SQLITE_BUSY_SNAPSHOT"), BUSY),
    "SQLITE_LOCKED": (sqlite_error("SQLITE_LOCKED"), BUSY),
    "SQLITE_READONLY": (sqlite_error("SQLITE_READONLY"), READONLY),
    "SQLITE_READONLY_DBMOVED": (sqlite_error("SQLITE_READONLY_DBMOVED"), READONLY),
    "SQLITE_FULL": (sqlite_error("SQLITE_FULL"), FULL),
    "SQLITE_CANTOPEN": (sqlite_error("SQLITE_CANTOPEN"), GONE),
    "SQLITE_IOERR": (sqlite_error("SQLITE_IOERR_READ"), GONE),
    "SQLITE_CORRUPT": (sqlite_error("SQLITE_CORRUPT", exc.DatabaseError), CORRUPT),
    "SQLITE_CORRUPT_INDEX": (sqlite_error("SQLITE_CORRUPT_INDEX", exc.DatabaseError), CORRUPT),
    "SQLITE_NOTADB": (sqlite_error("SQLITE_NOTADB", exc.DatabaseError), CORRUPT),
    "no connection free": (exc.TimeoutError(CANARY), BUSY),
    "refused": (postgresql_error(psycopg.OperationalError), GONE),
    "gone": (postgresql_error(psycopg.errors.AdminShutdown), GONE),
    "closed": (postgresql_error(psycopg.InterfaceError, exc.InterfaceError), GONE),
    "too many": (postgresql_error(psycopg.errors.TooManyConnections), GONE),
    "deadlock": (postgresql_error(psycopg.errors.DeadlockDetected), BUSY),
    "serialization": (postgresql_error(psycopg.errors.SerializationFailure), BUSY),
    "lock timeout": (postgresql_error(psycopg.errors.LockNotAvailable), BUSY),
    "disk full": (postgresql_error(psycopg.errors.DiskFull), FULL),
    "read-only": (postgresql_error(psycopg.errors.ReadOnlySqlTransaction, exc.InternalError), READONLY),
    "corrupted": (postgresql_error(psycopg.errors.DataCorrupted, exc.InternalError), CORRUPT),
    "writer": (WriterBusy(), BUSY),
}


def raising(error):
    def view():
        raise error

    return view


@pytest.mark.parametrize("what", DATABASE)
def test_a_database_in_trouble(browser, route, records, what):
    error, event = DATABASE[what]
    route("/broken", raising(error))
    for page in (browser.get("/broken"), browser.hx_get("/broken"), browser.send("GET", "/broken", headers=JSON)):
        assert page.status == 503
        assert page.headers["Retry-After"] == "2"
        assert CANARY not in page.text
        (record,) = records(event, reference=page.reference)
        assert record["level"] == LEVELS[event]
        assert not records("request.failed", reference=page.reference)
    assert page.json["code"] == "database_unavailable"


JSON = {"Accept": "application/json"}
OTHERS = {
    "no such column": (sqlite_error("SQLITE_ERROR"), 500),
    "a wrong statement": (postgresql_error(psycopg.errors.UndefinedColumn, exc.ProgrammingError), 500),
    "integrity": (exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError(CANARY)), 409),
    "stale": (StaleDataError(CANARY), 409),
    "no result": (exc.NoResultFound(CANARY), 500),
    "timeout": (TimeoutError(CANARY), 504),
    "refused": (ConnectionRefusedError(CANARY), 502),
    "reset": (ConnectionResetError(CANARY), 502),
    "no space": (OSError(errno.ENOSPC, CANARY), 507),
    "quota": (OSError(errno.EDQUOT, CANARY), 507),
    "no permission": (PermissionError(CANARY), 500),
    "no file": (FileNotFoundError(CANARY), 500),
    "unicode": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, CANARY), 500),
    "group": (ExceptionGroup(CANARY, [ValueError(CANARY)]), 500),
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_trouble(browser, route, records, what):
    error, status = OTHERS[what]
    route("/broken", raising(error))
    for page in (browser.get("/broken"), browser.hx_get("/broken"), browser.send("GET", "/broken", headers=JSON)):
        assert page.status == status
        assert CANARY not in page.text
        assert len(records("request.failed", reference=page.reference)) == (status >= 500)


def test_real_ones(browser, route, records):
    """Not made by hand: what the driver really says."""
    route("/column", lambda: str(db.session.execute(text("SELECT nothing FROM users")).all()))
    route("/table", lambda: str(db.session.execute(text("SELECT 1 FROM nothing")).all()))
    route("/file", lambda: str(open("/nonexistent/file")))  # noqa: PTH123, SIM115
    for path in ("/column", "/table", "/file"):
        page = browser.get(path)
        assert page.status == 500
        assert "nothing" not in page.said("main").replace("nothing was saved in part", "")
        assert records("request.failed", reference=page.reference)
        browser.still_works()


def test_an_error_leaves_no_transaction_behind(browser, app, route):
    def view():
        db.session.execute(text("SELECT 1 FROM users"))
        raise RuntimeError

    route("/broken", view)
    for _ in range(12):  # more often than there are connections
        assert browser.get("/broken").status == 500
    with app.app_context():
        assert db.engine.pool.checkedout() == 0


def test_who_is_registered_for_what(app):
    """Flask takes the most specific one; one for everything, and none of a blueprint's own."""
    spec = app.error_handler_spec
    assert set(spec) == {None}, "a blueprint's own handlers never see an unknown address, and would differ from ours"
    handlers = {kind: handler.__name__ for by_class in spec[None].values() for kind, handler in by_class.items()}
    assert handlers == {
        HTTPException: "handle_http",
        DomainError: "handle_domain",
        WriterBusy: "handle_busy",
        Exception: "handle_unexpected",
    }
    # Also what is raised inside a blueprint ends there.
    for kind, name in ((HTTPException, "handle_http"), (ZeroDivisionError, "handle_unexpected")):
        assert app._find_error_handler(kind(), ["people"]).__name__ == name
