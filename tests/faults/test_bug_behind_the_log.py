"""F49, the log side: whatever the handler behind the file does wrong costs one line and nothing else."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

pytestmark = pytest.mark.fault(49)

log = structlog.get_logger("microblog.people.views")


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("a bug in the mail, with password=canary")


class RaisingInItsFilter(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.addFilter(lambda record: record.nothing)  # type: ignore[attr-defined]


class LoggingItsErrors(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            raise OSError("no mail server")
        except OSError:
            log.exception(events.ALERT_FAILED)
            logging.getLogger("smtplib").error("refused")


class LoggingFromItsThread(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.msg["event"] == events.REQUEST_FAILED:  # type: ignore[call-overload]
            thread = threading.Thread(target=log.error, args=(events.ALERT_FAILED,))
            thread.start()
            thread.join(60)
            assert not thread.is_alive(), "a thread of the handler waits for a lock that the record before it holds"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Raising, ["alert.failed"]),
        (RaisingInItsFilter, ["alert.failed"]),
        (LoggingItsErrors, ["alert.failed", "refused"]),
        (LoggingFromItsThread, ["alert.failed"]),
    ],
)
def test_one_line_and_no_recursion(tmp_path: Path, kind: Any, told: list[str]) -> None:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path))), process="test", alert_handler=kind(logging.ERROR))
    log.error(events.REQUEST_FAILED, path="/x")
    log.info(events.PROFILE_SAVED)
    setup.close()

    text = (tmp_path / setup.FILE_NAME).read_text()
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["request.failed", *told, "profile.saved"]
    assert "canary" not in text
