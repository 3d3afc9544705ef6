"""Every way a request can fail, and what the person sees. The only place of the application that catches broadly.

Read it from the bottom: `init_app` says which exception goes where, each handler makes a `Failure`, and `answer` tells
it as a fragment, a page or JSON. Drawing an answer needs no database and no session row: `viewer()` gives plain values.
"""

import errno
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge, Unauthorized

from microblog.db import schema
from microblog.db.engine import WriterBusy
from microblog.db.trouble import trouble
from microblog.extensions import db
from microblog.log import events
from microblog.log.context import Told, note_told
from microblog.log.reference import PLACEHOLDER
from microblog.models.errors import (
    DomainError,
    Nobody,
    NotYours,
    Repeated,
    Suspended,
    Taken,
    TooFast,
    Unavailable,
)
from microblog.web import kept, near, once
from microblog.web.access import SAFE_METHODS, FromElsewhere, came_from, refuse_foreign_form
from microblog.web.dom import TOASTS, message_id
from microblog.web.filters import drawn_partial, remembered_partial
from microblog.web.htmx import put, representation
from microblog.web.problems import PROBLEMS, Problem, problem
from microblog.web.toasts import Toast

log = structlog.get_logger(__name__)

RETRY_AFTER = 2
"""Seconds after which a busy database is worth another try."""


@dataclass
class Failure:
    """What went wrong, in words for the person. Empty words are taken from the table in web/problems.py."""

    status: int
    code: str = ""
    sentence: str = ""
    template: str = ""
    """The sentence as the log may have it, where it holds what somebody may have typed."""
    next_step: str = ""
    title: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    told: bool = False
    link: str = ""
    link_text: str = ""
    again: bool = True  # whether what was typed may be sent once more by a button of ours


def is_behind(error: SQLAlchemyError) -> bool:
    """Whether the tables are of another release, which is why one of them, or a column, is missing."""
    if isinstance(error, schema.SchemaBehind):
        return True
    if not (isinstance(error, DBAPIError) and schema.misses_something(error.orig)):
        return False
    try:
        db.session.rollback()
        schema.compare(db.session.connection())
    except schema.SchemaBehind:
        return True
    except SQLAlchemyError:
        return False
    return False


def from_database(error: SQLAlchemyError) -> Failure | None:
    """The failure that a database in trouble causes; None where the fault is in our code ("no such column")."""
    if isinstance(error, IntegrityError | StaleDataError):
        return Failure(409)
    found, behind = trouble(error), is_behind(error)
    if not (found or behind):
        return None
    busy = Failure(503, "database_unavailable", headers={"Retry-After": str(RETRY_AFTER)})
    if behind:
        busy.sentence = "The site is between two versions and being looked after; nothing you did was lost."
        return busy  # the log has it already, once; every page would say the same
    match found:
        case "busy", code:
            log.warning(events.DATABASE_BUSY, code=code)
        case "readonly", code:
            log.error(events.DATABASE_READONLY, code=code)
            busy.sentence = "The site can be read but not changed at the moment. Nothing you did was lost."
        case "full", code:
            log.error(events.DATABASE_FULL, code=code)
        case "corrupt", code:
            log.critical(events.DATABASE_CORRUPT, code=code)
        case _, code:
            log.error(events.DATABASE_UNAVAILABLE, code=code)
    return busy


def from_system(error: Exception) -> Failure | None:
    """The failure that the machine or another service causes; None for a bug."""
    if isinstance(error, TimeoutError):
        return Failure(504)
    if isinstance(error, ConnectionError):
        return Failure(502)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Failure(507)
    return None


# Handlers


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
    if failure.status == 404 and (way := near.mistyped(request.path)):
        failure.next_step = "Perhaps you mean this page:"
    elif failure.status == 405 and (way := near.with_the_button(request.path)):
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


def reference() -> str:
    """The reference of the running request."""
    return request.environ.get("microblog.reference", "")  # type: ignore[no-any-return]


# Answers


def answer(failure: Failure) -> Response:
    """Tell `failure` in the representation that was asked for."""
    if db.session.registry.has():  # else there is nothing to take back, and making a session costs a tenth of a note
        with suppress(SQLAlchemyError):
            db.session.rollback()
    words = problem(failure.status)
    failure.code = failure.code or words.code
    failure.sentence = failure.sentence or words.sentence
    failure.next_step = failure.next_step or words.next_step
    kind = representation(request)
    note_told(Told(failure.code, kind, _said(failure, words)))
    tell = {"fragment": _as_fragment, "json": _as_json, "page": _as_page}[kind]
    response = tell(failure, failure.title or words.title)
    response.status_code = failure.status
    response.headers.update(failure.headers)
    response.vary.add("Accept")
    if kind != "fragment":
        response.headers.pop("HX-Trigger", None)
    return response


def _as_fragment(failure: Failure, title: str) -> Response:
    """A toast: it touches neither the target nor what was typed, whatever the form's own hx-target says."""
    if failure.status == 413 and (beside := _upload_field()):
        html = drawn_partial("shared/_message.html", field=beside, message=failure.sentence, state="refused")
        return put(html, message_id(beside), "outerHTML")
    toast = Toast(
        title=title,
        text=_text(failure, still_here=True),
        next_step=failure.next_step,
        kind="error",
        reference=PLACEHOLDER,  # so that equal failures look the same, and are drawn once
        code=failure.code,
        link=failure.link,
        link_text=failure.link_text,
    )
    html = remembered_partial("shared/_toast.html", toast=toast).replace(PLACEHOLDER, reference())
    return put(html, TOASTS, "beforeend")


