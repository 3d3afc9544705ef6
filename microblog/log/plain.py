"""Text from anywhere, made safe to keep, to send and to print: bounded, valid UTF-8, nothing invisible that acts.

Total: whatever an object does when it is asked for its text, an answer comes back.
"""

import hashlib
import re
import reprlib

# Controls, bidirectional marks and overrides, line separators, lone surrogates, annotations. A zero width joiner
# stays, emoji are made of it. Newline and tab stay; `line` removes them where one line is meant.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = 200


def type_name(value: object) -> str:
    """The name of an object's type, even where a metaclass makes that raise."""
    try:
        return line(type(value).__qualname__, 120)
    except Exception:  # noqa: BLE001 - a hostile metaclass must not cost the alert
        return "object"


def text(value: object, limit: int) -> str:
    """`value` as at most `limit` characters that can be encoded and act on no terminal, mail or log; newlines stay."""
    try:
        raw = _raw(value, limit)
    except Exception:  # noqa: BLE001 - str() and repr() of somebody else's object may raise anything
        raw = f"<unprintable {type_name(value)}>"
    shown = _ACTING.sub(_escaped, raw.replace("\r\n", "\n"))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def line(value: object, limit: int) -> str:
    """The same on one line: every run of white space is one space."""
    return " ".join(text(value, limit).split())


def short_hash(*parts: object) -> str:
    """12 hexadecimal characters of these parts: a name for what has none."""
    joined = "\0".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _raw(value: object, limit: int) -> str:
    if isinstance(value, str):
        # The slot of str itself: a subclass may have overridden slicing. One more than the limit shows that it was cut.
        return str.__getitem__(value, slice(limit + 1))
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return _shortened.repr(value)
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[:limit]))
    return str.__getitem__(str(value), slice(limit + 1))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
