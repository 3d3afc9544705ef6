"""One condition on one key of a record: ``status=500``, ``ms>500``, ``exception.type!=KeyError``.

It is judged twice: on the bytes of a line, which is fast and lets through too much, and on the record, which is right.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_CONDITION = re.compile(r"([A-Za-z_][\w.-]*)(!=|>=|<=|=|>|<)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """``key operator value``; the operators are ``= != > >= < <=``. A key with dots looks inside: `exception.type`."""

    key: str
    operator: str
    value: str

    @classmethod
    def parsed(cls, text: str) -> "Condition | None":
        """``ms>500`` as a condition; None for a text that is none."""
        found = _CONDITION.fullmatch(text)
        return cls(*found.groups()) if found else None

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{self.value}"

    def holds(self, record: dict[str, Any]) -> bool:
        """Whether it is so of `record`; of a list it is enough that it is so of one value. What is missing is null."""
        values = list(_values(record, self.key.split("."))) or [None]
        if self.operator == "!=":
            return not any(same(value, self.value) for value in values)
        if self.operator == "=":
            return any(same(value, self.value) for value in values)
        return any(_compares(value, self.operator, self.value) for value in values)


def as_written(text: str) -> bytes:
    """`text` as it stands inside a string of a line."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")


def needle(condition: Condition) -> bytes | re.Pattern[bytes] | None:
    """What every line holds of which ``key=value`` is so; None where nothing can be said."""
    if condition.value == "null":
        return None  # as good as missing
    key = condition.key.split(".")[-1]
    quoted = f'"{key}":"'.encode() + as_written(condition.value) + b'"'
    try:
        value = json.loads(condition.value)
    except ValueError:
        # Perhaps in a list: then the value alone.
        return quoted if key in _PLAIN else b'"' + as_written(condition.value) + b'"'
    if isinstance(value, bool) and key in _PLAIN:
        return f'"{key}":{condition.value}'.encode()
    if isinstance(value, int) and key in _PLAIN:
        return re.compile(f'"{key}":"?{value}(?![0-9])'.encode())
    return f'"{key}":'.encode()


_PLAIN = frozenset(
    (
        *("event", "logger", "reference", "level", "route", "method", "path", "endpoint", "status", "user_id"),
        *("fingerprint", "address", "form", "field", "rule", "complete", "fragment", "part", "code"),
        *("hx_source", "page"),
    )
)
"""Keys whose values are never lists: what is looked for stands right behind the key."""


def at_least(condition: Condition) -> re.Pattern[bytes]:
    """Numbers with as many digits as the limit, or with an exponent, and everything that is no number."""
    key = re.escape(condition.key.split(".")[-1])
    try:
        digits = len(str(int(float(condition.value)))) if float(condition.value) >= 10 else 1
    except (ValueError, OverflowError):
        digits = 1
    if digits == 1:
        return re.compile(f'"{key}":'.encode())
    return re.compile(f'"{key}":(?:[0-9]{{{digits}}}|[^0-9]|[0-9.]{{1,30}}[eE])'.encode())


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        if (whole := ".".join(path)) in value:
            yield from _values(value[whole], [])
        elif path[0] in value:
            yield from _values(value[path[0]], path[1:])


def same(value: Any, text: str) -> bool:
    """Whether `text` spells `value`: as it is read, or as JSON."""
    if isinstance(value, str):
        return value == text
    try:
        spelled = json.loads(text)
    except ValueError:
        return False
    return bool(spelled == value) and (type(spelled) is type(value) or (_number(spelled) and _number(value)))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compares(value: Any, operator: str, text: str) -> bool:
    """A number with a number, a text (a timestamp) with a text."""
    left: Any = value
    right: Any = text
    with suppress(ValueError):
        right = float(text)
    if not (_number(left) if isinstance(right, float) else isinstance(left, str)):
        return False
    return bool({">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator])
