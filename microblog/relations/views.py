"""Follow, block, mute, and taking each back: six buttons, each of which may be pressed twice."""

from collections.abc import Callable

import structlog
from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from microblog.extensions import db, writing
from microblog.log import events
from microblog.models import relations
from microblog.models.errors import Repeated
from microblog.models.relation import Bond
from microblog.models.user import User
from microblog.relations import bp
from microblog.web.access import login_required, safe_next
from microblog.web.dom import MAIN
from microblog.web.htmx import leave_to_path, wants_fragment
from microblog.web.members import other_member
from microblog.web.toasts import Back, Toast, keep_for_next_page

log = structlog.get_logger(__name__)

Verb = Callable[[int, User], bool]


def _change(username: str, verb: Verb) -> tuple[User, bool]:
    """Do it, once; the member, and whether anything changed."""
    try:
        with writing():
            person = other_member(username, request.form.get("whom", ""))
            changed = verb(current_user.id, person)
            db.session.commit()
    except Repeated:  # by number: since then the name may be another's, and who was unblocked may block the viewer
        return db.session.get(User, int(request.form["whom"])) or abort(404), False
    if changed:
        log.info(events.RELATION_CHANGED, verb=verb.__name__, other_id=person.id)
    return person, changed


# Following changes a button, in place.


@bp.post("/user/<username>/follow")
@login_required
def follow(username: str) -> ResponseReturnValue:
    person, _ = _change(username, relations.follow)
    return _followed(person, follows=True)


@bp.post("/user/<username>/unfollow")
@login_required
def unfollow(username: str) -> ResponseReturnValue:
    person, _ = _change(username, relations.unfollow)
    return _followed(person, follows=False)


def _followed(person: User, *, follows: bool) -> ResponseReturnValue:
    if not wants_fragment():
        verb = "You follow" if follows else "You no longer follow"
        keep_for_next_page(Toast(f"{verb} {person.name}."))
        return leave_to_path(_back_to(person))
    columns = Bond.columns(User.id, current_user.id)
    bond = Bond(*db.session.execute(select(*columns).where(User.id == person.id)).one())
    return render_template("relations/followed.swaps.html", person=person, bond=bond, next=_back_to(person))


# The others change what is seen of a member everywhere, so the page is drawn anew.


@bp.post("/user/<username>/block")
@login_required
def block(username: str) -> ResponseReturnValue:
    person, changed = _change(username, relations.block)
    return _met(person, changed, f"{person.name} is blocked.", "You no longer meet here.", "unblock")


@bp.post("/user/<username>/unblock")
@login_required
def unblock(username: str) -> ResponseReturnValue:
    """By the button, or by the Undo of a block: that brings back the follows too."""
    again, verb = "You may follow each other again.", relations.unblock
    if "undo" in request.form:
        again, verb = "All is as it was before.", relations.undo_block
    person, changed = _change(username, verb)
    return _met(person, changed, f"{person.name} is not blocked any more.", again, "block")


@bp.post("/user/<username>/mute")
@login_required
def mute(username: str) -> ResponseReturnValue:
    person, changed = _change(username, relations.mute)
    text = "Not in your timeline and notifications any more. Nobody is told."
    return _met(person, changed, f"{person.name} is muted.", text, "unmute")


@bp.post("/user/<username>/unmute")
@login_required
def unmute(username: str) -> ResponseReturnValue:
    person, changed = _change(username, relations.unmute)
    return _met(person, changed, f"{person.name} is not muted any more.", "", "mute")


def _met(person: User, changed: bool, title: str, text: str, undo: str) -> ResponseReturnValue:
    path = _back_to(person)
    if changed:
        address = url_for(f"relations.{undo}", username=person.username)
        values = {"whom": str(person.id), "next": path, "undo": "1"}
        keep_for_next_page(Toast(title, text, back=Back(address, MAIN, values)))
    else:
        keep_for_next_page(Toast("It is so already.", kind="note"))
    return leave_to_path(path)


def _back_to(person: User) -> str:
    return safe_next(request.form.get("next")) or url_for("people.profile", username=person.username)
