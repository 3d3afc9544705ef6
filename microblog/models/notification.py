"""What a member is told: mentions, replies, likes and follows."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Optional

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, String, and_, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from microblog.extensions import db
from microblog.models.columns import UtcDateTime, now
from microblog.models.relation import blocked, muted
from microblog.models.user import User

if TYPE_CHECKING:
    from microblog.models.post import Post  # which tells by this module

KINDS = ("mention", "reply", "like", "follow")


class Notification(db.Model):  # type: ignore[name-defined,misc]
    """One thing somebody did that concerns a member. How many are unread is counted in User.unread."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_user_id_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    actor: Mapped[User] = relationship(foreign_keys=[actor_id])
    post: Mapped[Optional["Post"]] = relationship()

    @classmethod
    def is_shown(cls) -> ColumnElement[bool]:
        """Nothing of who is suspended, blocked or muted, or about what is gone: for the list and for the count."""
        return and_(
            cls.actor.has(suspended_at=None),
            ~blocked(cls.user_id, cls.actor_id),
            ~muted(cls.user_id, cls.actor_id),
            ~cls.post.has(cls.post.entity.c.deleted_at.is_not(None) | cls.post.entity.c.hidden_at.is_not(None)),
        )

    @classmethod
    def count(cls, kind: str, *, post_id: int) -> int:
        """Number of members who were told this about a post."""
        told = select(func.count()).where(cls.post_id == post_id, cls.kind == kind)
        return db.session.scalar(told) or 0

    # Verbs

    @classmethod
    def tell(cls, user_id: int, kind: str, *, actor_id: int, post_id: int | None = None) -> bool:
        """Tell a member what `actor_id` did, unless it is themselves, they do not want to know, or told already.

        Whether they are told now. Needs `writing`.
        """
        if user_id == actor_id:
            return False
        wanted = select(User.notify).where(
            User.id == user_id,
            ~blocked(user_id, actor_id),
            ~muted(user_id, actor_id),
        )
        notify = db.session.scalar(wanted)
        same = (cls.user_id == user_id, cls.kind == kind, cls.actor_id == actor_id, cls.post_id == post_id)
        if notify is None or notify.get(kind) is False or db.session.scalar(select(cls.id).where(*same).limit(1)):
            return False
        db.session.add(cls(user_id=user_id, kind=kind, actor_id=actor_id, post_id=post_id))
        # Not through the row: its version is for those who edit the profile.
        db.session.execute(update(User).where(User.id == user_id).values(unread=User.unread + 1))
        return True

    @classmethod
    def withdraw(cls, user_id: int, kind: str, *, actor_id: int, post_id: int | None = None) -> None:
        """It was taken back before they read of it. What was read stays, so that doing it again tells nobody again.

        Needs `writing`.
        """
        same = (cls.user_id == user_id, cls.kind == kind, cls.actor_id == actor_id, cls.post_id == post_id)
        if db.session.execute(delete(cls).where(*same, cls.read_at.is_(None))).rowcount:  # type: ignore[attr-defined]
            cls.recount([user_id])

    @classmethod
    def settle(cls, user_id: int, *, actor_id: int) -> None:
        """What `actor_id` did is no news to this member any more. Needs `writing`."""
        if cls._read(cls.user_id == user_id, cls.actor_id == actor_id):
            cls.recount([user_id])

    @classmethod
    def read_all(cls, user_id: int, *, until: int) -> None:
        """This member has seen the page whose newest notification is `until`. Needs `writing`."""
        cls._read(cls.user_id == user_id, cls.id <= until, cls.is_shown())
        cls.recount([user_id])  # also where nothing was to be read: a number that is wrong must not stay

    @classmethod
    def _read(cls, *which: ColumnElement[bool]) -> bool:
        marked = update(cls).where(*which, cls.read_at.is_(None)).values(read_at=now())
        return bool(db.session.execute(marked).rowcount)  # type: ignore[attr-defined]

    @classmethod
    def reconsider(cls, *, actor_id: int | None = None, post_id: int | None = None) -> None:
        """What `actor_id` did, or what is about `post_id`, is not shown any more, or again. Needs `writing`."""
        which = cls.actor_id == actor_id if actor_id is not None else cls.post_id == post_id
        cls.recount(select(cls.user_id).where(which, cls.read_at.is_(None)))

    @classmethod
    def recount(cls, user_ids: Collection[int] | Select[int]) -> None:
        """Count anew what these members have not read. Needs `writing`."""
        concerned = User.id.in_(user_ids)
        # Had to oneself in one order: no deadlock, and what somebody else tells them meanwhile is counted too.
        db.session.execute(select(User.id).where(concerned).order_by(User.id).with_for_update(key_share=True))
        unread = select(func.count(cls.id)).where(cls.user_id == User.id, cls.read_at.is_(None), cls.is_shown())
        db.session.execute(update(User).where(concerned).values(unread=unread.scalar_subquery()))

    @classmethod
    def choose(cls, user_id: int, wanted: Collection[str]) -> None:
        """Of which kinds this member wants to be told. Needs `writing`."""
        choice = {kind: kind in wanted for kind in KINDS}
        db.session.execute(update(User).where(User.id == user_id).values(notify=choice))
