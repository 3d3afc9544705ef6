"""Putting it together: structlog on top, logging below, one file, perhaps a console, the alerts behind both."""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import ProcessorFormatter

from microblog.config.settings import Settings
from microblog.log import events, metrics, slow
from microblog.log.file import JsonLinesHandler
from microblog.log.flood import Flood
from microblog.log.formatter import HumanFormatter, own_record
from microblog.log.human import wants_colour
from microblog.log.levels import FILE_NAME as LEVELS_FILE
from microblog.log.levels import Levels, switchable
from microblog.log.records import Fields
from microblog.log.stderr import say

FILE_NAME = "microblog.jsonl"
Process = Literal["web", "cli", "test"]

# What other libraries say that an operator wants to know. Their loggers are told to say it and to hand it up to the
# root, where our handlers are; the loggers of everything else keep the levels and handlers they have.
FOREIGN = {
    "werkzeug": logging.INFO,
    "gunicorn.error": logging.INFO,
    "gunicorn.access": logging.WARNING,  # request.finished says it, and says more
    "sqlalchemy": logging.WARNING,
    "alembic": logging.INFO,
    "alembic.runtime.plugins": logging.WARNING,  # which parts of itself it loads, each time a command needs it
    "flask_migrate": logging.INFO,
    "py.warnings": logging.WARNING,
}


def file_path(settings: Settings) -> str:
    """Where the records are written; absolute."""
    return os.path.join(settings.log_dir, FILE_NAME)  # noqa: PTH118


class NoPin(logging.Filter):
    """Keeps the debugger's PIN, which lets whoever knows it run code, on the console and out of the file."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.name == "werkzeug" and isinstance(record.msg, str) and "PIN" in record.msg)


class NoRows(logging.Filter):
    """Keeps out the rows that SQLAlchemy shows at level debug: they are what people typed, and their passwords."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (
            record.name.startswith("sqlalchemy") and isinstance(record.msg, str) and record.msg.startswith("Row ")
        )


class _PinOnly(logging.Handler):
    """Without a console the PIN still has to be told to somebody: to whoever reads stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "werkzeug" and isinstance(record.msg, str) and "PIN" in record.msg:
            say(record.getMessage().encode(errors="replace") + b"\n")


_ABOUT_ALERTS = (events.ALERT_SENT, events.ALERT_FAILED)


class Guarded(logging.Handler):
    """The alert handler behind a wall: what it raises ends here, what it logs itself does not come back to it."""

    def __init__(self, inner: logging.Handler, report: logging.Handler) -> None:
        super().__init__(inner.level)
        self.inner = inner
        self._report = report
        self._here = threading.local()

    def handle(self, record: logging.LogRecord) -> bool:
        """Hand the record over unless it comes from the handler inside or is about it; without a lock of ours."""
        if getattr(self._here, "inside", False) or record.levelno < self.inner.level:
            return False
        if isinstance(record.msg, dict) and record.msg.get("event") in _ABOUT_ALERTS:
            return False  # said from a thread of its own: a mail about a mail that failed would never end
        self._here.inside = True
        try:
            self.inner.handle(record)
        except Exception as problem:  # noqa: BLE001 - a bug in the mail must not become the request's
            told = {"error": f"{type(problem).__name__} in {type(self.inner).__name__}"}
            self._report.handle(own_record(__name__, events.ALERT_FAILED, told))
        finally:
            self._here.inside = False
        return True


class _Console(logging.Handler):
    """For the person at the terminal: writes to what is stderr at the moment, and waits for a slow one."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # no stderr, closed, its reader gone
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()


@dataclass
class _Installed:
    """What configure() changed, so that it can be taken back."""

    wanted: tuple[Any, ...]
    handlers: list[logging.Handler]
    undo: list[Callable[[], None]] = field(default_factory=list)


_installed: _Installed | None = None
_lock = threading.Lock()


