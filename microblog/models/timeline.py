"""Which posts stand on a page, newest first: named queries, each at most one statement.

Every page is cut by a number (`Span.before`), a post's or that of the mark somebody set on it, never by counting rows
from the top: what is written meanwhile shifts nothing, and page 1,000 costs what page 1 costs.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Integer, Select, String, and_, bindparam, column, select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from microblog.extensions import db
from microblog.models.columns import LARGEST
from microblog.models.post import Bookmark, Like, Post, PostTag
from microblog.models.shown import Marked, Shown, Viewing, marked, shown
from microblog.models.user import User


@dataclass(frozen=True)
class Span:
    """A piece of a timeline: at most `limit` posts older than `before` and newer than `since`, none of `without`."""

    limit: int
    before: int | None = None
    since: int | None = None
    without: int | None = None

    @property
    def values(self) -> dict[str, int]:
        """What `_cut` binds."""
        numbers = {"before": self.before or LARGEST, "since": self.since or 0, "without": self.without or 0}
        return {"limit": self.limit, **numbers}


BEFORE, SINCE, WITHOUT, LIMIT = (bindparam(name, type_=Integer) for name in ("before", "since", "without", "limit"))
OWNER, TAG = bindparam("owner", type_=Integer), bindparam("tag", type_=String)


def _cut(posts: Select[Any], number: InstrumentedAttribute[int] = Post.id) -> Select[Any]:
    """`posts`, cut to the span that is bound; `number` is the column by which an index knows the order."""
    within = and_(number < BEFORE, number > SINCE, Post.author_id != WITHOUT)
    return posts.where(within).order_by(number.desc()).limit(LIMIT)


def explore(viewer_id: int | None, span: Span) -> list[Shown]:
    """What everybody writes, without answers."""
    return shown(_everybodys, viewer_id, span.values)


def _everybodys(posts: Select[Any], viewer: Viewing) -> Select[Any]:
    return _cut(posts.where(Post.reply_to_id.is_(None), Post.welcome(viewer)))


def tagged(tag: str, viewer_id: int | None, span: Span) -> list[Shown]:
    """What is said about #tag; `tag` is a key (post_text.tag_key)."""
    return shown(_tagged, viewer_id, span.values | {"tag": tag})


def _tagged(posts: Select[Any], viewer: Viewing) -> Select[Any]:
    # Compared and ordered by both columns, which only the index of the tag can do. Ordered by the number alone,
    # PostgreSQL walks through whatever was written since the tag was used last.
    place = tuple_(PostTag.tag, PostTag.post_id)
    within = and_(place < tuple_(TAG, BEFORE), place > tuple_(TAG, SINCE), Post.author_id != WITHOUT)
    posts = posts.join(PostTag, PostTag.post_id == Post.id).where(within, Post.welcome(viewer))
    return posts.order_by(PostTag.tag.desc(), PostTag.post_id.desc()).limit(LIMIT)


def by_author(author_id: int, viewer_id: int | None, span: Span, *, replies: bool) -> list[Shown]:
    """What one member writes: what begins a conversation, or the answers."""
    return shown(_their_answers if replies else _their_posts, viewer_id, span.values | {"owner": author_id})


