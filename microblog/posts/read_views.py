"""Reading: one post with its conversation, what it said before, everybody's posts, a tag's, and what one has kept."""

from functools import partial

from flask import Response, abort, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from microblog.extensions import db, settings
from microblog.log.context import Told, note_told
from microblog.models import timeline
from microblog.models.columns import LARGEST
from microblog.models.conversation import Said, conversation, said_since
from microblog.models.errors import Gone
from microblog.models.post import Post
from microblog.models.post_text import is_tag, tag_key
from microblog.models.post_version import PostVersion
from microblog.posts import bp
from microblog.posts.drawing import post_html
from microblog.posts.write_views import taken_away
from microblog.web.access import login_required
from microblog.web.htmx import wants_fragment
from microblog.web.once import viewer_id
from microblog.web.pages import number
from microblog.web.posts import shown_post, visible_post
from microblog.web.timeline import Leaf, answer, length, otherwise, remembered


@bp.get("/explore")
def explore() -> ResponseReturnValue:
    def page(leaf: Leaf) -> str:
        return render_template("posts/explore.html", leaf=leaf)

    return answer(partial(timeline.explore, viewer_id()), page)


@bp.get("/tag/<tag>")
def tag(tag: str) -> ResponseReturnValue:
    """What is said about #tag; another spelling of it leads here."""
    key = tag_key(tag)
    if not is_tag(tag):
        abort(404)
    if key != tag:
        return redirect(url_for("posts.tag", tag=key), 301)

    def page(leaf: Leaf) -> str:
        return render_template("posts/tag.html", tag=tag, leaf=leaf)

    return answer(partial(timeline.tagged, key, viewer_id()), page)


@bp.get("/bookmarks")
@login_required
def bookmarks() -> ResponseReturnValue:
    def page(leaf: Leaf) -> str:
        return render_template("posts/bookmarks.html", leaf=leaf)

    return answer(partial(timeline.bookmarked_by, viewer_id() or 0), page)


@bp.get("/post/deleted")
@login_required
def deleted() -> ResponseReturnValue:
    """What the viewer has deleted, until it goes for good."""
    before, size = number("before"), settings().posts.page_size
    posts = db.session.scalars(Post.deleted_by(viewer_id() or 0, before or LARGEST).limit(size + 1)).all()
    more = url_for("posts.deleted", before=posts[size - 1].id) if len(posts) > size else ""
    return render_template("posts/deleted.html", posts=posts[:size], more=more, first=before is None)


@bp.get("/post/<int:post_id>")
def show(post_id: int) -> ResponseReturnValue:
    """The post between what it answers and the tree of its answers. Of one that was taken away a place: 410."""
    if wants_fragment() and "since" in request.args:
        return _otherwise(post_id)
    if wants_fragment() and "after" not in request.args:  # what Cancel brings back
        try:
            return post_html(shown_post(post_id))
        except Gone as gone:
            return taken_away(post_id, gone)
    after = number("after")
    limit = length(after)
    found = conversation(post_id, viewer_id(), limit=limit, after=after or 0)
    if found is None:
        abort(404)
    shown = (number("shown") or 0) + limit
    more = url_for("posts.show", post_id=post_id, after=found.after, shown=shown) if found.after else ""
    if wants_fragment():
        html = render_template("posts/_answers.html", answers=found.answers, more=more)
        return remembered(make_response(html), "after", shown)
    newer = url_for("posts.show", post_id=post_id, since=found.newest)
    html = render_template("posts/show.html", found=found, here=found.here, more=more, newer=newer, first=after is None)
    if found.here.readable:
        return make_response(html)
    note_told(Told(Gone.code, "page", found.here.words_for(g.viewer)))
    return make_response(html, Gone.status)


def _otherwise(post_id: int) -> Response:
    """For a conversation that stands open: what was said meanwhile, and what has changed; 204 for neither."""
    since, said = number("since") or 0, otherwise()
    fresh = said_since(post_id, since, viewer_id(), limit=settings().posts.page_size)
    if not said and not fresh:
        return Response(status=204)
    newer = url_for("posts.show", post_id=post_id, since=fresh[-1].id if fresh else since)
    answers = [Said(post) for post in fresh]
    return make_response(
        render_template("posts/heard.swaps.html", said=said, fresh=answers, post_id=post_id, newer=newer)
    )


@bp.get("/post/<int:post_id>/history")
def history(post_id: int) -> ResponseReturnValue:
    """The post as it is now, and below it the earlier versions, a page at a time."""
    post = visible_post(post_id)
    before, size, kept = number("before"), settings().posts.page_size, settings().posts.versions_kept
    older = PostVersion.of(post.id).where(PostVersion.id < (before or LARGEST))
    versions = db.session.scalars(older.limit(size + 1)).all()
    more = url_for("posts.history", post_id=post.id, before=versions[size - 1].id) if len(versions) > size else ""
    # The first version is as old as the post.
    gone = versions and not more and versions[-1].written_at > post.created_at
    return render_template(
        "posts/history.html",
        post=post,
        versions=versions[:size],
        more=more,
        kept=kept if gone else 0,
        first=before is None,
    )
