"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Index, text
from sqlalchemy.types import TypeDecorator

LARGEST = 2**31 - 1
"""No row has a higher number, and PostgreSQL takes none."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; SQLite stores it without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def some(name: str, *columns: str, where: str) -> Index:
    """An index of the rows for which `where` holds.

    Where one condition holds for most rows, an index of all of them misleads SQLite's planner: it takes every first
    column for one that tells rows apart, and walks through the whole table.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def rare(name: str, column: str) -> Index:
    """An index of the few rows in which `column` is set."""
    return some(name, column, where=f"{column} IS NOT NULL")
