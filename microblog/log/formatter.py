"""From logging's records to text: structlog's formatter with our two ends, JSON for the file and lines for a person."""

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Any

from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from microblog.log.event import Event
from microblog.log.human import rendered
from microblog.log.records import Fields, build, last_resort, render, text_of


class _Formatter(ProcessorFormatter):
    """Ours and foreign records alike; foreign ones get the context, so that they carry the reference too."""

    def __init__(self, final: Callable[[logging.LogRecord, Mapping[str, Any]], str]) -> None:
        def finish(_: WrappedLogger, __: str, event: EventDict) -> str:
            return final(event["_record"], event)

        super().__init__(processors=[finish], foreign_pre_chain=[merge_contextvars])
        self._final = final

    def format(self, record: logging.LogRecord) -> str:
        try:
            if isinstance(record.msg, dict):
                # What comes from structlog needs nothing of what the base class does but a copy that costs 5 µs.
                return self._final(record, record.msg)
            # Before structlog asks for it: the arguments of a foreign message need not fit it.
            foreign = copy.copy(record)
            foreign.template = record.msg  # for the fingerprint, which leaves the values out
            foreign.msg, foreign.args = text_of(record), None
            return super().format(foreign)
        except Exception as problem:  # noqa: BLE001 - whatever is in the record, something of it is told
            return last_resort(record, f"formatting raised {type(problem).__name__}")


class JsonFormatter(_Formatter):
    """One strict JSON line for each record."""

    def __init__(self) -> None:
        super().__init__(render)


class HumanFormatter(_Formatter):
    """For the console."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__(lambda record, event: rendered(build(record, event), colour=colour, full=False))


def own_record(logger: str, event: Event, values: Mapping[str, Any]) -> logging.LogRecord:
    """A record as structlog's ``wrap_for_formatter`` makes it, for a handler that has something to say itself."""
    speaker = logging.getLogger(logger)
    record = speaker.makeRecord(logger, logging.getLevelNamesMapping()[event.level.upper()], "", 0, "", (), None)
    record.msg = Fields(event=event, **values)
    record.__dict__.update(_logger=speaker, _name=event.level)
    return record
