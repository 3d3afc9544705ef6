"""Editing one's own profile: each field in place, or all of them on a page."""

import json
from dataclasses import asdict, dataclass

import structlog
from flask import abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from microblog.extensions import db, writing
from microblog.log import events
from microblog.models.errors import Repeated, Stale, Taken
from microblog.models.user import User
from microblog.people import bp
from microblog.people.fields import FIELDS, Field
from microblog.people.forms import ProfileForm, as_saved, digest
from microblog.web import once
from microblog.web.access import login_required, refuse_foreign_form
from microblog.web.htmx import leave_to, refused, wants_fragment
from microblog.web.messages import log_refusals, message
from microblog.web.toasts import Back, Toast, Undo, keep_for_next_page

log = structlog.get_logger(__name__)


def known_field(name: str) -> Field:
    """The field called `name`. Raises 404."""
    if name not in FIELDS:
        abort(404)
    return FIELDS[name]


def own_profile() -> User:
    """The viewer's own row, locked for the change. Needs `writing`. Raises 404 where the member is gone."""
    own = select(User).where(User.id == current_user.id).with_for_update()
    # PostgreSQL waits here for whoever is faster; what they wrote must replace what was loaded to know the viewer.
    person: User | None = db.session.scalar(own, execution_options={"populate_existing": True})
    return person if person is not None else abort(404)


@dataclass(frozen=True)
class Change:
    """What a save did: each changed field with its value before, and the version that it made. Kept for a repeat."""

    before: dict[str, str]
    version: int


def _change(form: ProfileForm) -> tuple[User, Change]:
    """Save what was touched. Raises Taken and Stale, and Repeated where this very form did it before."""
    with writing() as claim:
        person = own_profile()
        values, seen = form.since(claim)
        change = Change(person.change(values, seen_version=seen), person.version)
        claim.keep(**asdict(change))
        db.session.commit()
    return person, change


@bp.get("/edit_profile/<field>")
@login_required
def edit_field(field: str) -> ResponseReturnValue:
    """The editor of one field; opened by hand, the profile with that field open."""
    chosen, person = known_field(field), current_user
    form = ProfileForm.only(field, person)
    if wants_fragment():
        return render_template("people/_field_edit.html", person=person, field=chosen, form=form, conflict=None)
    return render_template("people/profile.html", person=person, mine=True, editing=chosen, form=form, conflict=None)


@bp.post("/edit_profile/<field>/check")
@login_required
def check_field(field: str) -> ResponseReturnValue:
    """The verdict on what is being typed."""
    known_field(field)
    form = ProfileForm.only(field, current_user)
    renamed = field == "username" and form.username.data != current_user.username
    return message(form, field, fine="This name is free." if renamed else "")


def _field_saved_before(first: Repeated, field: str) -> ResponseReturnValue:
    return saved(current_user, field, Change(**first.kept), again=True)


@bp.post("/edit_profile/<field>")
@login_required
@once.repeats(_field_saved_before)
def save_field(field: str) -> ResponseReturnValue:
    chosen, person = known_field(field), current_user
    refuse_foreign_form()
    form = ProfileForm.only(field, person)
    if not form.validate():
        log_refusals("profile", form)
        return _again(chosen, form, 422)
    try:
        person, change = _change(form)
    except Taken as taken:
        log.info(events.NAME_TAKEN, form="profile")
        form[field].errors = [taken.message]
        return _again(chosen, form, 422)
    except Stale:
        log.info(events.PROFILE_CONFLICTED, field=field)
        return _again(chosen, form, 409)
    return saved(person, field, change)