def _as_json(failure: Failure, title: str) -> Response:
    """RFC 9457."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": failure.status,
        "detail": failure.sentence,
        "instance": request.path,
        "code": failure.code,
        "reference": reference(),
    }
    if failure.link and failure.status in {404, 405}:
        body["link"] = failure.link  # what may be meant
    if failure.errors:
        body["errors"] = [
            {"field": name, "code": failure.code, "message": text} for name, text in failure.errors.items()
        ]
    response = jsonify(body)
    response.mimetype = "application/problem+json"
    return response


def _as_page(failure: Failure, title: str) -> Response:
    kept_form = _kept(failure)
    html = render_template(
        "errors/page.html",
        failure=failure,
        title=title,
        text=_text(failure, still_here=bool(kept_form and kept_form.seen)),
        reference=reference(),
        kept=kept_form,
        way_back=came_from(request) or "/",
    )
    return make_response(html)


def _text(failure: Failure, *, still_here: bool) -> str:
    """What happened, and nothing that is not so."""
    text = failure.sentence
    if still_here and failure.code in {"sign_in_required", "csrf_rejected"}:
        text += " What you typed is still here."
    return text + (" The administrator has been notified." if failure.told else "")


def _said(failure: Failure, words: Problem) -> str:
    """What is told, where those are not the words of the table."""
    if failure.sentence == words.sentence and not failure.title:
        return ""
    return f"{failure.title or words.title}. {failure.template or failure.sentence}"


def _upload_field() -> str | None:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "upload_field", None)


def _kept(failure: Failure) -> kept.Kept | None:
    """What was typed into the form that failed; it can be copied, but not sent again, where that cannot help."""
    if request.method in SAFE_METHODS or failure.status in {413, 414, 415, 431}:
        return None
    again = failure.again and failure.status not in {404, 405, 410}
    return kept.kept(sign_in=failure.status == 401, again=again)


def duration(seconds: int) -> str:
    """`seconds` as a person says it: "40 seconds", "3 minutes"."""
    if seconds < 90:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    return f"{round(seconds / 60)} minutes"


def size(count: int) -> str:
    """`count` bytes as a person says it: "1.1 MB"."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1_000_000:.1f} MB".replace(".0 MB", " MB")


class FinishedAnswers(Flask):
    """Flask, but an answer that is finished is sent: what fails while cleaning up is logged, not told.

    Otherwise a teardown error after the commit turns a finished 200 into the server's bare 500. And what was done is
    never told as refused.
    """

    def do_teardown_request(self, *args: Any) -> None:
        try:
            super().do_teardown_request(*args)
        except Exception as error:  # whatever it is, the answer stands
            log.error(events.TEARDOWN_FAILED, exc_info=error)

    def do_teardown_appcontext(self, *args: Any) -> None:
        try:
            super().do_teardown_appcontext(*args)
        except Exception as error:  # whatever it is, the answer stands
            log.error(events.TEARDOWN_FAILED, exc_info=error)
            with suppress(SQLAlchemyError):
                db.session.remove()  # it stood after the function that failed

    def dispatch_request(self) -> ResponseReturnValue:
        """Flask's; but a form that a view refuses is told of what it did, where it was done before."""
        if request.method in SAFE_METHODS:
            return super().dispatch_request()
        try:
            answer = self.make_response(super().dispatch_request())
        except Repeated as repeated:
            return once.answer_repeated(repeated)
        except Unauthorized:
            raise  # who asks comes first
        except (DomainError, HTTPException):
            repeat = once.answer_refused()
            if repeat is None:
                raise
            return repeat
        refused = 400 <= answer.status_code < 500 and answer.status_code != Unauthorized.code
        repeat = once.answer_refused() if refused else None
        return answer if repeat is None else repeat

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """Flask's; but what failed after the view fails again after its error page, and is told once."""
        if not from_error_handler:
            return super().finalize_request(rv)
        response = self.make_response(rv)
        try:
            return self.process_response(response)
        except Exception as error:  # the error page stands
            if type(error) is not g.get("failed_with"):
                log.error(events.REQUEST_FAILED, exc_info=error)
            return response

    def ensure_sync(self, func: Any) -> Any:
        """As it is: nothing here is async, and Flask asks for a dozen functions in every request."""
        return func

    def log_exception(self, *_args: Any) -> None:
        """The handlers below log each exception once, with its story; Flask would log it again."""


def last_answers(app: Flask) -> dict[str, bytes]:
    """The bytes of the last resort, rendered once at start. See http/last_resort.py."""
    words = PROBLEMS[500]
    with app.app_context():
        template = app.jinja_env.get_template
        toast = Toast(words.title, f"{words.sentence} {words.next_step}", "error", PLACEHOLDER, words.code)
        fragment = template("shared/_toast.html").render(toast=toast)
        page = template("errors/last_resort.html").render(words=words, reference=PLACEHOLDER)
        body = {"type": "about:blank", "title": words.title, "status": 500, "detail": words.sentence}
        json = app.json.dumps(body | {"code": words.code, "reference": PLACEHOLDER})
    return {"fragment": fragment.encode(), "page": page.encode(), "json": json.encode()}


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
