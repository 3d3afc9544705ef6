"""One conversation as it is read: what a post answers, the post, and the tree of its answers; one statement.

Only the direct answers are cut by number (`after`) and paged. Of what answers those the first few are looked for,
a few levels deep, in the index alone; so an answer with 10,000 answers of its own costs what one with five costs.
Whatever is not shown stands on the page of the post that it answers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    false,
    or_,
    select,
    text,
)
from sqlalchemy.orm import aliased

from microblog.extensions import db
from microblog.models.columns import LARGEST
from microblog.models.post import TAKEN_AWAY, THEY_DELETED, YOU_DELETED, Post
from microblog.models.relation import blocked
from microblog.models.shown import VIEWER, Shown, Viewing, bound, columns, counts, shown
from microblog.models.user import User, Viewer

ANCESTORS = 30
"""So many posts that lead to one are shown above it."""

DEPTH, FEW, NESTED = 3, 5, 50
"""Answers are shown to this depth, so many of each post at first, and so many on a page besides the direct ones."""

# The nested ones level by level, and in each the first answer of every post before any second one: where they do not
# all fit, every branch has begun. `<= (… OFFSET …)` is a limit for each post; a recursive query can have no other.
_TREE = text("""
    WITH RECURSIVE up(id, parent, depth) AS (
        SELECT id, reply_to_id, 0 FROM posts WHERE id = :root
        UNION ALL
        SELECT posts.id, posts.reply_to_id, up.depth + 1 FROM up JOIN posts ON posts.id = up.parent
        WHERE up.depth < :ancestors
    ), direct(id) AS (
        SELECT id FROM posts WHERE reply_to_id = :root AND id > :after ORDER BY id LIMIT :limit
    ), down(id, parent, depth) AS (
        SELECT id, 0, 1 FROM direct
        UNION ALL
        SELECT posts.id, down.id, down.depth + 1 FROM down JOIN posts ON posts.reply_to_id = down.id
        WHERE down.depth < :depth AND posts.id <= coalesce((
            SELECT few.id FROM posts AS few WHERE few.reply_to_id = down.id ORDER BY few.id LIMIT 1 OFFSET :few - 1
        ), :largest)
    ), ranked(id, depth, place) AS (
        SELECT id, depth, row_number() OVER (PARTITION BY depth, parent ORDER BY id) FROM down WHERE depth > 1
    ), nested(id) AS (
        SELECT id FROM ranked ORDER BY depth, place, id LIMIT :nested
    )
    SELECT id FROM up UNION ALL SELECT id FROM direct UNION ALL SELECT id FROM nested
