"""From an exception of the database or of the machine to what went wrong, in words for the person."""

import errno
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError

from microblog.db import schema
from microblog.db.trouble import trouble
from microblog.extensions import db
from microblog.log import events

log = structlog.get_logger(__name__)

RETRY_AFTER = 2
"""Seconds after which a busy database is worth another try."""


@dataclass
class Failure:
    """What went wrong, in words for the person. Empty words are taken from the table in errors/table.py."""

    status: int
    code: str = ""
    sentence: str = ""
    template: str = ""
    """The sentence as the log may have it, where it holds what somebody may have typed."""
    next_step: str = ""
    title: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    told: bool = False
    link: str = ""
    link_text: str = ""
    again: bool = True  # whether what was typed may be sent once more by a button of ours


def is_behind(error: SQLAlchemyError) -> bool:
    """Whether the tables are of another release, which is why one of them, or a column, is missing."""
    if isinstance(error, schema.SchemaBehind):
        return True
    if not (isinstance(error, DBAPIError) and schema.misses_something(error.orig)):
        return False
    try:
        db.session.rollback()
        schema.compare(db.session.connection())
    except schema.SchemaBehind:
        return True
    except SQLAlchemyError:
        return False
    return False


def from_database(error: SQLAlchemyError) -> Failure | None:
    """The failure that a database in trouble causes; None where the fault is in our code ("no such column")."""
    if isinstance(error, IntegrityError | StaleDataError):
        return Failure(409)
    found, behind = trouble(error), is_behind(error)
    if not (found or behind):
        return None
    busy = Failure(503, "database_unavailable", headers={"Retry-After": str(RETRY_AFTER)})
    if behind:
        busy.sentence = "The site is between two versions and being looked after; nothing you did was lost."
        return busy  # the log has it already, once; every page would say the same
    match found:
        case "busy", code:
            log.warning(events.DATABASE_BUSY, code=code)
        case "readonly", code:
            log.error(events.DATABASE_READONLY, code=code)
            busy.sentence = "The site can be read but not changed at the moment. Nothing you did was lost."
        case "full", code:
            log.error(events.DATABASE_FULL, code=code)
        case "corrupt", code:
            log.critical(events.DATABASE_CORRUPT, code=code)
        case _, code:
            log.error(events.DATABASE_UNAVAILABLE, code=code)
    return busy


def from_system(error: Exception) -> Failure | None:
    """The failure that the machine or another service causes; None for a bug."""
    if isinstance(error, TimeoutError):
        return Failure(504)
    if isinstance(error, ConnectionError):
        return Failure(502)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Failure(507)
    return None
