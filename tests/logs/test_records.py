"""Whatever is logged becomes one strict JSON line; the fixture `records` checks that of every line."""

import dataclasses
import datetime
import decimal
import enum
import json
import logging
import time
import uuid
from collections import UserDict, namedtuple
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import pytest
import structlog

from microblog.log import events
from microblog.log.records import LINE_MAX, build, dumps, fits, render, shortened
from microblog.log.values import STEPS, Plain

log = structlog.get_logger("microblog.tests")


class Hostile:
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class HostileText(str):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class HostileMapping(UserDict[str, Any]):
    def items(self) -> Any:
        raise KeyError("no items")


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Account:
    name: str
    password: str
    friends: list["Account"] = dataclasses.field(default_factory=list)


Point = namedtuple("Point", "x y")


def plain(value: Any) -> Any:
    return Plain(STEPS[0]).value(value)


def test_it_works(records: Any) -> None:
    log.info(events.REQUEST_FINISHED, method="GET", status=200, ms=1.25)

    (record,) = records()
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "level": "info",
        "event": "request.finished",
        "logger": "microblog.tests",
        "method": "GET",
        "ms": 1.25,
        "status": 200,
    }


def test_the_keys_stand_in_their_order(records: Any, log_file: Any) -> None:
    structlog.contextvars.bind_contextvars(reference="K7Q2F-9M4ZX", zulu=1)
    log.info(events.REQUEST_FINISHED, status=200, method="GET")

    (record,) = records()
    assert list(record) == ["timestamp", "level", "event", "logger", "reference", "method", "status", "zulu"]
    assert b'","event":"request.finished","' in log_file.read_bytes()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two\nlines\r\n", "two\nlines\r\n"),
        ("\x1b[31mred\x00\x7f\x9b", "\x1b[31mred\x00\x7f\x9b"),
        ("\u202edrawkcab\u2028", "\u202edrawkcab\u2028"),
        ("日本語 кириллица 🦊", "日本語 кириллица 🦊"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (1e308, 1e308),
        (-0.0, -0.0),
        (10**199, "1" + "0" * 199),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        (-(2**63), -(2**63)),
        (10**5000, "<integer of 16610 bits>"),
        (True, True),
        (None, None),
        (b"bytes \xff", "bytes \\xff"),
        (bytearray(b"x"), "x"),
        (memoryview(b"x"), "x"),
        (datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC), "2026-11-21T12:00:00+00:00"),
        (datetime.date(2026, 11, 21), "2026-11-21"),
        (datetime.time(12, 30), "12:30:00"),
        (datetime.timedelta(seconds=1.5), 1.5),
        (decimal.Decimal("1.10"), "Decimal('1.10')"),
        (uuid.UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
        (PurePosixPath("/tmp/x"), "/tmp/x"),
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (Point(1, 2), {"x": 1, "y": 2}),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, (2,)), [1, [2]]),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        (Account("ana", "hunter2"), {"name": "ana", "password": "[redacted]", "friends": []}),
        (Account, "test_records.Account"),
        (json, "json"),
        (ValueError("bad"), "ValueError: bad"),
        (Hostile(), "<Hostile, whose repr raised ValueError>"),
        ([Hostile()], ["<Hostile, whose repr raised ValueError>"]),
        (HostileText("text"), "text"),
        (HostileMapping(a=1), "<HostileMapping, which raised KeyError>"),
        (range(3), [0, 1, 2]),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_a_value_is_shown(records: Any, value: Any, shown: Any) -> None:
    log.info(events.REQUEST_FINISHED, method=value)

    (record,) = records()
    found = record["method"]
    if isinstance(value, type):
        found = found.rpartition("tests.logs.")[2] or found
        assert found.endswith("Account")
        return
    assert found == shown
    assert type(found) is type(shown)


def test_nothing_in_the_file_can_steer_a_terminal(records: Any, log_file: Any) -> None:
    log.info(events.REQUEST_FINISHED, method="\x1b[31m \x9b31m \u202e \u2028 \x85 \x7f \ufeff", **{"k\x9b\u202e": 1})

    records()
    text = log_file.read_text(encoding="utf-8")
    assert len(text.splitlines()) == 1, "a reader that knows more line ends than we do sees more lines"
    assert text.rstrip("\n").isprintable()


def test_a_generator_is_not_consumed() -> None:
    numbers = iter([1, 2, 3])

    assert "iterator" in plain(numbers)
    assert list(numbers) == [1, 2, 3]


def test_cycles_and_depth_end(records: Any) -> None:
    circle: list[Any] = [1]
    circle.append({"again": circle})
    deep: Any = "bottom"
    for _ in range(5000):
        deep = [deep]
    ana = Account("ana", "x")
    ana.friends.append(ana)

    log.info(events.REQUEST_FINISHED, method=circle, route=deep, path=ana)

    (record,) = records()
    assert record["method"] == [1, {"again": "<the same again>"}]
    assert "<list of 1>" in json.dumps(record["route"])
    assert record["path"]["friends"] == ["<the same again>"]


def test_the_same_value_twice_is_no_cycle() -> None:
    shared = [1]

    assert plain([shared, shared]) == [[1], [1]]