def _their_posts(posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    return _cut(posts.where(Post.author_id == OWNER, Post.reply_to_id.is_(None)))


def _their_answers(posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    return _cut(posts.where(Post.author_id == OWNER, Post.reply_to_id.is_not(None)))


def liked_by(user_id: int, viewer_id: int | None, span: Span) -> list[Marked]:
    """The posts that one member likes, the latest like first. Empty if a block or a suspension hides them."""
    return marked(_liked, viewer_id, span.values | {"owner": user_id})


def _liked(posts: Select[Any], viewer: Viewing) -> Select[Any]:
    whose = select(User.id).where(User.id == OWNER, User.met_by(viewer)).correlate(None)
    return _marked(posts.where(Post.welcome(viewer), whose.exists()), Like)


def bookmarked_by(user_id: int, span: Span) -> list[Marked]:
    """What a member has kept, the latest first; for their own eyes."""
    return marked(_bookmarked, user_id, span.values | {"owner": user_id})


def _bookmarked(posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    return _marked(posts, Bookmark)


def _marked(posts: Select[Any], kind: type[Like | Bookmark]) -> Select[Any]:
    theirs = posts.add_columns(kind.id).join(kind, kind.post_id == Post.id).where(kind.user_id == OWNER)
    return _cut(theirs, kind.id)


def some(post_ids: list[int], viewer_id: int | None) -> list[Shown]:
    """Those of the posts that this viewer may read."""
    return shown(_some, viewer_id, {"ids": post_ids})


def _some(posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    return posts.where(Post.id.in_(bindparam("ids", expanding=True, type_=Integer)))


LATEST = 400
"""Posts of the newest so many numbers are looked through first: whoever follows many finds a page among them."""

# In SQL, for two reasons: it can be read, and building it of aliases took as long as running it.
_WELCOME = """
        AND NOT EXISTS (SELECT 1 FROM mutes WHERE muter_id = :viewer AND muted_id = {author})
        AND NOT EXISTS (SELECT 1 FROM blocks WHERE blocker_id = :viewer AND blocked_id = {author})
        AND NOT EXISTS (SELECT 1 FROM blocks WHERE blocked_id = :viewer AND blocker_id = {author})
        AND NOT EXISTS (SELECT 1 FROM users WHERE id = {author} AND suspended_at IS NOT NULL)"""
_RECENT = f"""
    WITH readable(id) AS (
        SELECT followed_id FROM follows WHERE follower_id = :viewer {_WELCOME.format(author="follows.followed_id")}
        UNION ALL SELECT CAST(:viewer AS INTEGER)
    ), newest(id) AS (
        SELECT CASE WHEN max(id) < :before THEN max(id) ELSE :before - 1 END FROM posts
    ), latest(since) AS (
        SELECT CASE WHEN id - :latest > :since THEN id - :latest ELSE :since END FROM newest
    ), found(id) AS (
        SELECT id FROM posts
        WHERE id < :before AND id > (SELECT since FROM latest) AND deleted_at IS NULL AND hidden_at IS NULL
        AND (author_id = :viewer OR (
            EXISTS (SELECT 1 FROM follows WHERE follower_id = :viewer AND followed_id = posts.author_id)
            {_WELCOME.format(author="posts.author_id")}
        )) ORDER BY id DESC LIMIT :limit
    ), authors(id) AS (
        SELECT id FROM readable LIMIT CASE
            WHEN (SELECT count(*) FROM found) < :limit AND (SELECT since FROM latest) > :since
            THEN 1000000 ELSE 0 END
    ), recent(id, newest) AS (
        SELECT authors.id, (
            SELECT posts.id FROM posts
            WHERE posts.author_id = authors.id AND posts.deleted_at IS NULL AND posts.hidden_at IS NULL
            AND posts.id < :before AND posts.id > :since ORDER BY posts.id DESC LIMIT 1
        ) AS newest FROM authors ORDER BY newest DESC NULLS LAST LIMIT :limit
    )
    SELECT id FROM found UNION ALL """  # noqa: S608 - constants
_THEIRS = """
        SELECT those.id FROM posts AS those
        WHERE those.author_id = recent.id AND those.deleted_at IS NULL AND those.hidden_at IS NULL
        AND those.id < :before
        AND those.id > (SELECT CASE WHEN count(newest) = :limit THEN min(newest) - 1 ELSE :since END FROM recent)
        ORDER BY those.id DESC LIMIT :limit"""
_EACH = " posts.id FROM recent CROSS JOIN posts WHERE posts.id IN ("


def _followed(ids: str, posts: Select[Any], _viewer: Viewing) -> Select[Any]:
    found = text(ids).columns(column("id", Integer)).subquery()
    return _cut(posts.where(Post.id.in_(select(found.c.id))))


_LATERAL = f"SELECT theirs.id FROM recent CROSS JOIN LATERAL ({_THEIRS}) AS theirs"  # noqa: S608 - a constant
_HOME = {
    # SQLite has no LATERAL; CROSS JOIN tells it to begin with `recent`.
    "sqlite": partial(_followed, _RECENT + "SELECT" + _EACH + _THEIRS + ")"),
    "postgresql": partial(_followed, _RECENT + _LATERAL),
}


def home(viewer_id: int, span: Span) -> list[Shown]:
    """What those write whom the viewer follows, and what they write themselves.

    First among everybody's newest posts. Where they do not fill the page: the authors whose newest post in the span is
    newest, as many as there are posts on a page, for no other author can have one there; then of each of these the
    newest posts, but none older than the newest of the last author. So a page costs at most one look into the index per
    followed member, however much they have written.
    """
    return shown(_HOME[db.engine.dialect.name], viewer_id, span.values | {"latest": LATEST})
