"""The demo into the database: all of it or nothing."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

from sqlalchemy import Connection, func, select

from microblog.dev.demo import lately
from microblog.dev.demo.community import Community, Row
from microblog.dev.demo.load import checked_at_the_end, go_on_counting, load, take_stock
from microblog.dev.demo.people import people
from microblog.extensions import db, writing
from microblog.models import Block, Bookmark, Follow, Like, Mention, Mute, Post, PostTag, User, search_index

Said = Callable[[str], None]


def members() -> int:
    """How many there are already."""
    return db.session.scalar(select(func.count(User.id))) or 0


def make(size: tuple[int, int], *, seed: int, password_hash: str, say: Said) -> Community:
    """Add so many people and posts to the site's database; `say` is told what is being done."""
    wanted, posts = size
    with writing():
        connection = db.session.connection()
        _tune(connection)
        taken = set(db.session.scalars(select(User.username_key)))
        random = Random(seed)  # noqa: S311 - the same every time is what it is for
        community = Community(
            people(wanted, random, taken),
            posts,
            random,
            time.time(),
            first_user=db.session.scalar(select(func.max(User.id))) or 0,
            first_post=db.session.scalar(select(func.max(Post.id))) or 0,
        )
        search_index.pause(connection)
        say(f"{wanted:,} people")
        with checked_at_the_end(connection):
            _load_all(connection, community, password_hash, say)
        search_index.rebuild(connection, say)
        take_stock(connection)
        db.session.commit()
    return community


def _tune(connection: Connection) -> None:
    """Room for the indexes in memory while they grow; for this connection, which the command closes at its end."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-400000")
        connection.exec_driver_sql("PRAGMA temp_store=MEMORY")


def _load_all(connection: Connection, community: Community, password_hash: str, say: Said) -> None:
    profile = "id username username_key email password_hash display_name about_me location website"
    profile += " created_at updated_at last_seen_at"
    _load(connection, User, profile, community.user_rows(password_hash))
    say(f"{community.posts:,} posts")
    tags: list[Row] = []
    mentions: list[Row] = []
    columns = "id author_id text language thread_id reply_to_id created_at likes_count replies_count"
    _load(connection, Post, columns, community.post_rows(tags, mentions))
    say("tags and mentions")
    _load(connection, PostTag, "tag post_id", sorted(tags))
    _load(connection, Mention, "user_id post_id", sorted(mentions))
    say("likes, follows and bookmarks")
    _load(connection, Like, "user_id post_id created_at", community.like_rows())
    _load(connection, Follow, "follower_id followed_id created_at", community.follow_rows())
    _load(connection, Bookmark, "user_id post_id created_at", community.bookmark_rows())
    _load(connection, Block, "blocker_id blocked_id created_at", community.pair_rows(community.blocks))
    _load(connection, Mute, "muter_id muted_id created_at", community.pair_rows(community.mutes))
    say("what happened lately")
    lately.happen(connection, community)
    go_on_counting(connection, [User.__table__, Post.__table__])


def _load(connection: Connection, model: Any, columns: str, rows: Any) -> None:
    load(connection, model.__table__, columns.split(), rows)
