"""What one sender may add to the log."""

import json
import logging

import pytest

from microblog.log.context import RequestStats, stats
from microblog.log.file import JsonLinesHandler
from microblog.log.flood import BURST_SECONDS, SENDERS, STRANGERS, Flood

RATE = 10
BURST = RATE * BURST_SECONDS


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def flood(clock):
    return Flood(RATE, clock=clock)


@pytest.fixture
def asks():
    """Let a request of somebody be the running one: ``asks("192.0.2.1")``, ``asks(user_id=5)``."""
    token = stats.set(None)

    def begin(address: str = "192.0.2.1", user_id: int | None = None) -> None:
        stats.set(RequestStats(user_id=user_id, environ={"REMOTE_ADDR": address}))

    yield begin
    stats.reset(token)


def a_record(level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("microblog.web", level, __file__, 1, "hello", None, None)


def admitted(flood: Flood, size: int, times: int, level: int = logging.INFO) -> int:
    return sum(flood.admits(a_record(level), size) for _ in range(times))


def test_a_burst_and_then_the_pace(flood, clock, asks):
    asks()
    assert admitted(flood, BURST // 10, 20) == 10
    clock.now += BURST_SECONDS / 10
    assert admitted(flood, BURST // 10, 20) == 1, "a tenth has run out of the bucket"


def test_each_has_a_bucket(flood, asks):
    asks("192.0.2.1")
    assert admitted(flood, BURST, 2) == 1
    for address in ("192.0.2.2", "2001:db8::1"):
        asks(address)
        assert admitted(flood, BURST, 2) == 1
    asks("2001:db8::2")
    assert admitted(flood, BURST, 1) == 0, "the /64 is one network"
    asks("192.0.2.1", user_id=5)
    assert admitted(flood, BURST, 2) == 1, "a member is not taken for the strangers of their network"
    asks("192.0.2.77", user_id=5)
    assert admitted(flood, BURST, 1) == 0, "nor made another one by another address"


def test_a_thousand_networks_are_bounded_together_and_members_are_not_meant(flood, asks):
    written = 0
    for number in range(1000):
        asks(f"198.51.{number // 250}.{number % 250}")
        written += admitted(flood, BURST, 1)
    assert written == STRANGERS
    asks(user_id=5)
    assert admitted(flood, BURST, 1) == 1


def test_errors_and_what_no_request_caused_are_always_written(flood, asks):
    asks()
    assert admitted(flood, BURST, 1) == 1
    assert admitted(flood, BURST, 5, logging.ERROR) == 5
    stats.set(None)
    assert admitted(flood, BURST, 5) == 5


def test_no_bound(clock, asks):
    asks()
    assert admitted(Flood(0, clock=clock), 10**9, 5) == 5


def test_memory_is_bounded(clock, asks):
    flood = Flood(RATE, clock=clock)
    for number in range(SENDERS + 500):
        asks(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        flood.admits(a_record(), 1)
    assert len(flood._buckets) <= SENDERS


def test_what_was_left_out_is_told_once_a_minute_and_at_the_end(tmp_path, clock, asks):
    path = tmp_path / "log.jsonl"
    handler = JsonLinesHandler(path, flood=Flood(1, clock=clock))

    def told() -> list[dict[str, object]]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [line for line in lines if line["event"] == "log.thinned"]

    asks()
    for _ in range(100):
        handler.handle(a_record())
    written = len(path.read_text().splitlines())
    assert written < 30
    assert [line["count"] for line in told()] == [1], "at once that it begins"
    clock.now += 61
    asks(user_id=5)
    handler.handle(a_record())
    first, second = told()
    assert (first["senders"], second["senders"]) == (1, 1)
    assert second["level"] == "warning"
    assert second["bytes"] > second["count"] > 50
    asks()
    handler.handle(a_record())
    handler.handle(a_record())
    handler.close()
    assert len(told()) == 3, "and the rest when the file is let go"
    thinned = sum(line["count"] for line in told())
    assert len(path.read_text().splitlines()) - 3 + thinned == 103
