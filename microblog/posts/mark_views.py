"""Liking and keeping: pairs that may be repeated, each answered with the post's controls as they are now."""

import structlog
from flask import g, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from microblog.extensions import db, writing
from microblog.log import events
from microblog.models.errors import Gone, Repeated
from microblog.models.post import Post
from microblog.models.shown import Shown
from microblog.posts import bp
from microblog.posts.drawing import role
from microblog.posts.write_views import page_before, taken_away
from microblog.web.access import login_required
from microblog.web.htmx import wants_fragment
from microblog.web.posts import shown_post, visible_post

log = structlog.get_logger(__name__)


@bp.post("/post/<int:post_id>/like")
@login_required
def like(post_id: int) -> ResponseReturnValue:
    return _mark(post_id, "like")


@bp.post("/post/<int:post_id>/unlike")
@login_required
def unlike(post_id: int) -> ResponseReturnValue:
    return _mark(post_id, "unlike")


@bp.post("/post/<int:post_id>/bookmark")
@login_required
def bookmark(post_id: int) -> ResponseReturnValue:
    return _mark(post_id, "bookmark")


@bp.post("/post/<int:post_id>/unbookmark")
@login_required
def unbookmark(post_id: int) -> ResponseReturnValue:
    return _mark(post_id, "unbookmark")


def _mark(post_id: int, verb: str) -> ResponseReturnValue:
    try:
        with writing():
            post = visible_post(post_id)
            changed = _VERBS[verb](post, current_user.id)
            db.session.commit()
        if changed:
            log.info(events.POST_MARKED, post_id=post_id, verb=verb)
    except Repeated:
        pass  # what it is now is the answer in either case
    except Gone as gone:
        return taken_away(post_id, gone)
    if not wants_fragment():
        return redirect(f"{page_before()}#post-{post_id}", 303)
    return _controls(shown_post(post_id))


def _controls(post: Shown) -> str:
    return render_template("posts/_actions.html", post=post, role=role(post, g.viewer))


_VERBS = {"like": Post.like, "unlike": Post.unlike, "bookmark": Post.bookmark, "unbookmark": Post.unbookmark}