def configure(
    settings: Settings,
    *,
    process: Process = "web",
    alert_handler: logging.Handler | None = None,
    service: logging.Handler | None = None,
) -> None:
    """Send every record to the log file, and to the console, `alert_handler` and `service` where there are such.

    May be called any number of times: the same arguments change nothing, others replace what the last call did. After a
    fork nothing needs to be done. Never raises because of the file or its folder: the records go to stderr then.
    """
    global _installed
    wanted = (settings.logs, str(settings.log_dir), process, alert_handler, service)
    with _lock:
        # Looked for at the root as well: logging.config, which Alembic's template calls, throws handlers out.
        if _installed and _installed.wanted == wanted and set(_installed.handlers) <= set(logging.getLogger().handlers):
            return
        _take_back()
        level = logging.getLevelNamesMapping().get(settings.logs.level.upper(), logging.INFO)
        kept = settings.logs
        flood = Flood(kept.sender_bytes)
        file = JsonLinesHandler(file_path(settings), kept.max_bytes, kept.backups, kept.keep_days, flood)
        file.addFilter(NoPin())
        handlers: list[logging.Handler] = [file, _console(settings.logs.console, process), metrics.Counting()]
        for handler in handlers:
            handler.addFilter(NoRows())
        # Behind the file: whoever is mailed a reference finds it there.
        handlers += [Guarded(one, file) for one in (alert_handler, service) if one is not None]
        _installed = _Installed(wanted, handlers, [service.close] if service else [])
        _install(_installed, settings)
        levels = _chain(_installed, settings, level, cache=process != "test")
    file.tell()
    levels.look()
    slow.each_second(levels.look)


def log_file() -> JsonLinesHandler | None:
    """The handler of the log file, once `configure` was called."""
    handlers = _installed.handlers if _installed else []
    return next((handler for handler in handlers if isinstance(handler, JsonLinesHandler)), None)


def close() -> None:
    """Take everything back and close the file; for tests, and for a program that goes on without us."""
    with _lock:
        _take_back()


def _console(wanted: str, process: Process) -> logging.Handler:
    if wanted == "off" or (wanted != "on" and (process == "test" or not _is_terminal())):
        return _PinOnly()
    console = _Console()
    console.setFormatter(HumanFormatter(colour=wants_colour(sys.stderr)))
    if process == "cli":
        # A command says itself, on stdout, what it did.
        console.setLevel(logging.WARNING)
    return console


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stderr, or a closed one
        return False


def _install(installed: _Installed, settings: Settings) -> None:
    root = logging.getLogger()
    for handler in installed.handlers:
        root.addHandler(handler)
    for name, own_level in base_levels(settings).items():
        _set(installed, logging.getLogger(name), own_level)
    before = logging._warnings_showwarning  # type: ignore[attr-defined]  # set while captured; nothing else tells
    if before is None:
        logging.captureWarnings(capture=True)
        installed.undo.append(lambda: logging.captureWarnings(capture=False))


def _set(installed: _Installed, logger: logging.Logger, level: int) -> None:
    """Have the logger speak at `level` through the root only: with its own handlers all would be said twice."""
    before = (logger.level, logger.propagate, logger.handlers)

    def undo() -> None:
        logger.setLevel(before[0])
        logger.propagate, logger.handlers = before[1:]

    installed.undo.append(undo)
    logger.setLevel(level)
    logger.propagate, logger.handlers = True, []


def base_levels(settings: Settings) -> dict[str, int]:
    """The loggers whose levels are ours to set, and what the settings say."""
    level = logging.getLevelNamesMapping().get(settings.logs.level.upper(), logging.INFO)
    return {"microblog": level, **{name: max(level, own_level) for name, own_level in FOREIGN.items()}}


def _chain(installed: _Installed, settings: Settings, level: int, *, cache: bool) -> Levels:
    logger_class, switch = switchable(level)
    levels = Levels(Path(settings.log_dir) / LEVELS_FILE, base_levels(settings), switch)
    installed.undo.append(levels.take_back)
    installed.undo.append(lambda: slow.each_second(None))
    before = structlog.get_config() if structlog.is_configured() else None
    installed.undo.append(lambda: structlog.configure(**before) if before else structlog.reset_defaults())
    structlog.configure(
        # Nothing that can raise stands here, in the caller's way: all of it is in the formatter, behind the handler.
        processors=[merge_contextvars, _settle, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=logger_class,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=cache,
    )
    return levels


def _settle(_: Any, __: str, event: structlog.typing.EventDict) -> Fields:
    # `exc_info=True` means now: a handler may look at the record when the exception is long handled.
    if event.get("exc_info") is True:
        event["exc_info"] = sys.exc_info()[1]
    return Fields(event)


def _take_back() -> None:
    global _installed
    if _installed is None:
        return
    root = logging.getLogger()
    for handler in _installed.handlers:
        root.removeHandler(handler)
    for undo in reversed(_installed.undo):
        undo()
    for handler in _installed.handlers:
        handler.close()
    _installed = None