""")


@dataclass
class Said:
    """A post in a conversation, those of its answers that are shown, and how many there are besides.

    What this viewer may not read (any more) is only a place.
    """

    post: Shown
    readable: bool = True
    is_deleted: bool = False
    is_hidden: bool = False
    is_parted: bool = False
    answers: list["Said"] = field(default_factory=list)
    more: int = 0

    @property
    def is_counted(self) -> bool:
        """Whether it is among the answers that the post above says it has."""
        return not (self.is_deleted or self.is_parted)

    @property
    def has_page(self) -> bool:
        """Whether its own address shows this viewer anything: its words, or that they were taken away."""
        return self.readable or self.is_deleted or self.is_hidden

    def words_for(self, viewer: Viewer | None) -> str:
        """What stands in the place of one that cannot be read."""
        if self.is_deleted:
            return YOU_DELETED if self._is_of(viewer) else THEY_DELETED
        return TAKEN_AWAY if self.is_hidden else "This post cannot be shown."

    def may_return_to(self, viewer: Viewer | None) -> bool:
        """Whether the viewer deleted it themselves, and can bring it back."""
        return self._is_of(viewer) and self.is_deleted and not self.is_hidden

    def may_be_reported_by(self, viewer: Viewer | None) -> bool:
        """True for a post that a block or a suspension hides from the viewer: they can report it without reading it."""
        return viewer is not None and not (self.readable or self.is_deleted or self.is_hidden)

    def _is_of(self, viewer: Viewer | None) -> bool:
        return viewer is not None and viewer.id == self.post.author_id

    def prune(self) -> bool:
        """Leave out the places below which nothing stands. Whether this one is anything to show itself."""
        there = sum(answer.is_counted for answer in self.answers)
        self.more = max(0, self.post.replies_count - there) if self.has_page else 0
        self.answers = _worth_showing(self.answers)
        return self.readable or bool(self.answers or self.more)


def _worth_showing(some: Iterable[Said]) -> list[Said]:
    return [said for said in some if said.prune()]


@dataclass(frozen=True)
class Conversation:
    """What `here` answers, from the beginning; and a page of its answers, with `after` where the next one begins."""

    here: Said
    above: list[Said]
    answers: list[Said]
    after: int = 0
    newest: int = 0
    """The highest number among all of these."""


@cache
def _statement(signed_in: bool) -> Select[Any]:
    wanted = _TREE.columns(column("id", Integer)).subquery()
    return _places(signed_in).where(Post.id.in_(select(wanted.c.id))).order_by(Post.id)


def _places(signed_in: bool) -> Select[Any]:
    """Not through `shown`: what was taken away keeps its place."""
    parted = blocked(VIEWER, Post.author_id) if signed_in else false()
    place = (_readable(signed_in), Post.deleted_at.is_not(None), Post.hidden_at.is_not(None), parted)
    return select(*columns(signed_in=signed_in), *place).join_from(Post, User, User.id == Post.author_id)


def _said(row: Row[Any]) -> Said:
    shown = len(Shown._fields)
    return Said(Shown._make(row[:shown]), *row[shown:])


def _readable(signed_in: bool) -> ColumnElement[bool]:
    return and_(*Post.readable(VIEWER if signed_in else None))


def conversation(post_id: int, viewer_id: int | None, *, limit: int, after: int = 0) -> Conversation | None:
    """What is said around a post, as this viewer sees it; None where they see nothing of the post itself.

    At most `limit` direct answers, those after number `after`.
    """
    values = {"root": post_id, "after": after, "limit": limit + 1, "largest": LARGEST}
    values |= {"ancestors": ANCESTORS, "depth": DEPTH, "few": FEW, "nested": NESTED}
    rows = db.session.execute(_statement(viewer_id is not None), bound(values, viewer_id))
    said = {row[0]: _said(row) for row in rows}
    here = said.get(post_id)
    if here is None or not here.has_page:
        return None
    for one in said.values():
        if (answered := said.get(one.post.reply_to_id or 0)) and one.post.id > post_id:
            answered.answers.append(one)
    page, rest = here.answers[:limit], here.answers[limit:]
    above = [one for one in said.values() if one.post.id < post_id]
    return Conversation(here, above, _worth_showing(page), page[-1].post.id if rest else 0, max(said))


# What a page that stands open is told


def said_since(post_id: int, since: int, viewer_id: int | None, *, limit: int) -> list[Shown]:
    """What was said after number `since` in the conversation that the post belongs to, the first of it."""
    return shown(_since, viewer_id, {"root": post_id, "since": since, "limit": limit})


def _since(posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    root, number = aliased(Post), bindparam("since", type_=Integer)
    thread = select(root.thread_id).where(root.id == bindparam("root", type_=Integer)).scalar_subquery()
    posts = posts.where(Post.thread_id == thread, Post.reply_to_id.is_not(None), Post.id > number)
    return posts.order_by(Post.id).limit(bindparam("limit", type_=Integer))


def changed(seen: Collection[str], viewer_id: int | None) -> list[Said]:
    """Of the posts that a page shows, those that are not so any more, or not to be read. One statement.

    `seen` says of each: its number, version, likes and answers, with dots between.
    """
    if not seen:
        return []
    values = {"ids": [int(one.partition(".")[0]) for one in seen], "seen": list(seen)}
    rows = db.session.execute(_changed(viewer_id is not None), bound(values, viewer_id))
    return [_said(row) for row in rows]


@cache
def _changed(signed_in: bool) -> Select[Any]:
    state: ColumnElement[str] = cast(Post.id, String)
    for part in (Post.version, *counts(signed_in=signed_in).values()):
        state = state + "." + cast(part, String)
    otherwise = or_(~_readable(signed_in), state.not_in(bindparam("seen", expanding=True, type_=String)))
    return _places(signed_in).where(Post.id.in_(bindparam("ids", expanding=True, type_=Integer)), otherwise)
