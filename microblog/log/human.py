"""A record for human eyes: one aligned line, its values below, the exception with its source lines.

Used by the console while the program runs and by ``manage.py logs show`` afterwards. Both show text that strangers
wrote, so nothing here lets a control character through to the terminal.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_SHOWN_APART = frozenset(("timestamp", "level", "event", "logger", "reference", "exception", "stack"))


def wants_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether `stream` is a terminal that shows colours; NO_COLOR says no (https://no-color.org), FORCE_COLOR yes."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    try:
        return stream.isatty() and environ.get("TERM") != "dumb"
    except ValueError:  # a closed stream
        return False


def safe(text: str) -> str:
    """`text` with what would move, colour or turn a terminal's text written as an escape."""
    return _UNSAFE.sub(
        lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text
    )


def rendered(record: Mapping[str, Any], *, colour: bool = False, full: bool = True) -> str:
    """The record as text of one or more lines without a final newline.

    `full` puts every value on a line of its own below the event; otherwise they follow it on the same line.
    """
    paint = _paint if colour else _plain
    level = str(record.get("level", ""))
    when = str(record.get("timestamp", ""))
    clock = when[11:23] if len(when) >= 23 else when
    head = f"{paint(safe(clock), '2')}  {paint(safe(level.upper()).ljust(8), _COLOURS.get(level, '0'))}  "
    head += paint(safe(str(record.get("event", ""))), "1")
    values = [(safe(key), _value(record[key])) for key in record if key not in _SHOWN_APART]
    if not full:
        values += [("reference", safe(str(record["reference"])))] if "reference" in record else []
        lines = ["  ".join([head, *(f"{paint(key, '36')}={value}" for key, value in values)])]
    else:
        lines = [f"{head}  {paint(safe(str(record.get('logger', ''))), '2')}"]
        width = max((len(key) for key, _ in values), default=0)
        lines += [f"    {paint(key.ljust(width), '36')}  {value}" for key, value in values]
    if isinstance(record.get("exception"), list):
        lines += [f"    {line}" for line in exception_lines(record["exception"], colour=colour)]
    if "stack" in record:
        stack = record["stack"]
        lines += [f"    {safe(str(line))}" for line in (stack if isinstance(stack, list) else str(stack).splitlines())]
    return "\n".join(lines)


def exception_lines(described: list[Any], *, colour: bool = False) -> Iterator[str]:
    """The lines of an exception as logs.exceptions.describe tells it: what was raised first, then what caused it."""
    paint = _paint if colour else _plain
    links = {"cause": "caused by", "context": "raised while handling"}
    for entry in described:
        if not isinstance(entry, dict):
            continue
        link = links.get(str(entry.get("link", "")), "")
        kind = ".".join(safe(str(entry.get(part, ""))) for part in ("module", "type") if entry.get(part) != "builtins")
        # Only here a newline is kept: SQL and template errors are laid out in lines.
        first, *others = str(entry.get("message", "")).split("\n")
        yield f"{f'{link} ' if link else ''}{paint(kind, '1;31')}: {safe(first)}"
        yield from (f"    {safe(line)}" for line in [*others, *map(str, _list(entry.get("notes")))])
        frames = [frame for frame in _list(entry.get("frames")) if isinstance(frame, dict)]
        left_out = entry.get("frames_left_out")
        for position, frame in enumerate(frames):
            if left_out and position == len(frames) // 2:
                yield paint(f"  … {safe(str(left_out))} frames left out …", "2")
            file, line, function = (safe(str(frame.get(key, ""))) for key in ("file", "line", "function"))
            yield f"  {file}:{line} in {function}"
            if frame.get("source"):
                yield paint(f"      {safe(str(frame['source']))}", "2")
        for member in _list(entry.get("exceptions")):
            yield from (f"  | {line}" for line in exception_lines(_list(member), colour=colour))


def _list(value: Any) -> list[Any]:
    # Read back from a file, anything may stand anywhere.
    return value if isinstance(value, list) else []


def _value(value: Any) -> str:
    if isinstance(value, str):
        return safe(value) if value and " " not in value else json.dumps(safe(value), ensure_ascii=False)
    return safe(json.dumps(value, ensure_ascii=False, default=repr))


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if text else text


def _plain(text: str, code: str) -> str:
    return text
