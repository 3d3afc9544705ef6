"""What to call a failure, and the one example that is kept of it: a record of the log without its bulk."""

import json
from typing import Any

from microblog.config.settings import ROOT
from microblog.log import plain
from microblog.log.events import CANONICAL, CONTEXT, REQUEST_FINISHED

EXAMPLE = 16_000  # bytes; the whole record stands in the log
_FRAMES, _CHAIN, _MESSAGE = 25, 5, 500
_OURS = frozenset(path.name for path in ROOT.iterdir())
_WELL_KNOWN = {*CANONICAL, *CONTEXT, *REQUEST_FINISHED.keys}


def names(record: dict[str, Any]) -> tuple[str, str, str]:
    """Kind, place and message: ``ZeroDivisionError``, ``microblog/people/views.py in save``, ``division by zero``."""
    raised = _first(record.get("exception"))
    if raised is None:
        told = [f"{key}={record[key]}" for key in record if key not in _WELL_KNOWN]
        where = _text(record.get("route")) or _text(record.get("logger"))
        return plain.line(record.get("event", ""), 120), plain.line(where, 200), plain.line(", ".join(told), 300)
    message = plain.line(raised.get("message", ""), 300)
    return plain.line(raised.get("type", ""), 120), plain.line(_place(raised), 200), message


def example(record: dict[str, Any]) -> str:
    """`record` as JSON of at most EXAMPLE bytes: it can be shown without searching 200 MB of logs for it."""
    kept = json.dumps(record)
    if len(kept) > EXAMPLE:
        kept = json.dumps({key: _shorter(key, value) for key, value in list(record.items())[:40]})
    if len(kept) > EXAMPLE:
        bare = ("timestamp", "level", "event", "logger", "reference", "route", "fingerprint")
        kept = json.dumps({key: plain.line(record[key], 300) for key in bare if key in record})
    return kept


def _first(described: object) -> dict[str, Any] | None:
    """What was raised, in an exception as logs.exceptions.describe tells it; anything may stand in a file."""
    found = described[0] if isinstance(described, list) and described else None
    return found if isinstance(found, dict) else None


def _place(raised: dict[str, Any]) -> str:
    frames = [frame for frame in _list(raised.get("frames")) if isinstance(frame, dict)]
    ours = [frame for frame in frames if _is_ours(_text(frame.get("file")))]
    deepest = (ours or frames or [{}])[-1]
    return " in ".join(part for part in (_text(deepest.get("file")), _text(deepest.get("function"))) if part)


def _is_ours(file: str) -> bool:
    # Installed packages are named from inside their folder, Python's own files begin with python/.
    return file.partition("/")[0] in _OURS


def _shorter(key: str, value: object) -> object:
    if key != "exception":
        return value if isinstance(value, int | float | bool | None) else plain.line(value, 300)
    return [
        {
            **{name: plain.text(part, _MESSAGE) for name, part in raised.items() if isinstance(part, str)},
            "frames": _list(raised.get("frames"))[-_FRAMES:],
        }
        for raised in _list(value)[:_CHAIN]
        if isinstance(raised, dict)
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
