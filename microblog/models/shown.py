"""What is shown of posts, as plain values: read in one statement that is built once, and drawn without the rows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Result,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from microblog.extensions import db
from microblog.models.post import Bookmark, Like, Post
from microblog.models.relation import blocked, parted
from microblog.models.user import User

VIEWER: BindParameter[int] = bindparam("viewer", type_=Integer)
"""Who looks, in statements that are built once."""


class Shown(NamedTuple):
    """A post as one viewer sees it. Two that are equal look the same."""

    id: int
    author_id: int
    username: str
    name: str
    avatar: str
    text: str
    language: str
    reply_to_id: int | None
    answered: str | None
    """Whom it answers; None where that post cannot be read."""
    created_at: datetime
    edited_at: datetime | None
    version: int
    likes_count: int
    replies_count: int
    liked: bool
    bookmarked: bool

    @property
    def place(self) -> int:
        """By which number the page it stands on is cut."""
        return self.id


class Marked(Shown):
    """A post that somebody marked; its place is when. It looks like the post, and so is equal to it."""

    place: int = 0


def columns(*, signed_in: bool) -> list[ColumnElement[Any]]:
    """Those of `Shown`, for a query that joins posts with their authors; VIEWER has to be bound for a member."""
    answered, whom = aliased(Post), aliased(User)
    name = select(_name(whom)).select_from(answered).join(whom, whom.id == answered.author_id)
    name = name.where(answered.id == Post.reply_to_id, answered.deleted_at.is_(None), answered.hidden_at.is_(None))
    name = name.where(whom.suspended_at.is_(None))
    marks: list[ColumnElement[bool]] = [false(), false()]
    if signed_in:
        name = name.where(~blocked(VIEWER, answered.author_id))
        kinds = (Like, Bookmark)
        marks = [exists().where(k.post_id == Post.id, k.user_id == VIEWER).correlate(Post) for k in kinds]
    values: dict[str, Any] = {
        **{field: getattr(Post, field) for field in Shown._fields if hasattr(Post, field)},
        "username": User.username,
        "name": _name(User),
        "avatar": User.avatar,
        **counts(signed_in=signed_in),
        "answered": name.correlate(Post).scalar_subquery(),
        "liked": marks[0],
        "bookmarked": marks[1],
    }
    return [values[field] for field in Shown._fields]


def counts(*, signed_in: bool) -> dict[str, SQLColumnExpression[int]]:
    """The likes and the answers of a post: those counted with the row, without whoever a block parts from VIEWER."""
    if not signed_in:
        return {"likes_count": Post.likes_count, "replies_count": Post.replies_count}
    answer = aliased(Post)
    answers = select(func.count()).where(answer.reply_to_id == Post.id, answer.deleted_at.is_(None))
    likes = select(func.count()).where(Like.post_id == Post.id, Like.user_id.in_(parted(VIEWER)))
    return {
        "likes_count": _without(Post.likes_count, likes),
        "replies_count": _without(Post.replies_count, answers.where(answer.author_id.in_(parted(VIEWER)))),
    }


def _without(counted: InstrumentedAttribute[int], theirs: Select[int]) -> ColumnElement[int]:
    # Looked for only where somebody could be meant: most have blocked nobody, and most posts have no answer.
    could_be = and_(counted > 0, parted(VIEWER).exists())
    return case((could_be, counted - theirs.correlate(Post).scalar_subquery()), else_=counted)


def _name(person: type[User]) -> ColumnElement[str]:
    return case((person.display_name == "", person.username), else_=person.display_name)


Viewing = BindParameter[int] | None
"""Who looks, where a statement is built; None for a stranger."""

Narrowed = Callable[[Select[Any], Viewing], Select[Any]]
"""From all posts that can be read those that are wanted."""


@cache
def _statement(narrowed: Narrowed, signed_in: bool) -> Select[Any]:
    # Building takes four times as long as running.
    viewer = VIEWER if signed_in else None
    statement = select(*columns(signed_in=signed_in)).join_from(Post, User, User.id == Post.author_id)
    return narrowed(statement.where(and_(*Post.readable(viewer))), viewer)


def shown(narrowed: Narrowed, viewer_id: int | None, values: Mapping[str, object]) -> list[Shown]:
    """The posts that `narrowed` leaves of those this viewer may read. One statement; `values` are what it binds."""
    return [Shown._make(row) for row in _rows(narrowed, viewer_id, values)]


def marked(narrowed: Narrowed, viewer_id: int | None, values: Mapping[str, object]) -> list[Marked]:
    """The same, where `narrowed` adds the number of the mark as a last column."""
    found = []
    for row in _rows(narrowed, viewer_id, values):
        found.append(Marked._make(row[:-1]))
        found[-1].place = row[-1]
    return found


def _rows(narrowed: Narrowed, viewer_id: int | None, values: Mapping[str, object]) -> Result[Any]:
    return db.session.execute(_statement(narrowed, viewer_id is not None), bound(values, viewer_id))


def bound(values: Mapping[str, object], viewer_id: int | None) -> dict[str, object]:
    """`values`, and who looks if anybody does."""
    return dict(values) if viewer_id is None else {**values, "viewer": viewer_id}
