"""Posts are had through permission: whoever asks gets one, or is told why not."""

from typing import NoReturn

from flask import abort
from flask_login import current_user
from sqlalchemy import and_, select
from sqlalchemy.orm import contains_eager

from microblog.extensions import db
from microblog.models import timeline
from microblog.models.errors import Gone, NotYours
from microblog.models.post import TAKEN_AWAY, THEY_DELETED, YOU_DELETED, Post
from microblog.models.shown import Shown
from microblog.web.once import viewer_id


def visible_post(post_id: int) -> Post:
    """The post, if the viewer may read it. Raises Gone where it was taken away, else 404."""
    found = Post.shown_to(viewer_id()).where(Post.id == post_id)
    post: Post | None = db.session.scalar(found, execution_options={"populate_existing": True})
    return post if post is not None else _missing(post_id)


def shown_post(post_id: int) -> Shown:
    """The post as the viewer sees it. Raises as `visible_post`."""
    found = timeline.some([post_id], viewer_id())
    return found[0] if found else _missing(post_id)


def reportable_post(post_id: int) -> tuple[Post, bool]:
    """The post for a report, also behind a block or a suspension; and whether the viewer may read it.

    Raises Gone where it was taken away, else 404.
    """
    shown = and_(*Post.readable(viewer_id()))
    there = (Post.id == post_id, Post.deleted_at.is_(None), Post.hidden_at.is_(None))
    found = select(Post, shown).join(Post.author).options(contains_eager(Post.author)).where(*there)
    row = db.session.execute(found).one_or_none()
    return (row[0], row[1]) if row else _missing(post_id)


def _missing(post_id: int) -> NoReturn:
    which = select(Post.author_id, Post.deleted_at, Post.hidden_at).where(Post.id == post_id)
    author_id, deleted_at, hidden_at = db.session.execute(which).one_or_none() or (None, None, None)
    if deleted_at and author_id == viewer_id():
        raise Gone(YOU_DELETED, may_return=hidden_at is None)
    if deleted_at:
        raise Gone(THEY_DELETED)
    if hidden_at:
        raise Gone(TAKEN_AWAY)
    abort(404)


def own_post(post_id: int, *, deleted: bool = False) -> Post:
    """The viewer's own post, locked for a change. Needs `writing`. Raises NotYours, Gone, or 404.

    With `deleted` it may be one that they have deleted.
    """
    own = select(Post).where(Post.id == post_id).with_for_update()
    post: Post | None = db.session.scalar(own, execution_options={"populate_existing": True})
    if post is None:
        return abort(404)
    if post.author_id != current_user.id:
        raise NotYours("Only its author can change a post.")
    if post.deleted_at is not None and not deleted:
        raise Gone(YOU_DELETED, may_return=post.hidden_at is None)
    if post.hidden_at is not None:
        raise Gone(TAKEN_AWAY)
    return post
