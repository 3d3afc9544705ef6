"""What members do to each other: follow, block, mute, and taking each back. Every verb may be repeated.

Each returns whether it changed anything, and needs `writing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, literal, select, union_all

from microblog.extensions import db, settings
from microblog.models import throttle
from microblog.models.errors import DomainError, Nobody, Unavailable
from microblog.models.notification import Notification
from microblog.models.relation import Block, Follow, Mute, blocked, muted, parted
from microblog.models.user import User

PAGE = 30
FOLLOWS_WITHIN = timedelta(minutes=5)

# How far a suggestion looks: it costs the same on a large site as on a small one.
_FRIENDS, _OF_FRIENDS, _LATELY, _BEST = 100, 1_000, 1_000, 50
_RANGE = 1_000_000


# Verbs


def follow(me: int, person: User) -> bool:
    """Read `person` from now on; they are told. Raises Unavailable and TooFast."""
    _meet(me, person)
    if db.session.scalar(select(Follow.id).where(Follow.follower_id == me, Follow.followed_id == person.id)):
        return False
    if person.suspended_at or db.session.scalar(select(literal(1)).where(blocked(me, person.id))):
        raise Unavailable("You cannot follow this member.")
    key = f"follow:{me}"
    throttle.check(key, limit=settings().security.follows, message="You have followed very many people at once.")
    throttle.count(key, window=FOLLOWS_WITHIN)
    db.session.add(Follow(follower_id=me, followed_id=person.id))
    Notification.tell(person.id, "follow", actor_id=me)
    return True


def unfollow(me: int, person: User) -> bool:
    """Read them no more; where they have not read that somebody follows them, they will not."""
    _meet(me, person)
    return _end_follow(me, person.id)


def block(me: int, person: User) -> bool:
    """Not to meet again: both follows end, and what either did is no news to the other."""
    _meet(me, person)
    if db.session.scalar(select(Block.id).where(Block.blocker_id == me, Block.blocked_id == person.id)):
        return False
    mine, theirs = _end_follow(me, person.id), _end_follow(person.id, me)
    db.session.add(Block(blocker_id=me, blocked_id=person.id, ended_mine=mine, ended_theirs=theirs))
    Notification.settle(me, actor_id=person.id)
    Notification.settle(person.id, actor_id=me)
    return True


def unblock(me: int, person: User) -> bool:
    """They may meet again; whoever followed before has to follow anew."""
    return _end_block(me, person) is not None


def undo_block(me: int, person: User) -> bool:
    """It was a slip: the follows that it ended come back, unless the other one blocks too; nobody is told."""
    ended = _end_block(me, person)
    if ended is None:
        return False
    if db.session.scalar(select(literal(1)).where(blocked(me, person.id))):
        return True
    mine, theirs = ended
    if mine:
        db.session.add(Follow(follower_id=me, followed_id=person.id))
    if theirs:
        db.session.add(Follow(follower_id=person.id, followed_id=me))
    return True


def mute(me: int, person: User) -> bool:
    """Not in timelines and notifications any more; they do not notice."""
    _meet(me, person)
    if db.session.scalar(select(Mute.id).where(Mute.muter_id == me, Mute.muted_id == person.id)):
        return False
    db.session.add(Mute(muter_id=me, muted_id=person.id))
    Notification.settle(me, actor_id=person.id)
    return True


def unmute(me: int, person: User) -> bool:
    """Back into timelines and notifications."""
    _meet(me, person)
    return _gone(delete(Mute).where(Mute.muter_id == me, Mute.muted_id == person.id))


def _meet(me: int, person: User) -> None:
    """Have both to oneself, in the same order everywhere: a follow and a block at the same moment never both hold.

    Raises Nobody where one is gone meanwhile.
    """
    if me == person.id:
        raise DomainError("This is yourself: it only works with other members.")
    pair = select(User.id).where(User.id.in_((me, person.id))).order_by(User.id).with_for_update(key_share=True)
    if len(db.session.scalars(pair).all()) < 2:
        raise Nobody("This member is not here any more.")


def _end_block(me: int, person: User) -> tuple[bool, bool] | None:
    """Whose follows it had ended, mine and theirs; None where there was no block."""
    _meet(me, person)
    block = delete(Block).where(Block.blocker_id == me, Block.blocked_id == person.id)
    row = db.session.execute(block.returning(Block.ended_mine, Block.ended_theirs)).one_or_none()
    return None if row is None else (row.ended_mine, row.ended_theirs)


def _end_follow(follower_id: int, followed_id: int) -> bool:
    ended = _gone(delete(Follow).where(Follow.follower_id == follower_id, Follow.followed_id == followed_id))
    if ended:
        Notification.withdraw(followed_id, "follow", actor_id=follower_id)
    return ended


def _gone(statement: Any) -> bool:
    return bool(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


# Queries


@dataclass(frozen=True)
class Listed:
    """A member in a list: `place` is where the list goes on, `follows` whether the viewer does, `why` they are here."""

    person: User
    place: int = 0
    follows: bool = False
    why: str = ""


Page = Select[User, int, bool]


def followers(person_id: int, viewer_id: int | None) -> Page:
    """Who follows them, the latest first."""
    return _listed(viewer_id).join(Follow, Follow.follower_id == User.id).where(Follow.followed_id == person_id)


def following(person_id: int, viewer_id: int | None) -> Page:
    """Whom they follow, the latest first."""
    return _listed(viewer_id).join(Follow, Follow.followed_id == User.id).where(Follow.follower_id == person_id)


def _listed(viewer_id: int | None) -> Page:
    mine = Follow.__table__.alias("mine")
    follows: Any = literal(value=False)
    if viewer_id is not None:
        follows = exists().where(mine.c.follower_id == viewer_id, mine.c.followed_id == User.id)
    return select(User, Follow.id.label("place"), follows.label("follows")).where(User.met_by(viewer_id))


def blocked_by(me: int) -> Page:
    """Whom this member has blocked, the latest first."""
    columns = (User, Block.id.label("place"), literal(value=False).label("follows"))
    return select(*columns).join(Block, Block.blocked_id == User.id).where(Block.blocker_id == me)


def muted_by(me: int) -> Page:
    """Whom this member has muted, the latest first."""
    columns = (User, Mute.id.label("place"), literal(value=False).label("follows"))
    return select(*columns).join(Mute, Mute.muted_id == User.id).where(Mute.muter_id == me)


def page(statement: Page, table: type[Follow | Block | Mute], before: int | None) -> tuple[list[Listed], int]:
    """Those of a page, and where the next one begins; 0 where there is none."""
    if before is not None:
        statement = statement.where(table.id < before)
    rows = db.session.execute(statement.order_by(table.id.desc()).limit(PAGE + 1)).all()
    found = [Listed(row[0], row.place, row.follows) for row in rows[:PAGE]]
    return found, found[-1].place if len(rows) > PAGE else 0


def suggestions(me: int, limit: int = 5) -> Sequence[Listed]:
    """Whom this member may want to follow: those whom they follow follow them, else many do lately, else they are new.

    One statement, which looks at so many rows at most, however large the site is.
    """
    friends = select(Follow.followed_id).where(Follow.follower_id == me).order_by(Follow.id.desc()).limit(_FRIENDS)
    near = select(Follow.followed_id.label("id")).where(Follow.follower_id.in_(friends)).limit(_OF_FRIENDS).subquery()
    others = select(Follow.followed_id.label("id")).where(Follow.follower_id.not_in(parted(me)))
    lately = others.order_by(Follow.id.desc()).limit(_LATELY).subquery()
    new = select(User.id.label("id")).order_by(User.id.desc()).limit(10 * limit).subquery()
    # Each source in a range of its own, so that one number orders them all.
    found = union_all(
        select(near.c.id, (func.count() + 2 * _RANGE).label("rank")).group_by(near.c.id),
        select(lately.c.id, func.count() + _RANGE).group_by(lately.c.id),
        select(new.c.id, literal(0)),
    ).subquery()
    known = select(Follow.followed_id).where(Follow.follower_id == me)
    rank = func.max(found.c.rank).label("rank")
    unknown = select(found.c.id, rank).where(found.c.id != me, found.c.id.not_in(known)).group_by(found.c.id)
    # Only then are the members themselves looked at: few of the best are suspended, blocked or muted.
    best = unknown.order_by(rank.desc(), found.c.id.desc()).limit(_BEST + limit).subquery()
    statement = (
        select(User, best.c.rank)
        .join(best, best.c.id == User.id)
        .where(User.met_by(me), ~muted(me, User.id))
        .order_by(best.c.rank.desc(), User.id.desc())
        .limit(limit)
    )
    return [Listed(row[0], why=_why(row.rank)) for row in db.session.execute(statement)]


def _why(rank: int) -> str:
    kind, score = divmod(rank, _RANGE)
    people = "1 person" if score == 1 else f"{score} people"
    return {2: f"Followed by {people} you follow", 1: f"Followed by {people} lately", 0: "New here"}[kind]
