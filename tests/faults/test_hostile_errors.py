"""F7, F8: exceptions whose text is an attack, or raises; the log side. Through the real chain into a real file."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.config.settings import Logs, Settings
from microblog.log import context, events, setup

log = structlog.get_logger("microblog.people.views")


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path))), process="test")
    context.bind(reference="K7Q2F-9M4ZX")
    root = logging.getLogger()
    theirs = [handler for handler in root.handlers if not type(handler).__module__.startswith("microblog")]
    root.handlers = [handler for handler in root.handlers if handler not in theirs]  # pytest's fail on such texts
    yield tmp_path / setup.FILE_NAME
    root.handlers += theirs
    setup.close()
    context.clear()


def the_record(log_file: Path) -> dict[str, Any]:
    data = log_file.read_bytes()
    assert data.count(b"\n") == 1
    assert data.endswith(b"}\n")
    assert len(data) <= 65_536
    text = data.decode("utf-8", "strict")
    assert text[:-1].isprintable(), "nothing in the line moves a cursor, changes a colour or turns the direction"
    record: dict[str, Any] = json.loads(text)
    assert record["event"] == "request.failed"
    assert record["reference"] == "K7Q2F-9M4ZX"
    assert len(record["fingerprint"]) == 12
    return record


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "text",
    [
        "line\r\nBcc: everyone@example.org\r\n\r\nbody",
        '"}\n{"event":"sign_in.succeeded","user_id":1}',
        "\x1b[2J\x1b]0;title\x07\x9b31m",
        "\u202e\u2066\u200f\u061c reversed",
        "NUL \x00 inside",
        "lone \ud800 and \udfff surrogates",
        "line \u2028 paragraph \u2029 next \x85 line",
        "x" * 1_000_000,
        "\x00" * 1_000_000,
        "🦊" * 250_000,
        "кириллица 中文 🦊",
    ],
    ids=["header", "json", "ansi", "bidi", "nul", "surrogates", "separators", "1mb", "1mb-nul", "1mb-fox", "unicode"],
)
def test_one_line_whatever_the_text(log_file: Path, text: str) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError:
        log.exception(events.REQUEST_FAILED, path=text, route=text, error=text)

    record = the_record(log_file)
    start = text[:40].encode("utf-8", "backslashreplace").decode()[:20]
    assert record["exception"][0]["message"].startswith(start)
    assert record["path"].startswith(start)


class UntellableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("str raises")

    def __repr__(self) -> str:
        raise RuntimeError("repr raises")


class SelfishError(Exception):
    """Raises itself when shown, and hides what it is."""

    def __str__(self) -> str:
        raise self

    __repr__ = __str__

    @property
    def __notes__(self) -> list[str]:
        raise self


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", [UntellableError, SelfishError])
def test_a_placeholder_for_what_cannot_be_shown(log_file: Path, kind: type[Exception]) -> None:
    try:
        raise kind
    except kind as exception:
        log.exception(events.REQUEST_FAILED, path=exception, error=[exception, {"key": exception}])

    record = the_record(log_file)
    assert record["exception"][0]["type"] == kind.__name__
    assert "whose text raised" in record["path"]
    assert record["exception"][0]["message"].startswith(f"<{kind.__name__}, whose text raised ")
    assert record["exception"][0]["frames"][-1]["function"].startswith("test_a_placeholder")


@pytest.mark.fault(8)
def test_in_a_chain_the_others_are_still_told(log_file: Path) -> None:
    try:
        try:
            raise UntellableError
        except UntellableError as first:
            raise ValueError("second") from first
    except ValueError:
        log.exception(events.REQUEST_FAILED)

    assert [entry["type"] for entry in the_record(log_file)["exception"]] == ["ValueError", "UntellableError"]