def test_a_megabyte_is_shortened_and_says_so(records: Any) -> None:
    log.info(events.REQUEST_FINISHED, method="x" * 1_000_000, route="y")

    (record,) = records()
    assert record["method"].endswith("… [1000000 characters]")
    assert record["route"] == "y"
    assert "truncated" not in record


@pytest.mark.parametrize("letter", ["x", "\x00", "я", "字", "🦊", "\u202e", "\\", '"'])
def test_many_long_values_fit_together(records: Any, letter: str) -> None:
    log.info(events.REQUEST_FINISHED, status=200, **{f"key{n}": letter * 50_000 for n in range(40)})

    (record,) = records()
    assert record["truncated"] is True
    assert record["key0"].startswith(letter)
    assert record["event"] == "request.finished"


def test_a_monster_takes_no_longer_than_an_error(records: Any) -> None:
    started = time.thread_time()
    log.info(events.REQUEST_FINISHED, method=[["\u202e" * 100_000] * 100] * 100)

    assert time.thread_time() - started < 2  # of the processor; 0.03 as it is
    (record,) = records()
    assert record["truncated"] is True


def test_wide_and_nested_values_fit(records: Any) -> None:
    wide = {f"key {n}": list(range(500)) for n in range(500)}
    log.info(events.REQUEST_FINISHED, method=wide, route=[wide] * 100, **{f"k{n}": n for n in range(5000)})

    (record,) = records()
    assert record["left_out"] > 4000
    assert "more" in record["method"]["key 0"][-1]


def test_every_step_is_smaller_than_the_one_before() -> None:
    for larger, smaller in pairwise(STEPS):
        assert all(a >= b for a, b in zip(larger, smaller, strict=True))


def test_what_was_passed_is_not_changed(records: Any) -> None:
    headers = {"Cookie": "secret", "Accept": ["a", {"token": "t"}]}
    log.info(events.REQUEST_FINISHED, method=headers)

    (record,) = records()
    assert record["method"] == {"Cookie": "[redacted]", "Accept": ["a", {"token": "[redacted]"}]}
    assert headers == {"Cookie": "secret", "Accept": ["a", {"token": "t"}]}


def test_a_caller_cannot_pass_for_the_record(records: Any) -> None:
    log.info(events.REQUEST_FINISHED, timestamp="never", level="critical", logger="root", _record=1)

    (record,) = records()
    assert record["level"] == "info"
    assert record["level_"] == "critical"
    assert record["logger"] == "microblog.tests"
    assert record["timestamp_"] == "never"


@pytest.mark.parametrize(
    ("message", "arguments", "text"),
    [
        ("%s is %d", ("ana", 3), "ana is 3"),
        ("%d", ("no number",), "%d ['no number']"),
        ("%s %s", ("one",), "%s %s ['one']"),
        ("%s", (Hostile(),), "%s ['<Hostile, whose repr raised ValueError>']"),
        (Hostile(), (), "<Hostile, whose repr raised ValueError> []"),
        ("\x1b[33mpainted\x1b[0m", (), "painted"),
        ("GET /reset?token=abc HTTP/1.1", (), "GET /reset?token=[redacted] HTTP/1.1"),
    ],
)
def test_a_foreign_message_arrives(records: Any, ours_alone: Any, message: Any, arguments: Any, text: str) -> None:
    ours_alone()
    logging.getLogger("foreign").warning(message, *arguments)

    (record,) = records()
    assert record["event"] == text
    assert record["logger"] == "foreign"


def test_what_breaks_the_renderer_leaves_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microblog.log.records.build", lambda *_: 1 / 0)
    record = logging.makeLogRecord({"msg": {"event": "x.y", "reference": "K7Q2F-9M4ZX"}, "levelname": "ERROR"})

    line = json.loads(render(record, record.msg))  # type: ignore[arg-type]
    assert line["event"] == "x.y"
    assert line["reference"] == "K7Q2F-9M4ZX"
    assert line["problem"] == "rendering raised ZeroDivisionError"


def test_orjson_failing_is_no_end() -> None:
    assert json.loads(dumps({"a": 2**70, "b": "\x9b"})) == {"a": 2**70, "b": "\x9b"}


def test_the_length_counts_bytes() -> None:
    assert fits("x" * (LINE_MAX - 1))
    assert not fits("x" * LINE_MAX)
    assert not fits("字" * (LINE_MAX // 2))


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"event": "e", "a": "x" * 10**6, "b": {"c": ["y" * 10**5] * 9}}),
        "no json " * 10**5,
        '"' * 10**5,
        '{"k' + "k" * 10**6 + '":1}',
        "[" * 10**6,
    ],
    ids=["record", "text", "quotes", "key", "nesting"],
)
def test_a_line_of_another_formatter_is_shortened(line: str) -> None:
    record = json.loads(shortened(line))

    assert len(shortened(line).encode()) < LINE_MAX
    assert record["truncated"] is True


def test_building_costs_no_more_for_a_hostile_key() -> None:
    record = logging.makeLogRecord({"levelname": "INFO"})

    built = build(record, {"event": "x.y", HostileText("password"): "p", Hostile(): 1})
    assert built["password"] == "[redacted]"
    assert built["<Hostile, whose repr raised ValueError>"] == 1
