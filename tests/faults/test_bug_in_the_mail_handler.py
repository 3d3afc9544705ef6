"""F49: a bug inside the alerts is one line in the log, no recursion, and no trouble for the request."""

import logging

import pytest
import structlog
from structlog.testing import capture_logs

from microblog.alerts import handler as alerts
from microblog.alerts import spool
from microblog.alerts.health import health
from tests.support.alerting import bug, handler_for, raised, record, settings_for
from tests.support.mailbox import Mailbox, wait_until

pytestmark = pytest.mark.fault(49)


@pytest.fixture
def settings(tmp_path):
    return settings_for(tmp_path, 1)


@pytest.fixture
def at_the_root(settings):
    with handler_for(settings) as handler:
        logging.getLogger().addHandler(handler)
        yield handler
        logging.getLogger().removeHandler(handler)


def test_emit_has_a_bug(at_the_root, monkeypatch):
    monkeypatch.setattr(alerts, "summarise", lambda seen: 1 / 0)
    with capture_logs() as logs:
        for _ in range(100):
            logging.getLogger("microblog").handle(record(bug(0), reference="K7Q2F-9M4ZX"))
    assert [entry["event"] for entry in logs] == ["alert.failed"]
    assert "ZeroDivisionError" in logs[0]["error"]
    assert not at_the_root.queued("K7Q2F-9M4ZX")  # nobody may say that the administrator was told


def test_what_the_handler_logs_at_error_does_not_come_back(at_the_root, monkeypatch, settings):
    calls = []

    def talkative(seen):
        calls.append(seen)
        logging.getLogger("microblog.alerts").error("inside %s", len(calls))
        structlog.get_logger().error("inside")
        raise RuntimeError("and then it breaks")

    monkeypatch.setattr(alerts, "summarise", talkative)
    logging.getLogger("microblog").handle(record(bug(0)))
    assert len(calls) == 1


def test_the_thread_has_a_bug_and_goes_on(tmp_path, monkeypatch):
    box = Mailbox().start()
    broken = True
    finish = alerts.finish

    def sometimes(summary):
        if broken:
            raise RuntimeError("finish")
        return finish(summary)

    monkeypatch.setattr(alerts, "finish", sometimes)
    try:
        with capture_logs() as logs, handler_for(settings_for(tmp_path, box.port)) as handler:
            handler.emit(record(bug(0)))
            assert wait_until(lambda: logs)
            broken = False
            assert wait_until(lambda: box.mails)
    finally:
        box.stop()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["alert.failed"]
    assert box.counts().total() == 1


def test_when_even_the_log_fails(at_the_root, monkeypatch):
    monkeypatch.setattr(alerts, "summarise", lambda seen: 1 / 0)

    def broken(*_):
        raise OSError("no log")

    structlog.configure(processors=[broken])
    try:
        at_the_root.emit(record(raised(ValueError("x"))))
    finally:
        structlog.reset_defaults()


def test_a_broken_spool_is_set_aside_and_said(tmp_path, monkeypatch):
    box = Mailbox().start()
    settings = settings_for(tmp_path, box.port)
    place = spool.spools(settings)[0].path
    place.parent.mkdir()
    place.write_bytes(b"this is no database" * 1000)
    try:
        with capture_logs() as logs, handler_for(settings) as handler:
            handler.emit(record(bug(0)))
            assert wait_until(lambda: box.mails)
    finally:
        box.stop()
    assert "is kept as" in next(entry["error"] for entry in logs if entry["event"] == "alert.failed")
    assert place.with_name(place.name + ".broken").read_bytes().startswith(b"this is no database")
    assert health(settings).state == "fine"
