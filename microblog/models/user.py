"""A member, and the rules about names and profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Any, Self, cast

from flask_login import UserMixin
from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    Executable,
    ForeignKey,
    Select,
    String,
    and_,
    bindparam,
    delete,
    null,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from microblog.extensions import db, settings
from microblog.models.columns import UtcDateTime, now, rare
from microblog.models.errors import Stale, Taken
from microblog.models.passwords import hash_password
from microblog.models.relation import Bond, Who, blocked
from microblog.models.usernames import MAX, username_key

NAME_TAKEN = "This username is taken. Choose another one."
NEAR_ENOUGH = 200
"""So many names that begin alike are looked at for one that may be meant."""
ROLES = ("member", "moderator", "administrator")


@dataclass(frozen=True)
class Viewer:
    """Who looks at the page, as plain values: an error page can be drawn with it when the database is gone."""

    id: int
    username: str
    name: str
    avatar: str
    role: str
    time_zone: str = ""
    language: str = ""
    unread: int = 0

    @property
    def moderates(self) -> bool:
        """Whether they see what was reported and decide about it."""
        return self.role in ("moderator", "administrator")


@dataclass(frozen=True)
class Edit:
    """The last change of one field: the row version it made, and when."""

    version: int
    at: datetime


class User(db.Model, UserMixin):  # type: ignore[name-defined,misc]
    """A member."""

    __tablename__ = "users"
    __table_args__ = (
        rare("ix_users_suspended_at", "suspended_at"),
        {"sqlite_autoincrement": True},  # a number is never used twice: logs name members by it
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(30))
    username_key: Mapped[str] = mapped_column(String(30), unique=True)
    # Not unique: an unverified address proves nothing, and "already registered" would tell strangers who is a member.
    email: Mapped[str] = mapped_column(String(254), index=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20), default="member")
    display_name: Mapped[str] = mapped_column(String(200), default="")
    about_me: Mapped[str] = mapped_column(String(5000), default="")
    location: Mapped[str] = mapped_column(String(200), default="")
    website: Mapped[str] = mapped_column(String(500), default="")
    avatar: Mapped[str] = mapped_column(String(32), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    version: Mapped[int] = mapped_column(default=1)
    edits: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unread: Mapped[int] = mapped_column(default=0)  # notifications; counted with the row, so that no page counts
    # What they want to be told of (microblog/models/notification.py), and the zone their times are shown in.
    notify: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    language: Mapped[str] = mapped_column(String(35), default="")

    __mapper_args__ = {"version_id_col": version}

    # What this request was signed in with; see microblog/models/session.py.
    session_token: str = ""
    # How the viewer stands to them, where they were fetched to be looked at; see microblog/web/members.py.
    bond = cast("Bond | None", None)  # an annotation would make it a column

    def get_id(self) -> str:
        """Flask-Login keeps this in the signed cookie: the session's token, never the member's number."""
        return self.session_token

    @property
    def name(self) -> str:
        """What others read: the display name, else the username."""
        return self.display_name or self.username

    @property
    def viewer(self) -> Viewer:
        shown = {name: getattr(self, name) for name in ("avatar", "role", "unread", "time_zone", "language")}
        return Viewer(self.id, self.username, self.name, **shown)

    @property
    def is_open(self) -> bool:
        """True if the viewer may see their words and likes: they are not suspended, and neither has blocked the other.

        The same for one member as `met_by` for a list, and `Post.readable` for posts.
        """
        apart = self.bond is not None and (self.bond.blocks or self.bond.is_blocked)
        return self.suspended_at is None and not apart

    # Queries

    @classmethod
    def named(cls, username: str) -> Select[Self]:
        """The member who has this name now."""
        return cls.keyed(username_key(username))

    @classmethod
    def formerly_named(cls, username: str) -> Select[Self]:
        """The member who had this name once."""
        return cls.formerly_keyed(username_key(username))

    @classmethod
    def keyed(cls, key: str | BindParameter[str]) -> Select[Self]:
        """`named`, by the key."""
        return select(cls).where(cls.username_key == key)

    @classmethod
    def formerly_keyed(cls, key: str | BindParameter[str]) -> Select[Self]:
        """`formerly_named`, by the key."""
        return select(cls).join(FormerUsername).where(FormerUsername.username_key == key)

    @classmethod
    def newest(cls, limit: int) -> Select[Self]:
        """Who joined last, newest first."""
        return select(cls).order_by(cls.id.desc()).limit(limit)

    @classmethod
    def met_by(cls, viewer_id: Who | None) -> ColumnElement[bool]:
        """For the WHERE of any list of members: not suspended, and nobody has blocked anybody."""
        there = cls.suspended_at.is_(None)
        return there if viewer_id is None else and_(there, ~blocked(viewer_id, cls.id))

    # Verbs

    @classmethod
    def choose_locale(cls, user_id: int, *, time_zone: str, language: str) -> None:
        """In which zone this member reads times, and in which language they mostly write. Needs `writing`."""
        chosen = {"time_zone": time_zone, "language": language}
        db.session.execute(update(cls).where(cls.id == user_id).values(chosen))

    @classmethod
    def register(cls, *, username: str, email: str, password_hash: str) -> Self:
        """A new member. Raises Taken."""
        _claim(username, owner_id=None)
        user = cls(username=username, email=email, password_hash=password_hash, edits={})
        user.username_key = username_key(username)
        try:
            with db.session.begin_nested():
                db.session.add(user)
        except IntegrityError:
            raise Taken(NAME_TAKEN, "username") from None
        return user

    def change(self, values: Mapping[str, str], *, seen_version: int) -> dict[str, str]:
        """Set the profile fields in `values`; `seen_version` is the version that the form was made from.

        Returns what was changed, each with its value before. Raises Stale when somebody changed one of these fields
        since `seen_version`, and Taken; fields changed elsewhere that are not in `values` do not matter.
        """
        changed = {field: value for field, value in values.items() if getattr(self, field) != value}
        for field in changed:
            edit = self.last_edit(field)
            if edit and edit.version > seen_version:
                raise Stale("This was changed in another tab or on another device meanwhile.")
        before = {field: getattr(self, field) for field in changed}
        if not changed:
            return before
        moment = now()
        if "username" in changed:
            self._rename(changed["username"])
        for field, value in changed.items():
            setattr(self, field, value)
        self.edits = self.edits | {field: [self.version + 1, moment.isoformat()] for field in changed}
        self.updated_at = moment
        db.session.flush()
        return before

    def last_edit(self, field: str) -> Edit | None:
        """When `field` was changed last, if ever."""
        if field not in self.edits:
            return None
        version, at = self.edits[field]
        return Edit(version, datetime.fromisoformat(at))

    def set_password(self, password: str) -> None:
        """A new password; the sessions are ended by the caller (Session.end_all)."""
        self.password_hash = hash_password(password)

    def _rename(self, username: str) -> None:
        """The unique index decides who gets a name; the checks before it are a courtesy. Raises Taken."""
        old, old_key, key = self.username, self.username_key, username_key(username)
        if key != old_key:
            _claim(username, owner_id=self.id)
        try:
            with db.session.begin_nested():
                self.username, self.username_key = username, key
                db.session.flush()
                if key != old_key:
                    db.session.execute(delete(FormerUsername).where(FormerUsername.username_key == old_key))
                    db.session.add(FormerUsername(username_key=old_key, username=old, user_id=self.id))
        except IntegrityError:
            raise Taken(NAME_TAKEN, "username") from None


class FormerUsername(db.Model):  # type: ignore[name-defined,misc]
    """A name somebody gave up: it leads to them, and for a while nobody else can have it."""

    __tablename__ = "former_usernames"

    username_key: Mapped[str] = mapped_column(String(30), primary_key=True)
    username: Mapped[str] = mapped_column(String(30))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def near_name(username: str) -> str:
    """The name of a member that looks most like `username`; empty where none is near."""
    key = username_key(username)
    # Not by LIKE: neither database would use the index for it.
    alike = select(User.username_key, User.username).where(User.username_key.between(key[:2], key[:2] + "z" * MAX))
    names = {row.username_key: row.username for row in db.session.execute(alike.limit(NEAR_ENOUGH))}
    return next((names[found] for found in get_close_matches(key, names, n=1, cutoff=0.75)), "")


def name_is_free(username: str, *, owner_id: int | None) -> bool:
    """Whether `username` could be had now by the member `owner_id`, or by a newcomer (None)."""
    held = timedelta(days=settings().profile.former_name_days)
    return all(
        user_id == owner_id or (given_up is not None and given_up + held < now())
        for user_id, given_up in db.session.execute(_whose(), {"key": username_key(username)})
    )


@cache
def _whose() -> Executable:
    """Who has a name, and who gave it up when."""
    key = bindparam("key", type_=String)
    former, user = FormerUsername.__table__.c, User.__table__.c  # plain values need nothing of the mapper
    given_up = select(former.user_id, former.created_at).where(former.username_key == key)
    return given_up.union_all(select(user.id, null()).where(user.username_key == key))


def _claim(username: str, *, owner_id: int | None) -> None:
    """Take `username` out of the former names. Raises Taken."""
    if not name_is_free(username, owner_id=owner_id):
        raise Taken(NAME_TAKEN, "username")
    db.session.execute(delete(FormerUsername).where(FormerUsername.username_key == username_key(username)))
