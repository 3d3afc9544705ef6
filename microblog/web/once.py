"""A form is answered once: its key in the request, the answer to a repeat, and "did it go through?"."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import structlog
from flask import Flask, current_app, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from microblog.extensions import Claim, db
from microblog.log import events
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


Answer = Callable[..., ResponseReturnValue | None]
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class RequestClaim(FormClaim):
    """That of one request, which may ask more than once what came of the form before. The log is told of it once."""

    _staked = False
    _first: dict[str, Any] | None = None

    def stake(self) -> None:
        super().stake()
        self._staked = True

    def first(self) -> dict[str, Any] | None:
        if self._first is None and not self._staked:  # else the first one is this request
            self._first = super().first()
            if self._first is not None:
                log.info(events.REQUEST_REPEATED)
        return self._first


def claim() -> Claim:
    """That of the form being answered, made once; `extensions.writing` asks for it."""
    if "claim" not in g:
        key = request.form.get(FIELD, "")
        unclaimed = request.method in SAFE_METHODS or not is_key(key)
        address = f"{request.method} {request.path}"
        made = Claim() if unclaimed else RequestClaim(key, user_id=viewer_id(), address=address, content=_content())
        g.claim = made
    return g.claim  # type: ignore[no-any-return]


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


def repeats(answer: Answer) -> Callable[[View], View]:
    """Marks a view with its answer to a repeat, called with the Repeated and with the values in the address.

    For a view that looks into the database before `writing`: a repeat may be noticed there too. None means that it is
    not proved to be the same form; the refusal stands.
    """

    def mark(view: View) -> View:
        view.answer_repeated = answer  # type: ignore[attr-defined]
        return view

    return mark


def answer_refused() -> ResponseReturnValue | None:
    """The answer to a form that was refused, where it was done before: that may be why. Else None: the refusal stands.

    Two at the same moment: the first one is saved while the second is looked at, whose name is taken then, whose last
    try is used up. One statement; none for what was refused within `writing`, where a repeat is noticed before.
    """
    if request.endpoint is None:
        return None  # no view, no form
    try:
        own, asked, sent = _own_answer(), claim(), request.form
    except HTTPException:
        return None  # too large, damaged or cut: a form that cannot be read was never done
    # The digest of a form leaves passwords out, so only a view that checks the password can recognise a repeat.
    unproved = own is None and any("password" in name for name in sent)
    if unproved:
        return None
    db.session.rollback()  # what was loaded, and on SQLite what can be read, may be older than the first one's change
    first = asked.first()
    if first is None:
        return None
    repeated = Repeated(first, asked)
    return own(repeated, **request.view_args or {}) if own else _it_was_saved()


def answer_repeated(repeated: Repeated) -> ResponseReturnValue:
    """The view's own answer to a repeat found within `writing`, or the general one."""
    own = _own_answer()
    answer = own(repeated, **request.view_args or {}) if own else None
    return _it_was_saved() if answer is None else answer


def _own_answer() -> Answer | None:
    return getattr(current_app.view_functions[request.endpoint or ""], "answer_repeated", None)


def _it_was_saved() -> ResponseReturnValue:
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
    app.add_url_rule("/outcome", "outcome", tell_outcome)
    app.jinja_env.globals.update(new_key=new_key, sent_key=sent_key)
