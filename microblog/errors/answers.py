"""A `Failure` as a fragment, as a page and as JSON; and the three answers of the last resort."""

from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from microblog.errors.diagnosis import Failure
from microblog.errors.table import PROBLEMS, Problem, problem
from microblog.extensions import db
from microblog.log.context import Told, note_told
from microblog.log.reference import PLACEHOLDER
from microblog.web import kept
from microblog.web.access import SAFE_METHODS, came_from
from microblog.web.dom import TOASTS, message_id
from microblog.web.filters import drawn_partial, remembered_partial
from microblog.web.htmx import put, representation
from microblog.web.toasts import Toast


def reference() -> str:
    """The reference of the running request."""
    return request.environ.get("microblog.reference", "")  # type: ignore[no-any-return]


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
