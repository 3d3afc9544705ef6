"""Who follows whom, who has blocked whom, and who would rather not read whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Exists,
    ForeignKey,
    Index,
    Label,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from microblog.extensions import db
from microblog.models.columns import UtcDateTime, now


class Follow(db.Model):  # type: ignore[name-defined,misc]
    """A member wants to read another one."""

    __tablename__ = "follows"
    __table_args__ = (
        Index("uq_follows_pair", "follower_id", "followed_id", unique=True),
        Index("ix_follows_followed_id_id", "followed_id", "id"),
        Index("ix_follows_follower_id_id", "follower_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    follower_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    followed_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Block(db.Model):  # type: ignore[name-defined,misc]
    """Two members do not meet: neither sees the other's posts, follows, mentions or answers them.

    `ended_mine` and `ended_theirs`: whose follow of the other ended by it.
    """

    __tablename__ = "blocks"
    __table_args__ = (
        Index("uq_blocks_pair", "blocker_id", "blocked_id", unique=True),
        Index("ix_blocks_blocker_id_id", "blocker_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    blocker_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    blocked_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    ended_mine: Mapped[bool] = mapped_column(default=False, server_default=false())
    ended_theirs: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Mute(db.Model):  # type: ignore[name-defined,misc]
    """A member does not want to read another one in timelines and notifications; that one does not notice."""

    __tablename__ = "mutes"
    __table_args__ = (
        Index("uq_mutes_pair", "muter_id", "muted_id", unique=True),
        Index("ix_mutes_muter_id_id", "muter_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    muter_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    muted_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


Who = int | BindParameter[int]
"""A member by number, or whoever is bound when the statement runs."""

COUNTED = 10_000
"""Followers are counted up to here: a page costs the same for somebody whom everybody follows."""


@dataclass(frozen=True)
class Bond:
    """How many a member is followed by and follows, and how the viewer stands to them."""

    followers: int
    following: int
    follows: bool = False
    is_followed: bool = False
    blocks: bool = False
    is_blocked: bool = False
    mutes: bool = False

    @property
    def shuts_out(self) -> bool:
        """True if the viewer is blocked and may not see the profile. A viewer who blocks too sees it, to unblock."""
        return self.is_blocked and not self.blocks

    @classmethod
    def columns(cls, person: InstrumentedAttribute[int], viewer_id: Who | None) -> list[Label[Any]]:
        """What belongs into the SELECT of the query that fetches `person`, so that no page asks twice."""
        columns: dict[str, Any] = {
            "followers": _counted(Follow.followed_id, person, Follow.follower_id, viewer_id),
            "following": _counted(Follow.follower_id, person, Follow.followed_id, viewer_id),
        }
        if viewer_id is not None:
            columns |= {
                "follows": exists().where(Follow.follower_id == viewer_id, Follow.followed_id == person),
                "is_followed": exists().where(Follow.follower_id == person, Follow.followed_id == viewer_id),
                "blocks": exists().where(Block.blocker_id == viewer_id, Block.blocked_id == person),
                "is_blocked": exists().where(Block.blocker_id == person, Block.blocked_id == viewer_id),
                "mutes": muted(viewer_id, person),
            }
        return [column.label(name) for name, column in columns.items()]


def _counted(
    column: InstrumentedAttribute[int],
    person: InstrumentedAttribute[int],
    other: InstrumentedAttribute[int],
    viewer_id: Who | None,
) -> ColumnElement[int]:
    some = select(literal(1)).where(column == person)
    if viewer_id is not None:
        some = some.where(other.not_in(parted(viewer_id)))
    first = some.limit(COUNTED + 1).correlate(person.class_).subquery()
    return select(func.count()).select_from(first).correlate(person.class_).scalar_subquery()


def blocked(one: Who | InstrumentedAttribute[int], other: int | InstrumentedAttribute[int]) -> Exists:
    """Whether one of the two has blocked the other, for the WHERE of any query."""
    return exists().where(
        or_(
            (Block.blocker_id == one) & (Block.blocked_id == other),
            (Block.blocker_id == other) & (Block.blocked_id == one),
        )
    )


def parted(viewer_id: Who) -> CompoundSelect[int]:
    """Everybody whom a block parts from the viewer, for counting: read once, where `blocked` looks for each pair."""
    mine = select(Block.blocked_id).where(Block.blocker_id == viewer_id)
    return union(mine, select(Block.blocker_id).where(Block.blocked_id == viewer_id))


def muted(by: Who | InstrumentedAttribute[int], other: int | InstrumentedAttribute[int]) -> Exists:
    """Whether `by` has muted the other."""
    return exists().where(Mute.muter_id == by, Mute.muted_id == other)
