"""Posts and people that hold certain words: one interface, two databases. The index itself: models/search_index.py.

Both read the newest first and stop when a page is full, so that a word that stands in every post costs no more than one
that stands in a few. Each looks at so many posts at most; where that does not fill the page, it says how far it came.
"""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    TableClause,
    case,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    true,
)

from microblog.db.search_words import LETTERED
from microblog.extensions import db
from microblog.models.columns import LARGEST
from microblog.models.post import Post
from microblog.models.search_index import COLUMN, INDEXED
from microblog.models.shown import VIEWER, bound
from microblog.models.timeline import LIMIT, Span
from microblog.models.user import User
from microblog.models.usernames import username_key
from microblog.search.words import Query, Term

CANDIDATES = 50
"""So many members whose names fit are looked at for the few that are shown."""

SPARE = 5
"""So many times as many posts that hold the words are looked at as are shown: the viewer may not read them all."""

WINDOW = 20_000
"""PostgreSQL reads so many of the newest posts one by one. If they do not fill a page, the words may be rare."""

RARE = 10_000
"""If no more posts than these hold them, all are fetched by the index, which knows no order, and sorted."""

# Each gives rows of (id, floor): the posts that hold the words, and the number above which all of them were looked at;
# null where that is all there are. At least one row, with or without a post.
_MATCHES = {
    "sqlite": """
    SELECT matches.id AS id, looked.floor AS floor FROM (
        SELECT (
            SELECT rowid FROM search_posts WHERE search_posts MATCH :words AND rowid < :before
            ORDER BY rowid DESC LIMIT 1 OFFSET :matches - 1
        ) AS floor
    ) AS looked LEFT JOIN (
        SELECT rowid AS id FROM search_posts WHERE search_posts MATCH :words AND rowid < :before
        ORDER BY rowid DESC LIMIT :matches
    ) AS matches ON true""",
    # PostgreSQL's planner takes words for independent, and walks through all posts for two that never meet. So it has
    # no choice: the first look cannot use the index of words (IS TRUE), the second cannot but use it (a query of
    # unknown content is taken for a rare one). Phrases are checked afterwards, as they would be by the index.
    "postgresql": """
    WITH asked AS MATERIALIZED (
        SELECT to_tsquery('simple', :words) AS words, to_tsquery('simple', :parts) AS parts,
            least(:before, (SELECT max(id) + 1 FROM posts)) AS before
    ), near AS MATERIALIZED (
        SELECT id FROM posts
        WHERE id < (SELECT before FROM asked) AND id >= (SELECT before - :window FROM asked)
        AND (search @@ (SELECT words FROM asked)) IS TRUE ORDER BY id DESC LIMIT :matches
    ), rare AS MATERIALIZED (
        SELECT id, search @@ (SELECT words FROM asked) AS holds FROM posts
        WHERE search @@ (SELECT parts FROM asked) AND (SELECT count(*) FROM near) < :limit LIMIT :rare + 1
    ), far AS MATERIALIZED (
        SELECT id FROM rare WHERE holds AND id < (SELECT before - :window FROM asked)
        AND (SELECT count(*) FROM rare) <= :rare ORDER BY id DESC LIMIT :matches
    ), looked AS (
        SELECT CASE
            WHEN (SELECT count(*) FROM near) = :matches THEN (SELECT min(id) FROM near)
            WHEN (SELECT count(*) FROM near) >= :limit OR (SELECT count(*) FROM rare) > :rare
            THEN (SELECT before - :window FROM asked)
            WHEN (SELECT count(*) FROM far) = :matches THEN (SELECT min(id) FROM far)
        END AS floor
    )
    SELECT matches.id AS id, looked.floor AS floor
    FROM looked LEFT JOIN (SELECT id FROM near UNION ALL SELECT id FROM far) AS matches ON true""",
}


class Hit(NamedTuple):
    """A post that was found, as plain values."""

    id: int
    author_id: int
    username: str
    display_name: str
    avatar: str
    text: str
    language: str
    created_at: datetime

    @property
    def name(self) -> str:
        """As of a User."""
        return self.display_name or self.username


