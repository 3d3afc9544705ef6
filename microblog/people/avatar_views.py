"""The picture of a member: an upload, or an identicon drawn here, so that no third party learns who reads whom."""

from dataclasses import asdict
from typing import BinaryIO, cast

import structlog
from flask import Response, abort, make_response, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from microblog.extensions import db, settings, writing
from microblog.log import events
from microblog.models.errors import Repeated
from microblog.models.user import User
from microblog.people import bp
from microblog.people.avatar_store import AvatarStore
from microblog.people.avatars import AvatarRefused, draw_avatar
from microblog.people.edit_views import Change, own_profile, saved
from microblog.people.identicon import identicon_svg
from microblog.web import once
from microblog.web.access import accepts_upload, login_required, refuse_foreign_form
from microblog.web.htmx import wants_fragment
from microblog.web.pages import sent_number

log = structlog.get_logger(__name__)

KEPT = "public, max-age=31536000, immutable"


def store() -> AvatarStore:
    """Where the pictures of this site are."""
    return AvatarStore(settings().data_dir / "avatars")


@bp.get("/avatar/<int:user_id>/<key>.webp")
def picture(user_id: int, key: str) -> ResponseReturnValue:
    path = store().path(user_id, key)
    if path is None or not path.is_file():
        abort(404)
    response = send_file(path, mimetype="image/webp")
    response.headers["Cache-Control"] = KEPT
    return response


@bp.get("/avatar/<seed>.svg")
def identicon(seed: str) -> ResponseReturnValue:
    response = Response(identicon_svg(seed[:60]), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = KEPT
    return response


@bp.get("/edit_profile/avatar")
@login_required
def edit_avatar() -> ResponseReturnValue:
    person = current_user
    if wants_fragment():
        return render_template("people/_avatar_edit.html", person=person, problem="")
    return render_template("people/profile.html", person=person, mine=True, editing="avatar", problem="")


def _set_before(first: Repeated) -> ResponseReturnValue:
    """The answer to a repeat of any of the three forms."""
    return saved(current_user, "avatar", Change(**first.kept), again=True)


@bp.post("/edit_profile/avatar")
@login_required
@once.repeats(_set_before)
@accepts_upload("avatar_max_bytes", field="avatar")
def save_avatar() -> ResponseReturnValue:
    person = current_user
    refuse_foreign_form()
    upload = request.files.get("avatar")
    if upload is None or not upload.filename:
        return _refused(person, "Choose a picture first.")
    try:
        drawn = draw_avatar(cast(BinaryIO, upload.stream), max_bytes=settings().profile.avatar_max_bytes)
    except AvatarRefused as refusal:
        log.info(events.AVATAR_REFUSED, rule=refusal.rule)
        return _refused(person, refusal.message)
    key = store().save(person.id, drawn)
    log.info(events.AVATAR_SAVED)
    return _set(key)


@bp.post("/edit_profile/avatar/remove")
@login_required
@once.repeats(_set_before)
def remove_avatar() -> ResponseReturnValue:
    refuse_foreign_form()
    log.info(events.AVATAR_REMOVED)
    return _set("")


@bp.post("/edit_profile/avatar/restore")
@login_required
@once.repeats(_set_before)
def restore_avatar() -> ResponseReturnValue:
    """Undo: the picture before, which is kept until the one after the next."""
    refuse_foreign_form()
    key = request.form.get("avatar", "")
    if key and not store().has(current_user.id, key):
        raise BadRequest("The earlier picture is no longer here. Upload it again.")
    return _set(key)


def _set(key: str) -> ResponseReturnValue:
    version = sent_number("version") or current_user.version
    with writing() as claim:
        person = own_profile()
        seen = max([version, *(kept["version"] for kept in claim.earlier())])  # one's own upload is no conflict
        change = Change(person.change({"avatar": key}, seen_version=seen), person.version)
        claim.keep(**asdict(change))
        db.session.commit()
    if change.before:
        store().prune(person.id, keep={key, change.before["avatar"]} - {""})
    return saved(person, "avatar", change)


def _refused(person: User, problem: str) -> ResponseReturnValue:
    if wants_fragment():
        html = render_template("people/_avatar_edit.html", person=person, problem=problem)
    else:
        html = render_template("people/profile.html", person=person, mine=True, editing="avatar", problem=problem)
    return make_response(html, 422)
