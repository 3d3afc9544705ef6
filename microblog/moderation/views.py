"""The desk of the moderators: what is reported, what to do about it, and what was done."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import structlog
from flask import abort, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload

from microblog.extensions import db, login_manager, writing
from microblog.log import events
from microblog.models.errors import NotForMembers, Repeated
from microblog.models.moderation import PAGE, REASONS, UNDO, Decision, ModerationAction, Report, cases
from microblog.models.post import Post
from microblog.models.user import User
from microblog.moderation import bp
from microblog.moderation.forms import DecisionForm
from microblog.web.access import safe_next
from microblog.web.dom import MAIN
from microblog.web.htmx import leave_to_path, wants_fragment
from microblog.web.messages import log_refusals
from microblog.web.pages import number, sent_number
from microblog.web.toasts import Back, Toast, keep_for_next_page

log = structlog.get_logger(__name__)

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

SAID = {
    "dismiss": "Dismissed: nothing has to be done.",
    "hide": "The post is hidden.",
    "unhide": "The post is shown again.",
    "suspend": "The account is suspended and signed out everywhere.",
    "lift": "The suspension is lifted.",
}
ABOUT_PERSON, ABOUT_POST = {"dismiss", "suspend", "lift"}, {"dismiss", "hide", "unhide", "suspend"}


def for_moderators(view: View) -> View:
    """Strangers sign in first, other members are refused."""

    @wraps(view)
    def guarded(*args: object, **values: object) -> ResponseReturnValue:
        if g.viewer is None:
            return login_manager.unauthorized()  # type: ignore[no-any-return]
        if not g.viewer.moderates:
            raise NotForMembers("Only moderators of this site may see this page.")
        return view(*args, **values)

    return guarded  # type: ignore[return-value]


@bp.get("/moderation")
@for_moderators
def queue() -> ResponseReturnValue:
    """What nobody has decided yet, by subject, the oldest first."""
    after = number("after")
    found, more = cases(after or 0)
    for case in found:
        if case.post and case.is_readable:
            note_reading(case.post, case.reports[0])
    return render_template("moderation/queue.html", cases=found, more=more, reasons=REASONS, first=after is None)


@bp.get("/moderation/log")
@for_moderators
def trail() -> ResponseReturnValue:
    """Every decision there ever was."""
    statement = ModerationAction.trail().limit(PAGE + 1)
    if (below := number("before")) is not None:
        statement = statement.where(ModerationAction.id < below)
    rows = db.session.execute(statement).all()
    more = rows[PAGE - 1][0].id if len(rows) > PAGE else 0
    return render_template("moderation/trail.html", rows=rows[:PAGE], more=more)


@bp.get("/moderation/user/<int:user_id>")
@for_moderators
def user(user_id: int) -> ResponseReturnValue:
    """One member: suspend them, or lift it; and what was decided about them before."""
    person = known_person(user_id)
    rows = db.session.execute(ModerationAction.trail(user_id=person.id).limit(PAGE)).all()
    return render_template("moderation/user.html", person=person, rows=rows)


@bp.get("/moderation/post/<int:post_id>")
@for_moderators
def post(post_id: int) -> ResponseReturnValue:
    """One post, hidden or not: hide it, or show it again."""
    found = known_post(post_id)
    report = Report.oldest(found) if found.deleted_at else None
    if readable := Report.opens(found, report):
        note_reading(found, report)
    return render_template("moderation/post.html", post=found, person=found.author, readable=readable)


def note_reading(post: Post, report: Report | None) -> None:
    """Write down that a moderator reads what its author has deleted, and by which report."""
    if post.deleted_at and report:
        log.info(events.MODERATION_VIEWED, post_id=post.id, report_id=report.id)


def known_person(user_id: int) -> User:
    """Any member, also a suspended one. Raises 404."""
    person: User | None = db.session.get(User, user_id)
    return person or abort(404, "This member is not here any more.")


def known_post(post_id: int) -> Post:
    """Any post, also a hidden one, with its author. Raises 404."""
    found: Post | None = db.session.get(Post, post_id, options=[joinedload(Post.author)])
    return found or abort(404, "This post is not here any more.")


@bp.post("/moderation/user/<int:user_id>/<verb>")
@for_moderators
def decide_about_user(user_id: int, verb: str) -> ResponseReturnValue:
    return _decided(verb if verb in ABOUT_PERSON else abort(404), lambda: (known_person(user_id), None))


@bp.post("/moderation/post/<int:post_id>/<verb>")
@for_moderators
def decide_about_post(post_id: int, verb: str) -> ResponseReturnValue:
    def subject() -> tuple[User, Post]:
        found = known_post(post_id)
        return found.author, found

    return _decided(verb if verb in ABOUT_POST else abort(404), subject)


def _decided(verb: str, subject: Callable[[], tuple[User, Post | None]]) -> ResponseReturnValue:
    """Do it, write it down, and leave to where it was asked for; from the queue, the case becomes what was decided."""
    form, until = DecisionForm(), sent_number("until")
    undo = "undo" in request.form
    if not form.validate():
        log_refusals("decision", form)
        abort(422, "The reason is too long, or holds a character that cannot be shown.")
    try:
        with writing():
            person, about = subject()
            decision = Decision(g.viewer, person, about, form.note.data, until, undo)
            changed = getattr(decision, verb)()
            db.session.commit()
    except Repeated:
        (person, about), changed = subject(), False
    if changed:
        log.info(events.MODERATION_DECIDED, action=verb, other_id=person.id, post_id=about.id if about else None)
    return _answer(verb, person, about, changed)


def _answer(verb: str, person: User, about: Post | None, changed: bool) -> ResponseReturnValue:
    subject = f"/moderation/post/{about.id}" if about else f"/moderation/user/{person.id}"
    next_path = safe_next(request.form.get("next")) or subject
    toast = Toast("It is so already.", kind="note")
    if changed:
        # What was undone stands in the queue again, where it is decided anew.
        undo = UNDO.get(verb) if "undo" not in request.form else None
        # Who is suspended for a post is let in again as a person.
        address = f"/moderation/user/{person.id}/{undo}" if verb == "suspend" else f"{subject}/{undo}"
        toast = Toast(SAID[verb], back=Back(address, MAIN, {"next": next_path, "undo": "1"}) if undo else None)
    case = sent_number("case")
    if wants_fragment() and case:
        return make_response(
            render_template("moderation/decided.swaps.html", case=case, said=SAID[verb], person=person, toast=toast)
        )
    keep_for_next_page(toast)
    return leave_to_path(next_path)
