"""What an alert keeps of one log record: small, safe, and taken while the exception is still warm.

Two halves, because the first runs inside a request: `summarise` only copies names and numbers; `finish`, in the
background, reads source lines and hides secrets.
"""

import json
import linecache
import logging
import sys
from collections import deque
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from microblog.log import plain
from microblog.log.fingerprint import of_record
from microblog.log.redaction import REDACTED, is_secret, scrub, scrub_source

MESSAGE = 1000
MAX_CHAIN = 5
HEAD, TAIL = 5, 45  # frames kept of a deep stack: how it began, and where it broke
_KNOWN = ("event", "logger", "reference", "method", "route", "path", "user_id", "status", "fingerprint")
_SKIPPED = {*_KNOWN, "exc_info", "exception", "stack_info", "stack", "level", "timestamp", "environment", "release"}


@dataclass
class Frame:
    """One level of a traceback, without its variables."""

    file: str
    line: int
    function: str
    source: str = ""


@dataclass
class Raised:
    """One exception of a chain. `relation` says how the one before it led here: "cause", "context" or nothing."""

    type: str
    message: str
    relation: str = ""
    frames: list[Frame] = field(default_factory=list)
    omitted: int = 0


@dataclass
class Summary:
    """One record as the mail will tell it; times in seconds since 1970."""

    at: float = 0.0
    level: str = "ERROR"
    event: str = ""
    logger: str = ""
    reference: str = ""
    method: str = ""
    route: str = ""
    path: str = ""
    user_id: str = ""
    status: str = ""
    chain: list[Raised] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call it: the exception's type, else the event."""
        return self.chain[-1].type if self.chain else self.event

    def to_json(self) -> str:
        """One line for the spool."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, kept: str) -> "Summary":
        """What `to_json` wrote; an empty summary where it cannot be read."""
        try:
            values = json.loads(kept)
            values = {known.name: values[known.name] for known in fields(cls) if known.name in values}
            chain = [
                Raised(**{**raised, "frames": [Frame(**frame) for frame in raised["frames"]]})
                for raised in values.pop("chain", [])
            ]
            return cls(**values, chain=chain)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls(event="(the kept example cannot be read)")


@dataclass
class Seen:
    """A log record opened: from structlog (`record.msg` is its event dict) or from anyone else."""

    record: logging.LogRecord
    values: dict[str, Any]
    error: BaseException | None

    @classmethod
    def of(cls, record: logging.LogRecord) -> "Seen":
        """Open `record`. Never raises for what is inside it."""
        values = record.msg if isinstance(record.msg, dict) else {}
        return cls(record, values, _error(record.exc_info) or _error(values.get("exc_info")))

    @property
    def event(self) -> str:
        """structlog's event, or the finished message of a foreign record."""
        if self.values:
            return plain.line(self.values.get("event", ""), 200)
        try:
            return plain.line(self.record.getMessage(), 200)
        except Exception:  # noqa: BLE001 - wrong arguments to a foreign log call
            return plain.line(self.record.msg, 200)

    @property
    def reference(self) -> str:
        """The reference of the request, or nothing."""
        return plain.line(self.values.get("reference") or getattr(self.record, "reference", ""), 40)

    @property
    def fingerprint(self) -> str:
        """Which bug it is; the record in the log has the same."""
        return of_record(self.record, self.values, self.error)


def summarise(seen: Seen) -> Summary:
    """The first half: everything that may be gone a moment later, nothing that touches a disk."""
    values = seen.values
    known = {key: plain.line(values[key], 300) for key in _KNOWN if values.get(key) is not None}
    chain = _chain(seen.error) if seen.error is not None else []
    more = {
        plain.line(key, 60): REDACTED if is_secret(plain.line(key, 60)) else plain.line(value, 300)
        for key, value in list(values.items())[:40]
        if key not in _SKIPPED and not plain.line(key, 1).startswith("_")
    }
    return Summary(
        at=seen.record.created,
        level=seen.record.levelname,
        event=seen.event,
        logger=known.get("logger", "") or plain.line(seen.record.name, 100),
        reference=seen.reference,
        method=known.get("method", ""),
        route=known.get("route", ""),
        path=known.get("path", ""),
        user_id=known.get("user_id", ""),
        status=known.get("status", ""),
        chain=chain,
        more=dict(list(more.items())[:12]),
    )


def finish(summary: Summary) -> Summary:
    """The second half, off the request: source lines, and no secrets. Returns the same object."""
    for raised in summary.chain:
        raised.message = scrub(raised.message)
        for frame in raised.frames:
            frame.source = scrub_source(plain.line(linecache.getline(frame.file, frame.line), 200))
            frame.file, frame.function = plain.line(frame.file, 300), plain.line(frame.function, 120)
    summary.event = scrub(summary.event)
    summary.more = {key: scrub(value) for key, value in summary.more.items()}
    # A link that lets somebody in is a path: where the route says that part of it is a key, only the route is told.
    summary.path = "" if is_secret(summary.route) else scrub(summary.path.partition("?")[0])
    return summary


def _error(info: object) -> BaseException | None:
    """The exception behind any form of `exc_info`."""
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if len(info) == 3 and isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info is True or (type(info) is int and info != 0) else None


def _chain(error: BaseException) -> list[Raised]:
    """The exception and what led to it, oldest first, as a traceback prints it."""
    found: list[Raised] = []
    met: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in met and len(found) < MAX_CHAIN:
        met.add(id(current))
        raised = Raised(plain.type_name(current), plain.text(current, MESSAGE))
        raised.frames, raised.omitted = _frames(current)
        found.append(raised)
        if current.__cause__ is not None:
            raised.relation, current = "cause", current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            raised.relation, current = "context", current.__context__
        else:
            current = None
    found[-1].relation = ""
    return found[::-1]


def _frames(error: BaseException) -> tuple[list[Frame], int]:
    head: list[Frame] = []
    tail: deque[Frame] = deque(maxlen=TAIL)
    count = 0
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        (head if count < HEAD else tail).append(Frame(code.co_filename, trace.tb_lineno, code.co_name))
        count += 1
        trace = trace.tb_next
    return [*head, *tail], count - len(head) - len(tail)
