"""What typed text may hold: filters and validators that every form shares."""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import MultiDict
from wtforms import (
    Field,
    Form,
    HiddenField,
    IntegerField,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

# Cc: control characters; Cs: lone surrogates; U+FFFD: what a damaged byte became on the way; the rest turns the
# direction of the text around it, in which a name can pose as another (https://www.unicode.org/reports/tr36/).
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LAYOUT = {"\n", "\t"}
_MARKS = {"Mn", "Mc", "Me"}
# What HTML forbids even as a reference (https://html.spec.whatwg.org/#preprocessing-the-input-stream).
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)


LONGEST = 100_000
"""Code points of one field. A longer text is refused before any filter, validator or expression looks into it."""

MARKS = 30
"""Marks in a row on one character, as in https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format: nothing that is
written has more, and bringing n of them into their order (unicodedata.normalize) takes time by n squared.
"""


class SiteForm(FlaskForm):  # type: ignore[misc]
    """A form of ours. It makes no token: the one in every page is asked for before any view (extensions.csrf)."""

    class Meta:
        csrf = False

        def wrap_formdata(self, _form: Form, formdata: object) -> object:
            """Fields are text. Flask-WTF would mix in files and JSON, and hand them to filters that expect text."""
            if formdata is not _Auto:
                return formdata
            sent: MultiDict[str, str] = request.form
            return sent if request.method in {"POST", "PUT", "PATCH", "DELETE"} and sent else None


def as_typed(value: str | None) -> str:
    """Unchanged; nothing is an empty text."""
    return value or ""


def showable(value: str) -> str:
    """`value` with U+FFFD, which can be seen and removed, for every character that no page may hold."""
    return _UNSHOWABLE.sub("\ufffd", value)


def stripped(value: str | None) -> str:
    """Showable, without surrounding space, line ends as \\n: browsers send \\r\\n, and the counter counts one."""
    return showable((value or "").replace("\r\n", "\n").replace("\r", "\n").strip())


def single_line(value: str | None) -> str:
    """`stripped`, with every run of space inside as one space."""
    return re.sub(" +", " ", stripped(value))


class Bounded(Field):
    """Refuses more than LONGEST before any filter or validator sees it; it is shown again as it came."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self._is_too_long():
            self.filters = ()

    def pre_validate(self, form: BaseForm) -> None:
        if self._is_too_long():
            raise StopValidation("This is far too long. Please shorten it.")
        super().pre_validate(form)

    def _is_too_long(self) -> bool:
        return len(self.data or "") > LONGEST


class Text(Bounded, StringField):
    """A line of text: with a filter in front, always a string."""

    data: str


class LongText(Bounded, TextAreaField):
    """Several lines of text."""

    data: str


class Password(Bounded, PasswordField):
    """Typed unseen, never shown again."""

    data: str


class Hidden(Bounded, HiddenField):
    """Text that the page carries along and nobody types."""

    data: str


class Readable:
    """Refuses what cannot be seen, changes the direction of what stands around it, or piles up marks.

    With `newcomers` it takes what this Python does not know yet: the emoji of the years after it.
    """

    def __init__(self, *, lines: bool = False, newcomers: bool = False) -> None:
        self._allowed = _LAYOUT if lines else set[str]()
        self._refused = {"Cc", "Cs"} if newcomers else {"Cc", "Cs", "Cn"}

    def __call__(self, _form: Form, field: Field) -> None:
        marks = 0
        for character in field.data or "":
            if character in self._allowed:
                continue
            category = unicodedata.category(character)
            if character in _BIDI or character == "\ufffd" or category in self._refused:
                raise ValidationError("It holds a character that cannot be shown. Please remove it.")
            marks = marks + 1 if category in _MARKS else 0
            if marks > MARKS:
                raise ValidationError("It holds a letter with too many accents on it. Please remove some.")


class AtMost:
    """At most `limit()` characters, counted as the counter beside the field counts them: by code point.

    Nothing after it is asked about a longer text: what looks into each character stands behind it.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit

    def __call__(self, _form: Form, field: Field) -> None:
        limit, length = self._limit(), len(field.data or "")
        if length > limit:
            over = length - limit
            raise StopValidation(f"{over} character{'s' if over != 1 else ''} too many: at most {limit} fit.")


def web_address(value: str | None) -> str:
    """`stripped`, with https:// in front of a bare host name."""
    text = stripped(value)
    return (
        f"https://{text}"
        if text and "://" not in text and not text.lower().startswith(("javascript:", "data:"))
        else text
    )


class WebAddress:
    """Refuses what is not the address of a page."""

    def __call__(self, _form: Form, field: Field) -> None:
        if not field.data:
            return
        try:
            parts = urlsplit(field.data)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            host, parts = "", urlsplit("")
        if parts.scheme not in {"http", "https"} or "." not in host.strip(".") or any(c.isspace() for c in field.data):
            raise ValidationError("Use the address of a page, such as https://example.org.")
        if parts.username or parts.password:
            raise ValidationError("An address with a password in it would be shown to everybody. Please remove it.")


class RowVersion(IntegerField):
    """The version of the row that a form was drawn from; what is none is 0, which is older than every change.

    So a damaged form meets the rule for stale ones instead of a message beside a field that nobody sees.
    """

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
