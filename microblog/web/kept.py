"""What was typed into a form that failed, without passwords and tokens: a page holds it, to be sent again.

It lives in that page alone, not in the session; where its sender has to sign in first, the sign-in carries it along.
"""

from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from microblog.web.access import is_from_elsewhere, is_own_path, safe_next
from microblog.web.text import showable

SIGN_IN = "sign_in-"
"""How the names of the sign-in's own fields begin, where it carries another form."""

CARRY_TO = "carry_to"
FILES = "carry_files"

_SECRET = ("password", "csrf_token", "token")
_ANEW = {CARRY_TO, FILES, "once"}
"""Drawn into the form by whoever draws it."""

_HIDDEN = {"version", "person", "next", "undo", "remember", "whom", "until", "case"}
_ROOM = 4_000
"""Bytes that the sign-in's own fields take of the body."""


@dataclass(frozen=True)
class Kept:
    """A form for `action`. With `sign_in` it goes there through the sign-in; without `again` it can only be copied.

    `files` are the controls whose file has to be chosen again: no page can hold one.
    """

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    again: bool = True
    sign_in: bool = False
    username: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def seen(self) -> list[tuple[str, str]]:
        """What was typed."""
        return [(name, value) for name, value in self.fields if not _is_hidden(name)]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the form carried along."""
        return [(name, value) for name, value in self.fields if _is_hidden(name)]

    def signed_in(self) -> Self:
        """The same once its sender has signed in."""
        return replace(self, sign_in=False)


def _is_hidden(name: str) -> bool:
    return name in _HIDDEN or name.startswith("was_")


def _chosen() -> list[str]:
    try:
        return [showable(name) for name, file in request.files.items() if file.filename]
    except (HTTPException, OSError, ValueError):
        return []


def _sent() -> MultiDict[str, str]:
    try:
        return request.form
    except (HTTPException, OSError, ValueError):
        return MultiDict()  # the body is what failed


def _typed(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    return [
        (showable(name), showable(value))
        for name, value in form.items(multi=True)
        if not any(secret in name for secret in _SECRET) and not name.startswith(SIGN_IN) and name not in _ANEW
    ]


def carried() -> Kept | None:
    """The form that this sign-in carries; None for an ordinary one."""
    form = _sent()
    target = safe_next(form.get(CARRY_TO))
    if target is None:
        return None
    username, files = showable(form.get(f"{SIGN_IN}username", "")), [showable(name) for name in form.getlist(FILES)]
    return Kept(target, _typed(form), sign_in=True, username=username, files=files)


def kept(*, sign_in: bool, again: bool) -> Kept | None:
    """The form that this request sent; None where nothing was typed. Asked for while an error is told."""
    fields = _typed(_sent())
    if not fields:
        return None
    if again and request.path == "/login" and (carries := carried()):
        return carries
    again = again and is_own_path(request.path)
    through_sign_in = again and sign_in and _fits(fields)
    return Kept(request.path, fields, again=again, sign_in=through_sign_in, files=_chosen())


def _fits(fields: list[tuple[str, str]]) -> bool:
    """Whether the sign-in's body has room for `fields`: what is refused there would be lost on the way."""
    limit, parts = request.max_content_length, request.max_form_parts
    size = len(urlencode(fields, errors="replace")) + _ROOM
    return (limit is None or size <= limit) and (parts is None or len(fields) + 10 <= parts)


def as_html(environ: dict[str, Any]) -> str:
    """The same for the page of the last resort, which has no template: with the token that was sent, for no other is to
    be had. Raises whatever it likes: the page does without it then.
    """
    sent: MultiDict[str, str] = environ.get("microblog.form") or MultiDict()
    asked = Request(environ)
    form = Kept(asked.path, _typed(sent))
    if not form.seen or "csrf_token" not in sent or not is_own_path(asked.path) or is_from_elsewhere(asked):
        return ""
    hidden = [*form.hidden, *((name, sent[name]) for name in ("csrf_token", "once") if name in sent)]
    lines = [f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden]
    for number, (name, value) in enumerate(form.seen, 1):
        lines.append(
            f'<div class="control"><label class="control__label" for="kept-{number}">'
            f"{escape(name.replace('_', ' ').capitalize())}</label>"
            f'<textarea class="control__input control__input--text" id="kept-{number}" name="{escape(name)}" rows="2"'
            f' dir="auto">\n{escape(value)}</textarea></div>'
        )
    return (
        f'<form class="kept" method="post" action="{escape(asked.path)}"><h2>What you typed</h2>{"".join(lines)}'
        '<button class="button button--primary" type="submit">Send again</button></form>'
    )
