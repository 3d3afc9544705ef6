"""Handlers without a lock around `emit`: no thread waits for another one's record."""

import logging
import threading

import pytest

from microblog.alerts.handler import AlertHandler
from microblog.alerts.sentry import SentryHandler
from microblog.log.metrics import Counting
from microblog.log.unlocked import UnlockedHandler


class Recording(UnlockedHandler):
    def __init__(self) -> None:
        super().__init__()
        self.emitted: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.emitted.append(record.getMessage())


def a_record(text: str) -> logging.LogRecord:
    return logging.LogRecord("test", logging.ERROR, __file__, 1, text, None, None)


def test_a_held_lock_keeps_no_record_back():
    handler = Recording()
    assert handler.lock is not None, "Python 3.13 enters the lock of every handler: None would be a TypeError"
    with handler.lock:
        other = threading.Thread(target=handler.handle, args=[a_record("hello")], daemon=True)
        other.start()
        other.join(60)
    assert handler.emitted == ["hello"]


def test_filters_count():
    handler = Recording()
    handler.addFilter(lambda record: record.getMessage() != "noise")
    assert [handler.handle(a_record(text)) for text in ("noise", "news")] == [False, True]
    assert handler.emitted == ["news"]


@pytest.mark.parametrize("kind", [AlertHandler, Counting, SentryHandler])
def test_the_handlers_that_requests_meet(kind: type[logging.Handler]):
    assert issubclass(kind, UnlockedHandler)
    assert "createLock" not in vars(kind)
