"""Any Python value as plain JSON values: total, bounded, redacted, and always in new containers."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Set
from datetime import date, time, timedelta
from enum import Enum
from functools import lru_cache
from os import PathLike, fspath
from types import ModuleType
from typing import Any, NamedTuple

from microblog.log.redaction import REDACTED, is_secret, scrub


class Limits(NamedTuple):
    """How much of a value a record may hold. `text` counts characters, `values` everything in all containers."""

    text: int
    items: int
    depth: int
    values: int
    frames: int


# Tried in turn until the line fits: an ordinary record never meets the first, a monstrous one gets by with the last.
STEPS = (
    Limits(text=16_000, items=200, depth=8, values=4000, frames=50),
    Limits(text=4000, items=100, depth=6, values=1000, frames=50),
    Limits(text=1000, items=50, depth=5, values=200, frames=20),
    Limits(text=200, items=30, depth=3, values=60, frames=10),
    Limits(text=60, items=20, depth=2, values=30, frames=4),
)

_ATOMS = (bool, type(None))
_ROOM = 150_000  # characters of all texts together; what is longer does not fit into a line anyway
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1  # what orjson, and every 64-bit reader, takes as a number
_BITS_WRITTEN_OUT = 4000  # Python refuses to write out integers of more than 4,300 digits


def readable(text: str, limit: int) -> str:
    """`text` as encodable UTF-8 and at most about `limit` characters; what was left out is told."""
    if type(text) is not str:
        text = str.__str__(text)  # never the __str__ of a subclass, which may do anything
    if len(text) > limit:
        text = f"{text[:limit]}… [{len(text)} characters]"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # lone surrogates, as in undecodable file names
            text = text.encode(errors="backslashreplace").decode()
    return text


def shown(value: object) -> str:
    """``repr(value)``, or a placeholder where that raises. Secrets that it spells out are left out."""
    try:
        text = str.__str__(repr(value))
    except Exception as problem:  # noqa: BLE001 - a repr may raise anything, and a record is never lost for it
        return f"<{type(value).__name__}, whose repr raised {type(problem).__name__}>"
    return text


def named(key: object) -> tuple[str, bool]:
    """A key as a record shows it, and whether its value must not be shown."""
    return _named(key) if type(key) is str else _named(str.__str__(key) if isinstance(key, str) else shown(key)[:300])


@lru_cache(maxsize=4096)
def _named(key: str) -> tuple[str, bool]:
    # The same few keys come with every record.
    return readable(key, 200), is_secret(key)


class Plain:
    """One walk over the values of one record, which together may not exceed `limits`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.values
        self.room = _ROOM
        self._above: list[int] = []  # ids of the containers around the present value: a cycle ends here

    def value(self, value: Any) -> Any:
        """`value` as None, bool, int, float, str, list or dict; never raises."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind in _ATOMS:
            return value
        if kind is int:
            return value if _SMALLEST <= value <= _LARGEST else self._large(value)
        if kind is float:
            # JSON has no NaN and no infinity, and a number must not silently become null.
            return value if value - value == 0 else {"inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), "NaN")
        try:
            return self._other(value)
        except Exception as problem:  # noqa: BLE001 - iterating or converting a foreign object may raise anything
            return f"<{kind.__name__}, which raised {type(problem).__name__}>"

    def _text(self, value: str) -> str:
        text = readable(value, self.limits.text if self.limits.text < self.room else self.room)
        left = self.room - len(text)
        self.room = left if left > 0 else 0
        return scrub(text)

    def _large(self, value: int) -> str:
        bits = value.bit_length()
        return readable(str(value), self.limits.text) if bits <= _BITS_WRITTEN_OUT else f"<integer of {bits} bits>"

    def _other(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return self.value(value.value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return self.value(int.__add__(value, 0))
        if isinstance(value, float):
            return self.value(float.__add__(value, 0.0))
        if isinstance(value, bytes | bytearray | memoryview):
            start = bytes(value[: self.limits.text // 4])  # an unreadable byte takes four characters
            text = self._text(start.decode(errors="backslashreplace"))
            return text if len(start) == len(value) else f"{text}… [{len(value)} bytes]"
        if isinstance(value, date | time):
            return readable(value.isoformat(), 100)
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, PathLike):
            return self.value(fspath(value))
        if isinstance(value, BaseException):
            return self._exception(value)
        if isinstance(value, Mapping):
            return self._inside(value, self._mapping)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._inside(
                {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, self._mapping, value
            )
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return self._inside(value._asdict(), self._mapping, value)
        if hasattr(type(value), "keys") and hasattr(type(value), "items"):
            return self._inside(dict(value.items()), self._mapping, value)  # the headers of a request are no Mapping
        if isinstance(value, list | tuple | range):
            return self._inside(value, self._list)
        if isinstance(value, Set):
            # Sets have no order of their own; two equal records should be equal lines.
            return sorted(self._inside(value, self._list), key=lambda item: json.dumps(item, sort_keys=True))
        if isinstance(value, type | ModuleType):
            return readable(f"{getattr(value, '__module__', '')}.{value.__name__}".lstrip("."), 200)
        # Anything else, generators and files included, is described and left untouched.
        return self._text(shown(value))

    def _exception(self, value: BaseException) -> str:
        from microblog.log.exceptions import message_of  # here, because exceptions are made of plain values too

        return f"{type(value).__name__}: {message_of(value, self.limits.text)}"

    def _inside(self, value: Any, render: Any, identity: Any = None) -> Any:
        here = id(value if identity is None else identity)
        if here in self._above:
            return "<the same again>"
        if len(self._above) >= self.limits.depth:
            return f"<{type(value if identity is None else identity).__name__} of {len(value)}>"
        self._above.append(here)
        try:
            return render(value)
        finally:
            self._above.pop()

    def _mapping(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for position, (key, value) in enumerate(mapping.items()):
            if self._full(position):
                plain["…"] = f"{len(mapping) - position} more"
                break
            name, secret = named(key)
            plain[name] = self.entry(secret, value)
        return plain

    def entry(self, secret: bool, value: Any) -> Any:
        """The value of a key: redacted where the key says so and there is something to hide."""
        if secret and type(value) not in _ATOMS and not (type(value) is str and not value):
            return REDACTED
        return self.value(value)

    def _list(self, values: Iterable[Any]) -> list[Any]:
        plain: list[Any] = []
        for position, value in enumerate(values):
            if self._full(position):
                plain.append(f"… {len(values) - position} more")  # type: ignore[arg-type]  # only sized ones come here
                break
            # ("Cookie", "…"): headers and form fields travel as pairs as often as in mappings.
            if type(value) in (tuple, list) and len(value) == 2 and isinstance(value[0], str) and is_secret(value[0]):
                plain.append([readable(value[0], 200), REDACTED])
            else:
                plain.append(self.value(value))
        return plain

    def _full(self, position: int) -> bool:
        self.left -= 1
        return position >= self.limits.items or self.left < 0
