"""A form is answered once: its key in the request, the answer to a repeat, and "did it go through?"."""

import hashlib
from collections.abc import Iterator

import structlog
from flask import Flask, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from microblog.extensions import Claim
from microblog.logs import events
from microblog.models.errors import Repeated
from microblog.models.outcome import FormClaim, Outcome, is_key, new_key
from microblog.web.access import SAFE_METHODS, is_own_path, split
from microblog.web.dom import TOASTS
from microblog.web.filters import drawn_partial
from microblog.web.htmx import put, representation
from microblog.web.toasts import Toast, keep_for_next_page

log = structlog.get_logger(__name__)

FIELD = "once"

_CHANGING = {FIELD, "csrf_token"}
"""What may differ although the form is the same. Passwords are left out too: nothing is derived from them."""


class LoggedClaim(FormClaim):
    def stake(self) -> None:
        try:
            super().stake()
        except Repeated:
            log.info(events.REQUEST_REPEATED)
            raise


def claim() -> Claim:
    """That of the form being answered; `extensions.writing` asks for it."""
    key = request.form.get(FIELD, "")
    if request.method in SAFE_METHODS or not is_key(key):
        return Claim()
    return LoggedClaim(key, user_id=viewer_id(), address=f"{request.method} {request.path}", content=_content())


def viewer_id() -> int | None:
    """Who asks; None for a stranger."""
    viewer = g.get("viewer")
    return viewer.id if viewer else None


def _content() -> Iterator[tuple[str, str]]:
    for name, value in request.form.items(multi=True):
        if name not in _CHANGING and "password" not in name:
            yield name, value
    for name, file in request.files.items(multi=True):
        place = file.stream.tell()
        file.stream.seek(0)
        digest = hashlib.sha256()
        while piece := file.stream.read(65_536):
            digest.update(piece)
        file.stream.seek(place)
        yield name, f"{file.filename} {digest.hexdigest()}"


def sent_key() -> str:
    """The key of the form that failed, for its second try; a new one where it had none."""
    sent = request.form.get(FIELD, "")
    return sent if is_key(sent) else new_key()


def answer_repeated(_repeated: Repeated) -> ResponseReturnValue:
    """For a view that has no better answer: what is true of every repeat."""
    toast = Toast("It was saved.", "It arrived twice and was done once.")
    match representation(request):
        case "json":
            return jsonify(saved=True)
        case "page":
            keep_for_next_page(toast)
            came_from = split(request.referrer or "").path
            return redirect(came_from if is_own_path(came_from) else "/", 303)
    return put(drawn_partial("shared/_toast.html", toast=toast), TOASTS, "beforeend")


def tell_outcome() -> ResponseReturnValue:
    """Whether the form with that key changed something; asked by the page whose answer got lost.

    The key is in the query, which no log of ours shows. One statement. Sending the form again brings the answer itself.
    """
    key = request.args.get("key", "")
    return jsonify(saved=is_key(key) and Outcome.is_known(key, viewer_id()))


def init_app(app: Flask) -> None:
    """Have every `writing` inside a request claim the key of its form, and draw keys into forms."""
    app.extensions["claim"] = claim
    app.register_error_handler(Repeated, answer_repeated)
    app.add_url_rule("/outcome", "outcome", tell_outcome)
    app.jinja_env.globals.update(new_key=new_key, sent_key=sent_key)
