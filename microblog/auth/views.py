"""Sign up, sign in, sign out."""

import json
from contextlib import suppress
from datetime import timedelta

import structlog
from flask import Response, make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import NotFound

from microblog.auth import bp
from microblog.auth.forms import HERE, LoginForm, RegistrationForm
from microblog.auth.sessions import sign_in
from microblog.extensions import db, settings, writing
from microblog.log import events, metrics
from microblog.models import passwords, throttle
from microblog.models.errors import Repeated, Taken, TooFast
from microblog.models.session import Session
from microblog.models.user import NAME_TAKEN, User
from microblog.models.usernames import username_key
from microblog.web import once
from microblog.web.access import refuse_suspended, safe_next
from microblog.web.htmx import leave_to, leave_to_path, refused, wants_fragment
from microblog.web.kept import SIGN_IN, Kept, carried
from microblog.web.messages import log_refusals, message
from microblog.web.pages import number
from microblog.web.toasts import Toast, keep_for_next_page

log = structlog.get_logger(__name__)

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
NETWORK_FACTOR = 5
"""Wrong passwords from one network may be this many times those for one name: people share an address."""

WRONG = "Username or password is wrong."


@bp.get("/register")
def register() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return leave_to("people.profile", username=current_user.username)
    return render_template("auth/register.html", form=RegistrationForm(next=request.args.get("next", "")))


def _registered_before(first: Repeated) -> ResponseReturnValue | None:
    """The member whom this very form has made, signed in again: their answer, and the cookie with it, was lost.

    None where the password is another one: such a try is counted as it is at the sign-in. Raises TooFast.
    """
    form, user = RegistrationForm(), db.session.get(User, first.kept["user_id"])
    if user is None:
        return None
    tries = _tries(user.username)
    if not passwords.verify(user.password_hash, form.password.data):
        _count_wrong(*tries)
        return None
    refuse_suspended(user)
    with writing(claims=False):
        sign_in(user, remember=False, claim=first.claim, salt=first.kept["salt"])
        db.session.commit()
    return _welcome(form, user)


@bp.post("/register")
@once.repeats(_registered_before)
def create_account() -> ResponseReturnValue:
    form = RegistrationForm()
    address = f"register:{request.remote_addr}"
    throttle.check(
        address, limit=settings().security.registrations, message="Many accounts were made from your network."
    )
    if not form.validate():
        log_refusals("registration", form)
        return refused("auth/_register_form.html", "auth/register.html", form=form)
    password_hash = passwords.hash_password(form.password.data)  # slow on purpose, so before the lock
    try:
        with writing() as claim:
            user = User.register(username=form.username.data, email=form.email.data, password_hash=password_hash)
            user.time_zone = form.time_zone.data or ""
            throttle.count(address, window=HOUR)
            db.session.flush()
            sign_in(user, remember=False, claim=claim)
            db.session.commit()
    except Repeated:
        pass  # refused here like any other; `_registered_before` has the better answer
    except Taken:
        log.info(events.NAME_TAKEN, form="registration")
    else:
        log.info(events.USER_REGISTERED, user_id=user.id)
        return _welcome(form, user)
    form.username.errors = [NAME_TAKEN]
    return refused("auth/_register_form.html", "auth/register.html", form=form)


def _welcome(form: RegistrationForm, user: User) -> ResponseReturnValue:
    keep_for_next_page(Toast(f"Welcome, {user.username}.", "This is your profile: tell people who you are."))
    return leave_to_path(safe_next(form.next.data) or url_for("people.profile", username=user.username))


@bp.post("/register/check/<field>")
def check_registration(field: str) -> ResponseReturnValue:
    """The verdict on one field while it is typed; the same rules as when it is sent."""
    if field not in {"username", "email", "password"}:
        raise NotFound
    form = RegistrationForm()
    return message(form, field, fine="This name is free." if field == "username" else "")


@bp.get("/login")
def login() -> ResponseReturnValue:
    target = request.args.get("next", "")
    if wants_fragment():
        return _sign_in_here()
    if current_user.is_authenticated:
        return leave_to_path(safe_next(target) or url_for("people.profile", username=current_user.username))
    return render_template("auth/login.html", form=LoginForm(next=target))


