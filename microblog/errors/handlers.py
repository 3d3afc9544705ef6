"""Which exception goes where. Read it from the bottom: `init_app` names the handlers, each of which makes a `Failure`.

`answers.answer` then tells it. Drawing an answer needs no database and no session row.
"""

import structlog
from flask import Flask, Response, current_app, g, request
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge, Unauthorized

from microblog.db.writer_slot import WriterBusy
from microblog.errors import suggestions
from microblog.errors.answers import answer, duration, reference, size
from microblog.errors.diagnosis import RETRY_AFTER, Failure, from_database, from_system
from microblog.log import events
from microblog.models.errors import DomainError, Nobody, NotYours, Suspended, Taken, TooFast, Unavailable
from microblog.web.access import FromElsewhere, refuse_foreign_form
from microblog.web.htmx import representation

log = structlog.get_logger(__name__)


def handle_unexpected(error: Exception) -> Response:
    """A bug, or trouble that nobody named: logged whole, told in one sentence."""
    if current_app.config["PROPAGATE_EXCEPTIONS"]:
        raise error  # to the debugger
    failure = from_database(error) if isinstance(error, SQLAlchemyError) else from_system(error)
    if failure is None or failure.status in {502, 504, 507}:
        failure = failure or Failure(500)
        log_failed(failure.status, error)
        g.failed_with = type(error)
    failure.told = _administrator_is_told()
    return answer(failure)


def handle_busy(_error: WriterBusy) -> Response:
    log.warning(events.DATABASE_BUSY, code="no turn to write")
    return answer(Failure(503, "database_unavailable", headers={"Retry-After": str(RETRY_AFTER)}))


def handle_domain(error: DomainError) -> Response:
    """A rule of the site said no."""
    failure = Failure(error.status, error.code, error.message, error.template, error.next_step, error.title)
    if isinstance(error, Suspended):
        failure.again = False  # no button of ours can help
    if isinstance(error, TooFast):
        failure.headers["Retry-After"] = str(error.retry_after)
        failure.next_step = f"Try again in {duration(error.retry_after)}."
        log.warning(events.RATE_LIMITED, retry_after=error.retry_after)
    if isinstance(error, Nobody) and error.near:
        failure.next_step = "Perhaps you mean this member:"
        failure.link, failure.link_text = f"/user/{error.near}", f"@{error.near}"
    if isinstance(error, Unavailable) and error.username:
        failure.next_step = "If this member has broken the rules, you can still report them."
        failure.link, failure.link_text = f"/user/{error.username}/report", f"Report @{error.username}"
    if isinstance(error, Taken):
        failure.errors[error.field] = error.message
    return answer(failure)


