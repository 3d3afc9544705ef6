"""What happened lately: changed and deleted posts, reports, and what members were told.

Only among the newest posts, for it is to be looked at: a million of them costs what a few thousand do.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, null, select, update
from sqlalchemy.orm import aliased

from microblog.dev.demo.community import Community, stamp
from microblog.dev.demo.load import load
from microblog.models import Follow, Like, Mention, ModerationAction, Notification, Post, PostVersion, Report, User
from microblog.models.columns import now

NEWEST = 2000
UNREAD_FOR = timedelta(days=2)
"""What somebody was told longer ago, they have read."""

EDITED, DELETED = 30, 40
"""One post in so many."""

MODERATOR = 1
"""The second of the members decides about reports."""


def happen(connection: Connection, community: Community) -> None:
    """All of it. The posts, likes and follows are there."""
    newest = _newest(connection, community)
    _edit(connection, newest[::EDITED])
    _tell(connection, community)
    gone = [post for post in newest[7::DELETED] if post.replies_count] + newest[11 :: 4 * DELETED]
    _delete(connection, gone)
    _report(connection, community, [post for post in newest[-60:] if post not in gone])


def _newest(connection: Connection, community: Community) -> list[Row[Any]]:
    columns = (Post.id, Post.author_id, Post.reply_to_id, Post.text, Post.language, Post.created_at, Post.replies_count)
    return list(connection.execute(select(*columns).where(Post.id > _first(community)).order_by(Post.id)))


def _first(community: Community) -> int:
    return community.first_post + max(0, community.posts - NEWEST)


def _edit(connection: Connection, posts: list[Row[Any]]) -> None:
    """Two letters stood the wrong way round, which was seen within the hour."""
    for post in posts:
        edited = min(now(), post.created_at + timedelta(minutes=20))
        connection.execute(update(Post).where(Post.id == post.id).values(edited_at=edited, version=2))
    rows = ((post.id, _misspelled(post.text), post.language, _stamp(post.created_at)) for post in posts)
    load(connection, PostVersion.__table__, ("post_id", "text", "language", "written_at"), rows)


def _misspelled(text: str) -> str:
    at = max(1, len(text) // 3)
    return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def _delete(connection: Connection, posts: list[Row[Any]]) -> None:
    for post in posts:
        connection.execute(update(Post).where(Post.id == post.id).values(deleted_at=now()))
        answered = update(Post).where(Post.id == post.reply_to_id)
        connection.execute(answered.values(replies_count=Post.replies_count - 1))


def _report(connection: Connection, community: Community, posts: list[Row[Any]]) -> None:
    """One post by two members, one member by one, and one post about which it is decided."""
    if len(posts) < 3:
        return
    decided, one, *_, last = posts
    first, at = community.first_user + 1, now()
    members = range(first, first + min(3, len(community.people)))
    decision = {"decided_at": at, "decided_by": first + MODERATOR, "decision": "hide"}
    for number, (post, note, values) in enumerate(
        (
            (decided, "The third time this week.", {"post_id": decided.id, "reason": "harassment", **decision}),
            (one, "", {"post_id": one.id, "reason": "spam"}),
            (one, "This is an advertisement, I think.", {"post_id": one.id, "reason": "other"}),
            (last, "Writes to me although I asked not to.", {"reason": "harassment"}),
        )
    ):
        others = [member for member in members if member != post.author_id]
        by = others[number % len(others)]
        connection.execute(insert(Report).values(reporter_id=by, user_id=post.author_id, note=note, **values))
    connection.execute(update(User).where(User.id == first + MODERATOR).values(role="moderator"))
    connection.execute(update(Post).where(Post.id == decided.id).values(hidden_at=at))
    about = {"user_id": decided.author_id, "post_id": decided.id}
    connection.execute(insert(ModerationAction).values(moderator_id=first + MODERATOR, action="hide", **about))


def _tell(connection: Connection, community: Community) -> None:
    """As Notification.tell would have done, each at its time."""
    answered, user = aliased(Post), community.first_user + 1
    replies = select(answered.author_id, Post.author_id, Post.id, Post.created_at).select_from(Post)
    replies = replies.join(answered, answered.id == Post.reply_to_id)
    calls = select(Mention.user_id, Post.author_id, Post.id, Post.created_at).join(Post, Post.id == Mention.post_id)
    likes = select(Post.author_id, Like.user_id, Post.id, Like.created_at).join(Post, Post.id == Like.post_id)
    follows = select(Follow.followed_id, Follow.follower_id, null(), Follow.created_at)
    follows = follows.where(Follow.follower_id >= user).order_by(Follow.created_at.desc()).limit(NEWEST)
    found: dict[str, Sequence[Any]] = {
        kind: connection.execute(query.where(Post.id > _first(community))).all()
        for kind, query in (("reply", replies), ("mention", calls), ("like", likes))
    }
    found["follow"] = connection.execute(follows).all()
    told_already = {(whom, post) for whom, _, post, _ in found["reply"]}
    apart = {(other, one) for one, other in community.blocks} | community.blocks | community.mutes
    told = [
        (at, whom, kind, by, post)
        for kind, rows in found.items()
        for whom, by, post, at in rows
        if whom != by and (whom - user, by - user) not in apart
        if kind != "mention" or (whom, post) not in told_already
    ]
    told.sort(key=lambda one: one[:2])
    read = now() - UNREAD_FOR
    rows = ((whom, kind, by, post, _stamp(at), _stamp(at) if at < read else None) for at, whom, kind, by, post in told)
    load(connection, Notification.__table__, ("user_id", "kind", "actor_id", "post_id", "created_at", "read_at"), rows)
    Notification.recount({whom for at, whom, *_ in told if at >= read})


def _stamp(moment: datetime) -> str:
    return stamp(moment.timestamp())
