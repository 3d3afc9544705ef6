"""What typed text may hold: filters and validators that every form shares."""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

from flask_wtf import FlaskForm
from wtforms import Field, Form, IntegerField, PasswordField, StringField, TextAreaField, ValidationError

# Cc: control characters; Cs: lone surrogates; U+FFFD: what a damaged byte became on the way; the rest turns the
# direction of the text around it, in which a name can pose as another (https://www.unicode.org/reports/tr36/).
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LAYOUT = {"\n", "\t"}
# What HTML forbids even as a reference (https://html.spec.whatwg.org/#preprocessing-the-input-stream).
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)


class SiteForm(FlaskForm):  # type: ignore[misc]
    """A form of ours. It makes no token: the one in every page is asked for before any view (extensions.csrf)."""

    class Meta:
        csrf = False


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


class Text(StringField):
    """A line of text: with a filter in front, always a string."""

    data: str


class LongText(TextAreaField):
    """Several lines of text."""

    data: str


class Password(PasswordField):
    """Typed unseen, never shown again."""

    data: str


class Readable:
    """Refuses what cannot be seen or changes the direction of what stands around it.

    With `newcomers` it takes what this Python does not know yet: the emoji of the years after it.
    """

    def __init__(self, *, lines: bool = False, newcomers: bool = False) -> None:
        self._allowed = _LAYOUT if lines else set[str]()
        self._refused = {"Cc", "Cs"} if newcomers else {"Cc", "Cs", "Cn"}

    def __call__(self, _form: Form, field: Field) -> None:
        for character in field.data or "":
            if character in self._allowed:
                continue
            if character in _BIDI or character == "\ufffd" or unicodedata.category(character) in self._refused:
                raise ValidationError("It holds a character that cannot be shown. Please remove it.")


class AtMost:
    """At most `limit()` characters, counted as the counter beside the field counts them: by code point."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit

    def __call__(self, _form: Form, field: Field) -> None:
        limit, length = self._limit(), len(field.data or "")
        if length > limit:
            over = length - limit
            raise ValidationError(f"{over} character{'s' if over != 1 else ''} too many: at most {limit} fit.")


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
