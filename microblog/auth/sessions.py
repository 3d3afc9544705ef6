"""Who is looking: from the cookie to the member, and back."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user, login_user
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bind_contextvars

from microblog.db.engine import WriterBusy
from microblog.extensions import Claim, db, login_manager, writing
from microblog.log import events
from microblog.log.context import stats
from microblog.models.columns import now
from microblog.models.session import SEEN_EVERY, Session
from microblog.models.user import User

log = structlog.get_logger(__name__)


class PatientSigner(TimestampSigner):
    """Takes a cookie of the future: a clock that was put back must not sign everybody out. The rows have the limits."""

    def unsign(self, *args: Any, **options: Any) -> Any:
        try:
            return super().unsign(*args, **options)
        except SignatureExpired as error:
            if error.date_signed is None or error.date_signed <= now():
                raise
            return super().unsign(*args, **{**options, "max_age": None})


class Cookies(SecureCookieSessionInterface):
    """Flask's session cookie, signed so."""

    def __init__(self) -> None:
        self._made: tuple[Any, URLSafeTimedSerializer | None] = None, None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Made once for a key: making it costs as much as reading a cookie with it."""
        keys = app.secret_key, app.config["SECRET_KEY_FALLBACKS"]
        made_for, serializer = self._made
        if made_for != keys:
            serializer = super().get_signing_serializer(app)
            if serializer is not None:
                serializer.signer = PatientSigner
            self._made = keys, serializer
        return serializer


# These answer without knowing who asks, so also without a database.
_ANONYMOUS = {
    *("health.livez", "health.readyz", "health.metrics", "people.identicon", "people.picture"),
    *("feeds.user", "feeds.tag", "feeds.explore"),
}


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(token: str) -> User | None:
    """The member who is signed in with `token`."""
    found = Session.with_token(token)
    if found is None:
        log.info(events.SESSION_REFUSED)
        return None
    member, session_id, is_due = found
    member.session_token = token
    if is_due:
        g.seen_session = session_id
    return member


def sign_in(user: User, *, remember: bool, claim: Claim, salt: str = "") -> None:
    """Start a session row for `user` and put its token into the cookie. Needs `writing`; the caller commits.

    The token follows from the form's key, our secret and a salt that is kept: the same form, sent again because the
    answer with the cookie got lost, goes on with the same session (`salt`) instead of leaving a second one behind.
    """
    drawn = salt or secrets.token_urlsafe(16)
    token = claim.secret(drawn, current_app.config["SECRET_KEY"])
    if salt:
        token = Session.resume(user, token)
    else:
        token = Session.start(user, token)
        claim.keep(user_id=user.id, salt=drawn)
    # A page that is still open in another tab goes on working when the same person signs in again.
    kept = {"csrf_token": session["csrf_token"]} if session.get("member") == user.id and "csrf_token" in session else {}
    session.clear()
    session.update(kept, member=user.id)
    g.pop("csrf_token", None)  # made for the session before
    session.permanent = remember
    user.session_token = token
    login_user(user)
    g.viewer = user.viewer


def _note_presence(app: Flask, session_id: int, user_id: int) -> None:
    """After the answer has gone: "last seen", in a transaction of its own, which may fail without anybody noticing."""
    moment = now()
    with app.app_context():
        try:
            with writing(claims=False):
                due = Session.last_seen_at < moment - SEEN_EVERY
                db.session.execute(update(Session).where(Session.id == session_id, due).values(last_seen_at=moment))
                db.session.execute(update(User).where(User.id == user_id).values(last_seen_at=moment))
                db.session.commit()
        except (SQLAlchemyError, WriterBusy) as error:
            log.info(events.PRESENCE_SKIPPED, reason=type(error).__name__)


def init_app(app: Flask) -> None:
    """Know the viewer before every view; write "last seen" after the answer."""
    app.session_interface = Cookies()

    @app.before_request
    def know_the_viewer() -> None:
        g.viewer = None
        if request.endpoint not in _ANONYMOUS and "_user_id" in session and current_user.is_authenticated:
            g.viewer = current_user.viewer
            bind_contextvars(user_id=g.viewer.id)
            known = stats.get()
            if known is not None:
                known.user_id = g.viewer.id

    @app.after_request
    def note_presence(response: Response) -> Response:
        seen: int | None = g.pop("seen_session", None)
        if seen is not None and g.get("viewer"):
            write: Callable[[], None] = partial(_note_presence, app, seen, g.viewer.id)
            response.call_on_close(write)
        return response
