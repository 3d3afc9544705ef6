"""One record as one strict JSON line, whatever is in it.

A line is UTF-8 without a raw control character, keys in a fixed order, no longer than LINE_MAX, and always there: what
cannot be shown is replaced by a placeholder, what is too long is shortened, and the last resort is built of constants.
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from microblog.log.exceptions import current, describe
from microblog.log.fingerprint import SILENT, of_record
from microblog.log.values import STEPS, Limits, Plain, named, readable

LINE_MAX = 65_536
"""The longest line, in bytes and with its newline. Below it, one write is one piece on every file system we know."""

FIRST = ("timestamp", "level", "event", "logger", "reference")
_PLACED = frozenset(("event", "reference", "exc_info", "stack_info", "_record", "_from_structlog"))
_OWN = frozenset(("timestamp", "level", "logger"))

# Valid in JSON and yet not fit for a terminal or a line: DEL, C1 controls, line and paragraph separators (which end a
# line for Python and JavaScript), and the marks that turn the direction of what follows. Escaped, they mean the same.
_UNFIT = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# Colours that werkzeug and others paint their messages with.
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as ``2026-11-21T12:46:17.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was logged, ours or foreign, as a new mapping: at least ``event``; ``exc_info`` where there was one.

    For handlers that want values and not a line, such as the one that sends mail.
    """
    if isinstance(record.msg, dict):
        return dict(record.msg)
    found: dict[str, Any] = {"event": text_of(record)}
    if record.exc_info:
        found["exc_info"] = record.exc_info
    if record.stack_info:
        found["stack_info"] = record.stack_info
    return found


def text_of(record: logging.LogRecord) -> str:
    """The message of a foreign record; where its arguments do not fit, the message and the arguments."""
    try:
        return _COLOURS.sub("", record.getMessage())
    except Exception:  # noqa: BLE001 - "%d" % "x" and every __str__ in the arguments may raise anything
        text, arguments = (Plain(STEPS[2]).value(part) for part in (record.msg, record.args))
        return f"{text} {arguments}"


class Fields(dict[str, Any]):
    """What was logged, on its way through logging; other handlers that make it a text see no secret and cannot fail."""

    def __str__(self) -> str:
        return dumps(Plain(STEPS[1]).value(dict(self)))

    __repr__ = __str__


def build(
    record: logging.LogRecord, event: Mapping[str, Any], limits: Limits = STEPS[0], *, shortened: bool = False
) -> dict[str, Any]:
    """The record as plain JSON values in canonical order; `event` is what was logged and stays as it is."""
    plain = Plain(limits)
    name = event.get("event", "")
    built: dict[str, Any] = {
        "timestamp": timestamp(record.created),
        "level": record.levelname.lower(),
        "event": plain.value(name) if isinstance(name, str) else str(plain.value(name)),
        "logger": readable(str(record.name), 200),
    }
    if "reference" in event:
        built["reference"] = plain.value(event["reference"])

    rest: dict[str, Any] = {}
    for key, value in event.items():
        if key in _PLACED:
            continue
        if len(rest) >= limits.items:
            rest["left_out"] = len(event) - len(rest)
            break
        key, secret = named(key)
        # What a caller calls `level` must not pass for the record's own.
        rest[f"{key}_" if key in _OWN else key] = plain.entry(secret, value)
    exception = current(event.get("exc_info"))
    if exception is not None:
        rest["exception"] = describe(exception, limits)
    if exception is not None or (built["level"] in ("error", "critical") and built["event"] not in SILENT):
        ours = event if isinstance(record.msg, dict) else {}
        rest.setdefault("fingerprint", of_record(record, ours, exception))
    if event.get("stack_info"):
        rest["stack"] = plain.value(event["stack_info"])
    if shortened:
        rest["truncated"] = True
    for key in sorted(rest):
        built[key] = rest[key]
    return built


def dumps(built: Mapping[str, Any]) -> str:
    """Compact strict JSON on one line."""
    try:
        line = orjson.dumps(built).decode()
    except (TypeError, ValueError, RecursionError):  # not reached by plain values, and not trusted to stay so
        line = json.dumps(built, separators=(",", ":"), allow_nan=False, default=repr)
    if len(line) >= LINE_MAX:
        return line  # to be made again, shorter
    if line.isascii():
        return line.replace("\x7f", "\\u007f") if "\x7f" in line else line
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def fits(line: str) -> bool:
    """Whether the line and its newline stay within LINE_MAX bytes."""
    # At most three bytes a UTF-16 unit: most lines need no encoding to know.
    return len(line) < LINE_MAX // 4 or len(line.encode()) < LINE_MAX


def render(record: logging.LogRecord, event: Mapping[str, Any]) -> str:
    """The line of a record: everything where it fits, shortened step by step where it does not. Never raises."""
    try:
        line = dumps(build(record, event))
        if fits(line):
            return line
        for limits in STEPS[1:]:
            line = dumps(build(record, event, limits, shortened=True))
            if fits(line):
                return line
        return last_resort(record, "too long for a line")
    except Exception as problem:  # noqa: BLE001 - the record is worth more than whatever went wrong in showing it
        return last_resort(record, f"rendering raised {type(problem).__name__}")


def last_resort(record: logging.LogRecord, problem: str) -> str:
    """A line that needs nothing of what was logged but its name."""
    event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
    reference = record.msg.get("reference") if isinstance(record.msg, dict) else None
    built = {
        "timestamp": timestamp(record.created),
        "level": record.levelname.lower(),
        "event": readable(event, 200) if isinstance(event, str) else "record.unreadable",
        "logger": readable(str(record.name), 200),
    }
    if isinstance(reference, str):
        built["reference"] = readable(reference, 40)
    return json.dumps({**built, "problem": problem}, separators=(",", ":"))


def shortened(line: str) -> str:
    """Any text as a line that fits: a JSON object keeps its keys with shorter values, other text becomes an event."""
    if fits(line):
        return line
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        record = {"timestamp": timestamp(datetime.now(UTC).timestamp()), "level": "info", "event": line}
    for limits in STEPS[1:]:
        shorter = dumps({**Plain(limits).value(record), "truncated": True})
        if fits(shorter):
            return shorter
    return dumps({"event": "record.unreadable", "problem": "too long for a line"})
