"""F14, the log side: RecursionError and MemoryError leave one record with at most 50 frames."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

pytestmark = pytest.mark.fault(14)

log = structlog.get_logger("microblog.people.views")


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path))), process="test")
    yield tmp_path / setup.FILE_NAME
    setup.close()


def read(log_file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_file.read_text().splitlines()]


def endless(n: int = 0) -> int:
    return endless(n + 1)


def test_recursion(log_file: Path) -> None:
    try:
        endless()
    except RecursionError:
        log.exception(events.REQUEST_FAILED)

    (record,) = read(log_file)
    (described,) = record["exception"]
    assert described["type"] == "RecursionError"
    assert len(described["frames"]) <= 50
    assert described["frames"][0]["function"] == "test_recursion"
    assert described["frames"][-1]["function"] == "endless"
    assert described["frames_left_out"] > 500


def test_logged_at_the_bottom_of_the_recursion(log_file: Path) -> None:
    """There is no stack left to log with: it may cost the record, never the program, and the next one is written."""
    deepest = []

    def down(n: int) -> None:
        try:
            down(n + 1)
        except RecursionError:
            if not deepest:
                deepest.append(n)
            try:
                log.exception(events.REQUEST_FAILED, path=str(n))
            except RecursionError:
                pass  # structlog and logging themselves need some stack
            else:
                return
            raise

    down(0)
    log.info(events.PROFILE_SAVED)

    records = read(log_file)
    assert records[-1]["event"] in ("profile.saved", "log.recovered")
    assert any(record["event"] == "request.failed" for record in records)
    assert deepest


def test_memory(log_file: Path) -> None:
    try:
        raise MemoryError
    except MemoryError:
        log.exception(events.REQUEST_FAILED)

    (record,) = read(log_file)
    assert record["exception"][0]["type"] == "MemoryError"