def posts(query: Query, viewer_id: int | None, span: Span) -> tuple[list[Hit], int]:
    """What this viewer may read and has not muted, newest first, and the number below which no post was looked at.

    That is 0 where all were. One statement.
    """
    dialect = db.engine.dialect.name
    values = {"before": span.before or LARGEST, "limit": span.limit, "matches": SPARE * span.limit}
    if dialect == "sqlite":
        words = {"words": _fts5(query.terms)}
    else:
        words = {"words": _tsquery(query.terms), "parts": _tsquery(query.terms, together=" & ")}
        values |= {"window": WINDOW, "rare": RARE}
    rows = db.session.execute(_posts(dialect, viewer_id is not None), bound({**values, **words}, viewer_id)).all()
    # No post was found: one row, with the floor.
    return [Hit._make(row[1:]) for row in rows if row[1] is not None], rows[0].floor or 0


@cache
def _posts(dialect: str, signed_in: bool) -> Select[Any]:
    # Built once, as in models/shown.py.
    viewer = VIEWER if signed_in else None
    matches = table("matches", column("id", Integer), column("floor", Integer))
    looked = select(func.max(matches.c.floor).label("floor")).subquery()
    readable = select(Post.id).join(Post.author).where(*Post.readable(viewer), Post.welcome(viewer))
    found = readable.where(Post.id.in_(select(matches.c.id))).order_by(Post.id.desc()).limit(LIMIT).subquery()
    author = (Post.author_id, User.username, User.display_name, User.avatar)
    hits = select(looked.c.floor, Post.id, *author, Post.text, Post.language, Post.created_at).select_from(looked)
    hits = hits.outerjoin(found, true()).outerjoin(Post, Post.id == found.c.id).outerjoin(Post.author)
    return hits.add_cte(text(_MATCHES[dialect]).columns(*matches.c).cte(matches.name)).order_by(found.c.id.desc())


def people(query: Query, viewer_id: int | None) -> Select[User]:
    """Members whose username or display name has words that begin so; who is called exactly so first."""
    key = username_key(query.typed.removeprefix("@"))
    if db.engine.dialect.name == "sqlite":
        named = select(_fts("users").c.rowid).where(_match("users", query.names))
    else:
        named = select(User.id).where(_holds("users", query.names))
    exactly = User.username_key == key
    some = select(named.limit(CANDIDATES).subquery())
    statement = select(User).where(or_(exactly, User.id.in_(some)), User.met_by(viewer_id))
    called = case((exactly, 0), (User.username_key.startswith(key, autoescape=True), 1), else_=2)
    return statement.order_by(called, User.id)


def _fts(indexed: str) -> TableClause:
    return table(INDEXED[indexed][0], column("rowid", Integer))


def _match(indexed: str, terms: tuple[Term, ...]) -> ColumnElement[bool]:
    return literal_column(INDEXED[indexed][0]).op("MATCH", is_comparison=True)(literal(_fts5(terms)))


def _holds(indexed: str, terms: tuple[Term, ...]) -> ColumnElement[bool]:
    words: ColumnElement[str] = literal_column(f"{indexed}.{COLUMN}")
    return words.op("@@", is_comparison=True)(func.to_tsquery("simple", _tsquery(terms)))


def _fts5(terms: tuple[Term, ...]) -> str:
    """The terms for SQLite. Every one stands in quotation marks, where nothing has a meaning of its own."""
    return " AND ".join(f'"{" ".join(term.words)}"{" *" if term.begins else ""}' for term in terms)


def _tsquery(terms: tuple[Term, ...], together: str = " <-> ") -> str:
    """The same for PostgreSQL; with `together=" & "`, wherever the words of a term stand."""
    pieces = []
    for term in terms:
        words = [f"'{word}'" for word in term.words]
        pieces.append(f"({together.join(words)}{':*' if term.begins else ''})")
    return " & ".join(pieces).translate(LETTERED)
