"""Writing: a new post, an answer, a change, taking away and bringing back."""

import json
import re

import structlog
from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from microblog.extensions import db, writing
from microblog.log import events
from microblog.log.context import Told, note_told
from microblog.models import timeline
from microblog.models.conversation import Said
from microblog.models.errors import Gone, NotYours, Repeated, Stale
from microblog.models.post import YOU_DELETED, Post
from microblog.posts import bp
from microblog.posts.drawing import role
from microblog.posts.forms import PostForm
from microblog.web import dom
from microblog.web.access import came_from, login_required, refuse_foreign_form, this_page
from microblog.web.htmx import leave_to_path, put, refused, wants_fragment
from microblog.web.messages import log_refusals
from microblog.web.posts import own_post, shown_post, visible_post
from microblog.web.toasts import Back, Toast, keep_for_next_page

log = structlog.get_logger(__name__)

KEPT_FOR_YOU = (
    "It is kept for 30 days in case you want it back. Only you can see it. "
    "If it was reported before, moderators can still read it until the report is closed."
)


def page_before() -> str:
    """The page of ours whose button was pressed."""
    return came_from(request) or "/"


# A new one


@bp.get("/post")
@login_required
def compose() -> ResponseReturnValue:
    return render_template("posts/compose.html", form=None, reply_to=None)


@bp.get("/post/<int:post_id>/reply")
@login_required
def reply(post_id: int) -> ResponseReturnValue:
    try:
        post = visible_post(post_id)
    except Gone as gone:
        return taken_away(post_id, gone)
    if wants_fragment():
        return render_template("posts/_composer.html", form=None, reply_to=post_id)
    return render_template("posts/compose.html", form=None, reply_to=post)


@bp.post("/post")
@login_required
def write() -> ResponseReturnValue:
    return _write(None)


@bp.post("/post/<int:post_id>/reply")
@login_required
def write_reply(post_id: int) -> ResponseReturnValue:
    return _write(post_id)


def _write(reply_to: int | None) -> ResponseReturnValue:
    refuse_foreign_form()
    form = PostForm()
    if not form.validate():
        log_refusals("post", form)
        answered = visible_post(reply_to) if reply_to and not wants_fragment() else reply_to
        return refused("posts/_composer.html", "posts/compose.html", form=form, reply_to=answered)
    again = False
    try:
        with writing() as claim:
            answered = visible_post(reply_to) if reply_to else None
            Post.pace(current_user.id)
            post = Post.write(current_user, form.text.data, language=form.language.data, reply_to=answered)
            post_id = post.id
            claim.keep(id=post_id)
            db.session.commit()
    except Repeated as first:
        post_id, again = first.kept["id"], True
    if not again:
        log.info(events.POST_WRITTEN, post_id=post_id, reply=reply_to is not None)
    return _written(post_id, reply_to, again=again)


def _written(post_id: int, reply_to: int | None, *, again: bool) -> ResponseReturnValue:
    """What follows a new post: it stands where it belongs, and the form is empty again."""
    toast = Toast("Posted." if not again else "It is posted already.", kind="success" if not again else "note")
    here = this_page()
    in_place = not here.endswith("/reply") if reply_to else here == "/"  # else the form had a page of its own
    if not (wants_fragment() and in_place):
        keep_for_next_page(toast)
        return leave_to_path(url_for("posts.show", post_id=reply_to) if reply_to else "/")
    posts = {post.id: post for post in timeline.some([post_id, reply_to or post_id], current_user.id)}
    post, inside = posts.get(post_id), here == f"/post/{reply_to}"
    in_thread = reply_to and re.fullmatch("/post/[0-9]+", here)
    response = make_response(
        render_template(
            "posts/written.swaps.html",
            post=post,
            said=Said(post) if post and in_thread else None,
            parent=posts.get(reply_to or 0),
            role=role,
            reply_to=reply_to,
            inside=inside,
            toast=toast,
        )
    )
    response.headers["HX-Reswap"] = "outerHTML"  # the form that was sent goes; there is nothing to morph
    return response


# A change


@bp.route("/post/<int:post_id>/edit", methods=["GET", "POST"])
@login_required
def edit(post_id: int) -> ResponseReturnValue:
    """The author's own post as a form, in its place; opened by hand, a page."""
    if request.method == "POST":
        return _save(post_id)
    try:
        post = visible_post(post_id)
    except Gone as gone:
        return taken_away(post_id, gone)
    if post.author_id != current_user.id:
        raise NotYours("Only its author can change a post.")
    form = PostForm(formdata=None, obj=post)
    template = "posts/_edit.html" if wants_fragment() else "posts/edit.html"
    return render_template(template, post=post, form=form, conflict=False)


