"""Through the real chain: one call, one record in the file, one mail, the same reference and fingerprint in both."""

import json
import logging
from pathlib import Path

import pytest
import structlog

from microblog.log import events, setup
from microblog.log.reference import new_reference
from tests.support.alerting import handler_for, raised, settings_for
from tests.support.mailbox import free_port, wait_until


@pytest.fixture
def configured(settings, handler):
    setup.configure(settings, process="test", alert_handler=handler)
    yield handler
    setup.close()
    structlog.contextvars.clear_contextvars()


def test_it_works(configured, mailbox, settings):
    reference = new_reference()
    structlog.contextvars.bind_contextvars(reference=reference)
    log = structlog.get_logger("microblog.errors")
    try:
        raise ZeroDivisionError("Привет")
    except ZeroDivisionError:
        log.exception(events.REQUEST_FAILED, method="POST", route="/edit_profile", status=500, user_id=17)
    log.error(events.REQUEST_FINISHED, method="POST", route="/edit_profile", status=500)
    assert configured.queued(reference)
    assert wait_until(lambda: mailbox.mails)

    lines = [json.loads(line) for line in written(settings).splitlines()]
    record = next(line for line in lines if line["event"] == "request.failed")
    assert mailbox.subjects == ["[Microblog] 500 ZeroDivisionError at POST /edit_profile (×1)"]
    assert dict(mailbox.counts()) == {record["fingerprint"]: 1}
    assert f"manage.py logs show {record['reference']}" in mailbox.text()
    assert wait_until(lambda: '"alert.sent"' in written(settings))


def test_foreign_records_and_warnings(configured, mailbox, settings):
    logging.getLogger("sqlalchemy.pool").error("connection %s lost", 7, exc_info=raised(OSError("gone")))
    logging.getLogger("sqlalchemy.pool").warning("not this")
    assert wait_until(lambda: mailbox.mails)
    assert mailbox.subjects == ["[Microblog] OSError: connection 7 lost (×1)"]
    assert "OSError: gone" in mailbox.text()


def test_a_failure_is_in_the_log_and_not_in_a_mail(tmp_path):
    settings = settings_for(tmp_path, free_port())
    with handler_for(settings) as handler:
        setup.configure(settings, process="test", alert_handler=handler)
        try:
            structlog.get_logger("microblog").error(events.DATABASE_FULL)
            assert wait_until(lambda: '"alert.failed"' in written(settings))
        finally:
            setup.close()
    failed = [json.loads(line) for line in written(settings).splitlines() if "alert.failed" in line]
    assert failed[0]["level"] == "warning"
    assert set(failed[0]) >= {"error", "attempt", "retry_in", "queued"}


def written(settings):
    return Path(setup.file_path(settings)).read_text(encoding="utf-8")
