"""Where a request is that takes too long: one thread in each process looks once a second and logs the stack.

A request costs one dict entry. Waiting for a client's body does not count: that is the client's slowness, and the
server has limits for it.
"""

import atexit
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

import structlog
from structlog.contextvars import bound_contextvars

from microblog.log import events
from microblog.log.context import RequestStats
from microblog.log.exceptions import place
from microblog.log.redaction import scrub_source
from microblog.log.values import readable

SECONDS = 5.0  # that a request may take before it is told
LOOK = 1.0  # seconds between two looks
MANY, WITHIN = 5, 300.0  # so many in so many seconds are an error, which is mailed; one of them is not
FRAMES = 60

log = structlog.get_logger(__name__)


class Body(Protocol):
    """The body of a request, as it comes in; `waiting` while somebody reads it."""

    waiting: bool


@dataclass(slots=True)
class _Running:
    started: float  # time.monotonic()
    reference: str
    method: str
    known: RequestStats
    body: Body
    told: bool = False


_running: dict[int, _Running] = {}
_thread: threading.Thread | None = None
_starting = threading.Lock()
_stop = threading.Event()
_recent: list[float] = []
_besides: Callable[[], None] | None = None


def begin(reference: str, method: str, known: RequestStats, body: Body) -> None:
    """The thread that calls this answers a request from now on, until it calls `end`."""
    _running[threading.get_ident()] = _Running(time.monotonic(), reference, method, known, body)
    if _thread is None:
        _start()


def end() -> None:
    """The answer is made; how long the client takes to read it is not looked at."""
    _running.pop(threading.get_ident(), None)


def each_second(besides: Callable[[], None] | None) -> None:
    """Have the thread, once it runs, do something else as well; it must not raise and not wait."""
    global _besides
    _besides = besides


def _start() -> None:
    global _thread
    with _starting:
        if _thread is None and not _stop.is_set():
            thread = threading.Thread(target=_watch, name="slow-requests", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # no thread to be had, or the interpreter is going down: requests come first
            _thread = thread


def stop() -> None:
    """End the thread; the next request starts none. For the end of the process."""
    _stop.set()
    if _thread is not None:
        _thread.join(2)


def _watch() -> None:
    while not _stop.wait(LOOK):
        try:
            look(time.monotonic())
        except Exception as error:
            log.warning(events.REQUEST_SLOW, seconds=SECONDS, exc_info=error)
        if _besides is not None:
            _besides()


def look(now: float) -> None:
    """Tell every request that has taken too long by `now`, each once."""
    late = [
        (thread, one)
        for thread, one in list(_running.items())
        if not one.told and now - one.started >= SECONDS and not one.body.waiting
    ]
    if not late:
        return
    frames = sys._current_frames()
    for thread, one in late:
        frame = frames.get(thread)
        if frame is None or _running.get(thread) is not one:
            continue  # it ended just now, and the thread is at work for somebody else
        one.told = True
        _tell(one, stack(frame), now)


def _tell(one: _Running, lines: list[str], now: float) -> None:
    _recent[:] = [moment for moment in _recent if moment > now - WITHIN] + [now]
    level = "error" if len(_recent) >= MANY else "warning"
    with bound_contextvars(reference=one.reference, method=one.method, route=one.known.route):
        getattr(log, level)(
            events.REQUEST_SLOW, seconds=round(now - one.started, 1), recent=len(_recent), stack_info=lines
        )


def stack(frame: FrameType | None) -> list[str]:
    """``file:line function: source`` for each frame, the caller first; without variables."""
    found: list[Any] = []
    while frame is not None:
        found.append((frame, frame.f_lineno))
        frame = frame.f_back
    summary = traceback.StackSummary.extract(reversed(found[:FRAMES]))
    return [
        f"{place(level.filename)[0]}:{level.lineno} {readable(level.name, 200)}: "
        f"{scrub_source(readable((level.line or '').strip(), 200))}"
        for level in summary
    ]


def _after_fork() -> None:
    """In the child: the thread did not come along, and nobody is answered yet."""
    global _thread, _starting, _stop
    _thread, _starting, _stop = None, threading.Lock(), threading.Event()
    _running.clear()
    _recent.clear()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(stop)
