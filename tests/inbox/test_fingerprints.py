"""The log, the mail and the inbox agree on what is the same failure."""

import logging

import pytest
import structlog

from microblog.alerts.inbox.reading import fingerprint_of
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.spool import spools
from microblog.alerts.summary import Seen
from microblog.log import events, setup
from tests.support.alerting import handler_for, settings_for


@pytest.fixture
def site(tmp_path):
    """The whole chain; the mail server is not there, so what waits can be counted."""
    settings = settings_for(tmp_path, 1, alerts={"first_wait": 3600})
    with handler_for(settings) as handler:
        setup.configure(settings, process="test", alert_handler=handler)
        yield settings, handler
        setup.close()
        structlog.contextvars.clear_contextvars()


class Hostile(type):
    @property
    def __module__(cls):
        raise RuntimeError


def everything():
    log, other = structlog.get_logger("microblog.somewhere"), logging.getLogger("sqlalchemy.pool")
    for number in range(3):
        log.error(events.DATABASE_FULL, code=f"code {number}")
        log.critical(events.DATABASE_CORRUPT, code="x")
        log.error(events.REQUEST_FINISHED, status=500)
        log.warning(events.DATABASE_BUSY, code="x")
        other.error("connection %s to %r lost after %d s", f"c{number}", f"host {number}", number)
        other.error("the pool is gone")
        log.error(events.REQUEST_SLOW, recent=number, seconds=5.0, route=f"/{number % 2}")
        for kind in (ValueError, KeyError, type("Odd", (Exception,), {})):
            try:
                raise kind(f"number {number}")
            except Exception:
                log.exception(events.REQUEST_FAILED, route=f"/{number}")


def test_it_works(site):
    settings, handler = site
    everything()
    handler.flush()
    inbox = Inbox(settings)
    inbox.read_on()
    mailed = {group.fingerprint: group.total for group in spools(settings)[0].waiting()}
    assert {group.fingerprint: group.count for group in inbox.groups()} == mailed
    assert len(mailed) == 9
    assert sum(mailed.values()) == 24


def test_lines_without_one_get_the_same(site):
    """Written by a release that gave a fingerprint to exceptions only."""
    settings, _ = site
    everything()
    inbox = Inbox(settings)
    inbox.read_on()
    for group in inbox.groups():
        record = inbox.example(group.fingerprint)
        if not record or "exception" in record or record["event"].startswith("connection"):
            continue  # the values of another library's message cannot be taken out again
        level = {"error": logging.ERROR, "critical": logging.CRITICAL}[record["level"]]
        del record["fingerprint"]
        assert fingerprint_of(record, level) == group.fingerprint


def test_a_hostile_exception_has_one_too():
    error = Hostile("Bad", (Exception,), {})("x")
    made = logging.LogRecord("microblog", logging.ERROR, "x.py", 1, {"event": "request.failed"}, (), None)
    made.msg["exc_info"] = error
    assert len(Seen.of(made).fingerprint) == 12