def saved(person: User, field: str, change: Change, *, again: bool = False) -> ResponseReturnValue:
    """What follows a change: the field as it is now, and a toast with Undo; the same where the form arrived `again`."""
    before = change.before
    undone = "undo" in request.form
    label = FIELDS[field].label if field in FIELDS else "Picture"
    toast = Toast(f"{label} {'put back' if undone else 'saved'}.")
    if before and not again:
        log.info(events.PROFILE_UNDONE if undone else events.PROFILE_SAVED, field=field, version=change.version)
        if field == "username":
            log.info(events.USER_RENAMED)
    if before:
        toast = Toast(toast.title, undo=None if undone else Undo(field, before[field], change.version))
    else:
        toast = Toast(f"{label} is saved already.", kind="note")
    if not wants_fragment():
        keep_for_next_page(toast)
        return leave_to("people.profile", username=person.username)
    response = make_response(
        render_template(
            "people/saved.swaps.html", person=person, viewer=person.viewer, field=FIELDS.get(field), toast=toast
        )
    )
    response.headers["HX-Reswap"] = "outerHTML"  # the editor goes; there is nothing to morph
    # The editor may have been typed into since: then it stays open, and goes on from this version.
    carried = {"field": field, **as_saved(person, field), "version": change.version}
    response.headers["HX-Trigger"] = json.dumps({"field:saved": carried})
    if field == "username":
        response.headers["HX-Replace-Url"] = url_for("people.profile", username=person.username)
    return response


def _again(field: Field, form: ProfileForm, status: int) -> ResponseReturnValue:
    """The same form, with what was typed; at 409 with what was saved meanwhile beside it."""
    person = form.person
    conflict = person.last_edit(field.name) if status == 409 else None
    if conflict:
        form.rebase()
    if wants_fragment():
        html = render_template("people/_field_edit.html", person=person, field=field, form=form, conflict=conflict)
    else:
        html = render_template(
            "people/profile.html", person=person, mine=True, editing=field, form=form, conflict=conflict
        )
    return make_response(html, status)


def _profile_saved_before(first: Repeated) -> ResponseReturnValue:
    return _profile_saved(current_user, Change(**first.kept), again=True)


@bp.route("/edit_profile", methods=["GET", "POST"])
@login_required
@once.repeats(_profile_saved_before)
def edit_profile() -> ResponseReturnValue:
    """All fields on one page."""
    person = current_user
    form = ProfileForm(person)
    if request.method == "GET":
        return render_template("people/edit_profile.html", form=form, person=person, conflicts={})
    refuse_foreign_form()
    if not form.validate():
        log_refusals("profile", form)
        return refused("people/_edit_form.html", "people/edit_profile.html", form=form, person=person, conflicts={})
    try:
        person, change = _change(form)
    except Taken as taken:
        log.info(events.NAME_TAKEN, form="profile")
        form.username.errors = [taken.message]
        return refused("people/_edit_form.html", "people/edit_profile.html", form=form, person=person, conflicts={})
    except Stale:
        log.info(events.PROFILE_CONFLICTED, field="")
        return _conflicts(form)
    return _profile_saved(person, change)


def _profile_saved(person: User, change: Change, *, again: bool = False) -> ResponseReturnValue:
    """Lead to the profile, with a toast that has Undo. A repeat of the form (`again`) gets the same answer."""
    undone = "undo" in request.form
    for field in () if again else change.before:
        log.info(events.PROFILE_UNDONE if undone else events.PROFILE_SAVED, field=field, version=change.version)
    if not change.before:
        toast = Toast("Nothing was changed.", kind="note")
    elif undone:
        toast = Toast("Profile put back.")
    else:
        toast = Toast("Profile saved.", back=_back(person, change))
    keep_for_next_page(toast)
    response = leave_to("people.profile", username=person.username)
    if wants_fragment():  # typed into since, the form stays open too
        response.headers["HX-Trigger"] = json.dumps(
            {"profile:saved": as_saved(person, *FIELDS) | {"version": change.version}}
        )
    return response


def _back(person: User, change: Change) -> Back:
    """Undo of a whole page: the form again, with what the changed fields held before; a page too where it conflicts."""
    was = {f"was_{name}": digest(getattr(person, name)) for name in change.before}
    return Back(url_for("people.edit_profile"), "", change.before | was | {"version": str(change.version), "undo": "1"})


def _conflicts(form: ProfileForm) -> ResponseReturnValue:
    """409: the whole form, with both texts beside each field that was changed elsewhere since it was opened."""
    person, seen = form.person, form.seen_version
    conflicts = {
        name: edit
        for name, value in form.values.items()
        if (edit := person.last_edit(name)) and edit.version > seen and getattr(person, name) != value
    }
    form.rebase()
    template = "people/_edit_form.html" if wants_fragment() else "people/edit_profile.html"
    return make_response(render_template(template, form=form, person=person, conflicts=conflicts), 409)