def _sign_in_here() -> ResponseReturnValue:
    """The form for a dialog over the page of the member `person`; nothing to sign in for where that is who asks."""
    person = number("person")
    owner = db.session.get(User, person) if person else None
    if current_user.is_authenticated and (owner is None or owner.id == current_user.id):
        return _signed_in_here(current_user)
    form = LoginForm(prefix=HERE, username=owner.username if owner else "")
    response = make_response(render_template("auth/_sign_in.html", form=form, owner=owner))
    # The cookie, and with it the token of the page below, may have gone with the session.
    response.headers["HX-Trigger"] = json.dumps({"csrf:renewed": {"token": generate_csrf()}})
    return response


def _signed_in_here(user: User) -> Response:
    """The page below goes on: with a new token, the member's own navigation, and what it was asked for."""
    response = make_response(render_template("auth/signed_in.swaps.html", viewer=user.viewer))
    started = {"person": user.id, "username": user.username}
    events_there = {"csrf:renewed": {"token": generate_csrf()}, "session:started": started}
    response.headers["HX-Trigger"] = json.dumps(events_there)
    return response


@bp.post("/login")
def start_session() -> ResponseReturnValue:
    kept = carried()
    form = LoginForm(prefix=SIGN_IN if kept else HERE if f"{HERE}username" in request.form else "")
    if not form.validate():
        log_refusals("sign_in", form)
        if kept:
            return make_response(render_template("auth/go_on.html", kept=kept, form=form), 422)
        return refused("auth/_login_form.html", "auth/login.html", form=form)
    name, network = _tries(form.username.data)
    user = db.session.scalar(User.named(form.username.data))
    right = (
        passwords.verify(user.password_hash, form.password.data)
        if user
        else passwords.verify_nobody(form.password.data)
    )
    if user is None or not right:
        return _wrong_password(form, kept, name, network)
    refuse_suspended(user)
    new_hash = passwords.hash_password(form.password.data) if passwords.needs_rehash(user.password_hash) else None
    try:
        with writing() as claim:
            throttle.forget(name)
            if new_hash:
                user.password_hash = new_hash
            sign_in(user, remember=form.remember.data, claim=claim)
            db.session.commit()
        log.info(events.SIGN_IN_SUCCEEDED, user_id=user.id, remember=form.remember.data)
    except Repeated as first:
        with writing(claims=False):
            sign_in(user, remember=form.remember.data, claim=first.claim, salt=first.kept["salt"])
            db.session.commit()
    if kept:  # sent only once its sender has seen it: somebody else may have signed in
        return render_template("auth/go_on.html", kept=kept.signed_in(), form=None)
    if form.here and wants_fragment():
        return _signed_in_here(user)
    return leave_to_path(safe_next(form.next.data) or url_for("people.profile", username=user.username))


def _tries(username: str) -> tuple[str, str]:
    """Where wrong passwords are counted: for the name, and for the network. Raises TooFast after too many."""
    name, network = f"login:{username_key(username)[:60]}", f"login-from:{request.remote_addr}"
    limit = settings().security.login_attempts
    _throttle(name, limit=limit, message="There were too many wrong passwords for this name.")
    _throttle(network, limit=limit * NETWORK_FACTOR, message="There were too many wrong passwords from your network.")
    return name, network


def _count_wrong(*keys: str) -> None:
    with writing(claims=False):
        for key in keys:
            throttle.count(key, window=QUARTER)
        db.session.commit()
    log.warning(events.SIGN_IN_FAILED)
    metrics.sign_in_failed()


def _throttle(key: str, *, limit: int, message: str) -> None:
    """Raises TooFast after too many wrong passwords."""
    try:
        throttle.check(key, limit=limit, message=message)
    except TooFast as refusal:
        log.warning(events.SIGN_IN_THROTTLED, scope=key.partition(":")[0], retry_after=refusal.retry_after)
        raise


def _wrong_password(form: LoginForm, kept: Kept | None, *keys: str) -> ResponseReturnValue:
    """401 and the form again; whether the name exists cannot be told from it."""
    _count_wrong(*keys)
    form.password.errors = [WRONG]
    template = "auth/_login_form.html" if wants_fragment() else "auth/login.html"
    html = render_template("auth/go_on.html", kept=kept, form=form) if kept else render_template(template, form=form)
    response = make_response(html, 401)
    response.headers["WWW-Authenticate"] = 'Session realm="Microblog"'
    return response


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    token = session.get("_user_id", "")
    logout_user()
    session.clear()
    with suppress(Repeated), writing():
        Session.end(token)
        db.session.commit()
    log.info(events.SIGN_OUT_SUCCEEDED)
    keep_for_next_page(Toast("You are signed out."))
    return leave_to("home.index")
