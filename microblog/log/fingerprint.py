"""Which failures are the same failure: one short code, the same in the record, in the mail and in the inbox."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from microblog.log import plain
from microblog.log.exceptions import function_of, place, tracebacks
from microblog.log.plain import short_hash

SILENT = frozenset(("request.finished",))
"""The canonical line of a failed request is no failure of its own: that one has a record too."""

_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+|'[^']*'|\"[^\"]*\"")


def fingerprint(exception: BaseException) -> str:
    """12 hex digits of the exception's type and the deepest file and function of ours that it passed through.

    The line is not part of it, so an edit above does not make an old failure new; neither is the message, which differs
    from case to case. Where nothing of ours took part, the deepest frame stands in; without any frame, the type alone.
    """
    deepest = deepest_of_ours = ("", "")
    for level in tracebacks(exception):
        file, ours = place(level.tb_frame.f_code.co_filename)
        deepest = (file, function_of(level))
        if ours:
            deepest_of_ours = deepest
    kind = type(exception)
    return short_hash(kind.__module__, kind.__qualname__, *(deepest_of_ours if deepest_of_ours[1] else deepest))


def of_record(record: logging.LogRecord, values: Mapping[str, Any], error: BaseException | None) -> str:
    """Which failure `record` tells; `values` is structlog's event dict, empty for a record of another library.

    Whoever gave a fingerprint is believed. Never raises.
    """
    given = values.get("fingerprint")
    if isinstance(given, str) and given:
        return plain.line(given, 40)
    event = plain.line(values.get("event", ""), 200) if values else message_pattern(template(record))
    if error is not None:
        try:
            return fingerprint(error)
        except Exception:  # noqa: BLE001 - a hostile metaclass: then the record's own place has to do
            return short_hash(plain.type_name(error), record.name, event)
    if values:
        return of_event(record.levelno, event, plain.line(values.get("route", ""), 300))
    return of_message(record.levelno, record.name, template(record))


def of_event(level: int, event: str, route: str) -> str:
    """A record of ours without an exception.

    A database that is gone is one trouble wherever it shows; a request that hangs is one for each route.
    """
    return short_hash(level, event, route if event.startswith("request.") else "")


def of_message(level: int, logger: str, message: object) -> str:
    """A record of another library: its message before the values were put in, numbers and quoted words left out."""
    return short_hash(level, logger, message_pattern(message))


def message_pattern(message: object) -> str:
    """`message` without what differs from one time to the next."""
    return _VARIABLE.sub("#", plain.line(message, 200))


def template(record: logging.LogRecord) -> object:
    """The message of a foreign record as the program has it; the formatter works on a copy that has the values in."""
    return getattr(record, "template", record.msg)
