"""Being signed in is a row here: signing out and a new password end it, whatever cookies are still around."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Select,
    String,
    and_,
    bindparam,
    delete,
    not_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from microblog.extensions import db, settings
from microblog.models.columns import UtcDateTime, now
from microblog.models.user import User

SEEN_EVERY = timedelta(minutes=1)
"""How exact "last seen" is: it is written at most this often."""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Session(db.Model):  # type: ignore[name-defined,misc]
    """One browser in which a member is signed in. The token itself is stored nowhere but in that browser."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @classmethod
    def start(cls, user: User, token: str = "") -> str:
        """Sign `user` in, who is seen by it; returns the token for the cookie. Sessions that have run out go."""
        db.session.execute(delete(cls).where(cls.user_id == user.id, not_(cls._is_alive())))
        token = token or secrets.token_urlsafe(32)
        db.session.add(cls(token_hash=_digest(token), user_id=user.id))
        # Not through the row: its version is for those who edit the profile.
        db.session.execute(update(User).where(User.id == user.id).values(last_seen_at=now()))
        return token

    @classmethod
    def resume(cls, user: User, token: str) -> str:
        """The token again, for a browser whose cookie was lost on the way; a new one where that session has ended."""
        alive = select(cls.id).where(cls.token_hash == _digest(token), cls.user_id == user.id, cls._is_alive())
        return token if db.session.scalar(alive) is not None else cls.start(user)

    @classmethod
    def with_token(cls, token: str) -> tuple[User, int, bool] | None:
        """The member of this token, the session's number, and whether "last seen" should be written again.

        None where it is idle or old beyond the limits, or the member suspended: one that began while they were being
        suspended is none either.
        """
        row = db.session.execute(_with_token(), {"token": _digest(token), **_limits()}).one_or_none()
        return None if row is None else (row[0], row[1], row[2] < now() - SEEN_EVERY)

    @classmethod
    def _is_alive(cls) -> ColumnElement[bool]:
        return _is_alive(**_limits())

    @classmethod
    def end(cls, token: str) -> None:
        """Sign this browser out."""
        db.session.execute(delete(cls).where(cls.token_hash == _digest(token)))

    @classmethod
    def end_all(cls, user: User) -> None:
        """Sign `user` out everywhere."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))


Moment = datetime | BindParameter[datetime]


def _limits() -> dict[str, datetime]:
    limits, moment = settings().security, now()
    return {
        "idle_since": moment - timedelta(days=limits.session_idle_days),
        "begun": moment - timedelta(days=limits.session_max_days),
    }


def _is_alive(idle_since: Moment, begun: Moment) -> ColumnElement[bool]:
    return and_(Session.last_seen_at > idle_since, Session.created_at > begun)


@cache
def _with_token() -> Select[User, int, datetime]:
    # Built once, for every page begins with it; and no object is made of the session, of which two values are wanted.
    statement = select(User, Session.id, Session.last_seen_at).join_from(Session, User)
    token = Session.token_hash == bindparam("token", type_=String)
    alive = _is_alive(bindparam("idle_since", type_=UtcDateTime), bindparam("begun", type_=UtcDateTime))
    return statement.where(token, alive, User.suspended_at.is_(None))
