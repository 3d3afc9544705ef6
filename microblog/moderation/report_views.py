"""Telling the moderators about a member or a post."""

from dataclasses import dataclass

import structlog
from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from microblog.extensions import db, writing
from microblog.log import events
from microblog.models.errors import DomainError, Repeated
from microblog.models.moderation import REASONS, Report
from microblog.models.post import Post
from microblog.models.user import User
from microblog.moderation import bp
from microblog.moderation.forms import NOTE_MAX, ReportForm
from microblog.web.access import login_required, refuse_foreign_form
from microblog.web.htmx import leave_to_path, refused
from microblog.web.members import known_user
from microblog.web.messages import log_refusals
from microblog.web.posts import reportable_post
from microblog.web.toasts import Toast, keep_for_next_page

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Subject:
    """A member, or a post of theirs; `name` and `back` are for whoever reports it.

    Not `shown` is what a block keeps from them. They report it all the same, and read nothing of it.
    """

    person: User
    post: Post | None
    shown: bool
    name: str
    back: str


@bp.route("/user/<username>/report", methods=["GET", "POST"])
@login_required
def report_person(username: str) -> ResponseReturnValue:
    person = known_user(username)
    if person.bond and person.bond.shuts_out:
        return _report(Subject(person, None, shown=False, name=f"@{username}", back="/"))
    back = url_for("people.profile", username=person.username)
    return _report(Subject(person, None, shown=True, name=person.name, back=back))


@bp.route("/post/<int:post_id>/report", methods=["GET", "POST"])
@login_required
def report_post(post_id: int) -> ResponseReturnValue:
    post, shown = reportable_post(post_id)
    name, back = (post.author.name, f"/post/{post.id}") if shown else ("", "/")
    return _report(Subject(post.author, post, shown, name, back))


def _report(subject: Subject) -> ResponseReturnValue:
    person, post = subject.person, subject.post
    if person.id == current_user.id:
        raise DomainError("This is yourself: it only works with other members.")
    form = ReportForm()
    context = {"form": form, "subject": subject, "address": request.path, "note_max": NOTE_MAX, "reasons": REASONS}
    if request.method == "GET":
        return render_template("moderation/report.html", **context)
    refuse_foreign_form()
    if not form.validate():
        log_refusals("report", form)
        return refused("moderation/_report_form.html", "moderation/report.html", **context)
    try:
        with writing():
            filed = Report.file(current_user.id, person, post, reason=form.reason.data, note=form.note.data)
            db.session.commit()
    except Repeated:
        filed = False
    if filed:
        log.info(events.REPORT_FILED, other_id=person.id, post_id=post.id if post else None)
        keep_for_next_page(Toast("Reported.", "A moderator will look at it. Nobody else learns who reported it."))
    else:
        keep_for_next_page(Toast("You have reported this already.", "A moderator will look at it.", kind="note"))
    return leave_to_path(subject.back)