def handle_http(error: HTTPException) -> Response | HTTPException:
    """Werkzeug's exceptions and abort(): the status and the headers stay, the words become ours."""
    if original := getattr(error, "original_exception", None):
        return handle_unexpected(original)  # raised outside of a view, and wrapped by Flask
    if isinstance(error, CSRFError) and (better := _without_the_session()):
        return better
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error  # a redirect, or an answer that somebody made on purpose
    headers = {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Content-Length"}}
    failure = Failure(status, headers=headers)
    # What abort() was given; the descriptions of Werkzeug's classes, some of them properties, are not for people.
    if (description := vars(error).get("description")) and status < 500:
        failure.sentence = description
    if isinstance(error, CSRFError):
        _explain_csrf(failure)
    elif isinstance(error, ClientDisconnected):
        log.info(events.BODY_TRUNCATED)
        failure.sentence = "It arrived damaged or only in part, so nothing was changed."
    elif isinstance(error, FromElsewhere):
        # A button would let the other site do with one click what it could not do with none; and a token for it would
        # be put into an empty session, as browsers left our cookie out, which signs the member out.
        failure.again = False
    elif isinstance(error, RequestEntityTooLarge):
        _explain_size(failure)
    elif status in {404, 405}:
        _offer_a_page(failure)
    elif status == 401:
        failure.headers.setdefault("WWW-Authenticate", 'Session realm="Microblog"')
        # In a tab of its own: this page, or the one below the toast, holds what was typed.
        failure.link, failure.link_text = "/login", "Sign in in a new tab"
    elif status >= 500:
        original = getattr(error, "original_exception", None)
        log_failed(status, original or error)
        failure.told = _administrator_is_told()
    return answer(failure)


def _explain_csrf(failure: Failure) -> None:
    """Our own page that was open for too long is the usual case: a fresh token makes the next try work."""
    log.warning(events.CSRF_REJECTED, reason="token")
    failure.code = "csrf_rejected"
    failure.sentence = "This page was open while your session changed, so nothing was sent yet."
    failure.next_step = "Send it once more."
    failure.headers["HX-Trigger"] = current_app.json.dumps({"csrf:renewed": {"token": generate_csrf()}})


def _without_the_session() -> Response | HTTPException | None:
    """What a token is refused for that went with its session: signing in comes first, or this is another member's."""
    view = current_app.view_functions.get(request.endpoint or "")
    if g.get("viewer") is None:
        if not getattr(view, "needs_member", False):
            return None
        log.info(events.SIGN_IN_REQUIRED)
        return handle_http(Unauthorized())
    try:
        refuse_foreign_form()
    except NotYours as refusal:
        return handle_domain(refusal)
    return None


def _offer_a_page(failure: Failure) -> None:
    """A near miss: the page that may be meant, or the one with the button."""
    if failure.status == 404 and (way := suggestions.mistyped(request.path)):
        failure.next_step = "Perhaps you mean this page:"
    elif failure.status == 405 and (way := suggestions.with_the_button(request.path)):
        failure.next_step = "The button for it is here:"
    else:
        return
    failure.link, failure.link_text = way.path, way.name


def _explain_size(failure: Failure) -> None:
    sent, limit = request.content_length or 0, request.max_content_length or 0
    if request.content_length is None and getattr(request.environ["wsgi.input"], "taken", 0) >= limit:
        # In chunks: nobody said how much it would be, and what is over the limit was not looked at.
        failure.sentence = f"You sent more than the {size(_upload_limit() or limit)} that this site takes."
        return
    # Without a larger body the parts were too many, or one of them too long.
    if sent > limit:
        failure.sentence = f"You sent {size(sent)}; this site takes up to {size(_upload_limit() or limit)}."
    else:
        failure.sentence = "It has more fields, or longer ones, than this site takes."


def _upload_limit() -> int | None:
    view = current_app.view_functions.get(request.endpoint or "")
    name = getattr(view, "upload_limit", None)
    return getattr(current_app.config["SETTINGS"].profile, name) if name else None


def log_failed(status: int, error: BaseException) -> None:
    """The record that the reference leads to, with the whole story of the exception."""
    viewer = g.get("viewer")
    log.error(
        events.REQUEST_FAILED,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else "",
        path=request.path,
        endpoint=request.endpoint or "",
        status=status,
        user_id=viewer.id if viewer else None,
        fragment=representation(request) == "fragment",
        exc_info=error,
    )


def _administrator_is_told() -> bool:
    alerts = current_app.extensions.get("alerts")
    return alerts is not None and alerts.queued(reference())


class InsufficientStorage(HTTPException):
    """507: Werkzeug has no class for it, so abort(507) would be a LookupError."""

    code = 507


def init_app(app: Flask) -> None:
    """Which exception goes where; Flask takes the most specific one."""
    app.aborter.mapping[InsufficientStorage.code] = InsufficientStorage
    app.register_error_handler(HTTPException, handle_http)
    app.register_error_handler(DomainError, handle_domain)
    app.register_error_handler(WriterBusy, handle_busy)
    app.register_error_handler(Exception, handle_unexpected)
