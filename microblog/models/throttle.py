"""Counting attempts in the database, so that a limit holds over all workers and machines."""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import String, case, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from microblog.extensions import db
from microblog.models.columns import UtcDateTime, now
from microblog.models.errors import TooFast


class ThrottleBucket(db.Model):  # type: ignore[name-defined,misc]
    """How often something happened since the window began."""

    __tablename__ = "throttle_buckets"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


LONGEST = timedelta(hours=6)
"""No window is longer. A bucket that ends later was counted before the clock was put back, and locks nobody out."""


def check(key: str, *, limit: int, message: str) -> None:
    """Raises TooFast when `key` has been counted `limit` times within its window."""
    bucket = db.session.get(ThrottleBucket, key, populate_existing=True)
    moment = now()
    if bucket is not None and moment < bucket.ends_at <= moment + LONGEST and bucket.count >= limit:
        raise TooFast(message, max(1, ceil((bucket.ends_at - moment).total_seconds())))


def count(key: str, *, window: timedelta) -> int:
    """Count one more for `key`; the window starts with the first. Returns the count. Needs `writing`.

    One statement, so that two machines that count the first one at the same moment both succeed. Raises ValueError for
    a window longer than LONGEST.
    """
    if window > LONGEST:
        raise ValueError(f"no window may be longer than {LONGEST}")
    insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
    moment, columns = now(), ThrottleBucket.__table__.c
    over = (columns.ends_at <= moment) | (columns.ends_at > moment + LONGEST)
    statement = (
        insert(ThrottleBucket)
        .values(key=key, count=1, ends_at=moment + window)
        .on_conflict_do_update(
            index_elements=[columns.key],
            set_={
                "count": case((over, 1), else_=columns.count + 1),
                "ends_at": case((over, moment + window), else_=columns.ends_at),
            },
        )
        .returning(columns.count)
    )
    total: int = db.session.execute(statement).scalar_one()
    return total


def forget(key: str) -> None:
    """Start anew for `key`, and drop what has run out. Needs `writing`."""
    db.session.execute(delete(ThrottleBucket).where((ThrottleBucket.key == key) | (ThrottleBucket.ends_at < now())))
