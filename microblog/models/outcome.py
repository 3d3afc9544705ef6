"""A form is answered once: its key is stored with the change that it made, in the same transaction.

Whoever sends the same form again (a double click, a proxy's retry, Back and reload, Save once more after an answer that
got lost) is told what became of the first one. Nothing of this is written where nothing was changed: after a refusal or
an error the same form, with the same key, may be sent again.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, String, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from microblog.extensions import Claim, db
from microblog.models.columns import UtcDateTime, now
from microblog.models.errors import Repeated

KEPT_FOR = timedelta(days=1)
"""A retry comes within seconds, a person from another room within hours."""

SWEPT_EVERY = 16
"""One claim in so many removes what is older: a statement that most changes need not pay for."""

_KEY = re.compile(r"[A-Za-z0-9_-]{22,64}")


def new_key() -> str:
    """A key for a form that is being drawn: 128 random bits, so that a stranger's cannot be guessed."""
    return secrets.token_urlsafe(16)


def is_key(text: str) -> bool:
    """Whether `text` is long enough to be a key; what somebody made up ("1") would meet other people's."""
    return _KEY.fullmatch(text) is not None


def _digest(*parts: str | None) -> str:
    joined = "\0".join(repr(part) for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "backslashreplace")).hexdigest()


class Outcome(db.Model):  # type: ignore[name-defined,misc]
    """One form that changed something. Neither its key nor what was typed can be read from it."""

    __tablename__ = "outcomes"

    # Of key, sender, address and content: the same form with other content is another change.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_digest: Mapped[str] = mapped_column(String(64), index=True)
    # No foreign key: on PostgreSQL it would lock the member's row a little, and two saves at once, each of which then
    # wants it wholly, would wait for each other for ever. Numbers of members are never used twice.
    user_id: Mapped[int | None]
    kept: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    @classmethod
    def is_known(cls, key: str, user_id: int | None) -> bool:
        """Whether the form with `key` changed something. A member's is told to that member only."""
        whose = cls.user_id.is_(None) if user_id is None else or_(cls.user_id.is_(None), cls.user_id == user_id)
        return db.session.scalar(select(cls.id).where(cls.key_digest == _digest(key), whose).limit(1)) is not None

    @classmethod
    def sweep(cls) -> None:
        """Remove what no retry will ask for any more. Needs `writing`."""
        db.session.execute(delete(cls).where(cls.created_at < now() - KEPT_FOR))


class FormClaim(Claim):
    """The key of the form that is being answered: whose it is, where it was sent and a digest of what it says."""

    def __init__(self, key: str, *, user_id: int | None, address: str, content: Iterable[tuple[str, str]]) -> None:
        self._key, self._user_id = key, user_id
        text = _digest(*(part for pair in content for part in pair))
        self._id = _digest(key, None if user_id is None else str(user_id), address, text)
        self._as_stranger = _digest(key, None, address, text)

    def stake(self) -> None:
        """Needs `writing`. Raises Repeated where this very form has changed something before.

        On PostgreSQL the statement waits for another process that is answering the same form at this moment; on SQLite
        the write lock does. Where that one fails or refuses, this one is the first.
        """
        insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
        row = {"id": self._id, "key_digest": _digest(self._key), "user_id": self._user_id}
        statement = insert(Outcome).values(**row, kept={}, created_at=now()).on_conflict_do_nothing()
        if db.session.execute(statement.returning(Outcome.id)).first() is None:
            raise Repeated(self.first() or {}, self)
        if int(self._id[:8], 16) % SWEPT_EVERY == 0:
            Outcome.sweep()

    def first(self) -> dict[str, Any] | None:
        """Also what a stranger's form did that has signed them in: sent again, it is a member's."""
        one = select(Outcome.kept).where(Outcome.id.in_({self._id, self._as_stranger})).limit(1)
        kept: dict[str, Any] | None = db.session.scalar(one)
        return kept

    def keep(self, **values: object) -> None:
        db.session.execute(update(Outcome).where(Outcome.id == self._id).values(kept=values))

    def earlier(self) -> list[dict[str, Any]]:
        whose = Outcome.user_id.is_(None) if self._user_id is None else Outcome.user_id == self._user_id
        earlier = select(Outcome.kept).where(Outcome.key_digest == _digest(self._key), whose, Outcome.id != self._id)
        return list(db.session.scalars(earlier.order_by(Outcome.created_at)))

    def secret(self, salt: str, site_secret: str) -> str:
        return hmac.new(site_secret.encode(), f"{salt}:{self._key}".encode(), "sha256").hexdigest()