def _save(post_id: int) -> ResponseReturnValue:
    refuse_foreign_form()
    form = PostForm()
    if not form.validate():
        log_refusals("post", form)
        return _again(post_id, form, 422)
    try:
        with writing() as claim:
            post = own_post(post_id)
            # What this very form saved before, its answer lost on the way, is nobody's conflict.
            seen = max([form.version.data or 0, *(kept["version"] for kept in claim.earlier())])
            changed = post.edit(form.text.data, language=form.language.data, seen_version=seen)
            version = post.version
            claim.keep(version=version)
            db.session.commit()
    except Repeated as first:
        changed, version = True, first.kept["version"]
    except Stale:
        log.info(events.POST_CONFLICTED, post_id=post_id)
        return _again(post_id, form, 409)
    except Gone as gone:
        if form.text.data:
            raise  # a note: what was typed stays where it is
        return taken_away(post_id, gone)
    else:
        if changed:
            log.info(events.POST_EDITED, post_id=post_id)
    toast = Toast("Saved.") if changed else Toast("It says so already.", kind="note")
    if not wants_fragment():
        keep_for_next_page(toast)
        return leave_to_path(url_for("posts.show", post_id=post_id))
    response = make_response(render_template("posts/changed.swaps.html", post=shown_post(post_id), toast=toast))
    response.headers["HX-Reswap"] = "outerHTML"
    carried = {"field": dom.post_id(post_id), "version": version, "was": {}}
    response.headers["HX-Trigger"] = json.dumps({"field:saved": carried})
    return response


def _again(post_id: int, form: PostForm, status: int) -> ResponseReturnValue:
    """The same form, with what was typed; at 409 with what the post says now beside it."""
    post = visible_post(post_id)
    if post.author_id != current_user.id:
        raise NotYours("Only its author can change a post.")
    if status == 409:
        form.version.data = post.version
    template = "posts/_edit.html" if wants_fragment() else "posts/edit.html"
    return make_response(render_template(template, post=post, form=form, conflict=status == 409), status)


# Taking away, and bringing back


@bp.post("/post/<int:post_id>/delete")
@login_required
def delete(post_id: int) -> ResponseReturnValue:
    refuse_foreign_form()
    try:
        with writing():
            changed = own_post(post_id, deleted=True).delete()
            db.session.commit()
        if changed:
            log.info(events.POST_DELETED, post_id=post_id)
    except Repeated:
        pass
    undo = Back(url_for("posts.restore", post_id=post_id), dom.post_id(post_id), {})
    toast = Toast("Post deleted.", KEPT_FOR_YOU, back=undo)
    if not wants_fragment():
        keep_for_next_page(toast)
        before = page_before()
        return redirect("/" if before.startswith(f"/post/{post_id}") else before, 303)
    told = {"words": YOU_DELETED, "toast": toast, "back": True}
    response = make_response(render_template("posts/gone.swaps.html", post_id=post_id, **told))
    response.headers.update({"HX-Retarget": f"#{dom.post_id(post_id)}", "HX-Reswap": "outerHTML"})
    return response


@bp.post("/post/<int:post_id>/restore")
@login_required
def restore(post_id: int) -> ResponseReturnValue:
    """Undo of a deletion."""
    try:
        with writing():
            changed = own_post(post_id, deleted=True).restore()
            db.session.commit()
        if changed:
            log.info(events.POST_RESTORED, post_id=post_id)
    except Repeated:
        pass
    toast = Toast("The post is back.")
    if not wants_fragment():
        keep_for_next_page(toast)
        return redirect(url_for("posts.show", post_id=post_id), 303)
    return render_template("posts/changed.swaps.html", post=shown_post(post_id), toast=toast)


def taken_away(post_id: int, gone: Gone) -> ResponseReturnValue:
    """410 for a control of a post that is gone meanwhile: the place where it stood. Raises `gone` for a page."""
    if not wants_fragment():
        raise gone
    toast = Toast("This is gone", gone.message, kind="error", reference=request.environ.get("microblog.reference", ""))
    note_told(Told(gone.code, "fragment", f"{toast.title}. {gone.template}"))
    told = {"words": gone.message, "toast": toast, "back": gone.may_return}
    html = render_template("posts/gone.swaps.html", post_id=post_id, **told)
    response = put(html, dom.post_id(post_id), "outerHTML")
    response.status_code = 410
    return response
