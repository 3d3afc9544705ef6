"""The real chain on a real file, one for each test."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from microblog.config.settings import Logs, Settings
from microblog.log import context, setup


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(logs=Logs(directory=str(tmp_path / "logs"), level="debug"))


@pytest.fixture
def log_file(settings: Settings) -> Path:
    return Path(setup.file_path(settings))


@pytest.fixture
def configured(settings: Settings) -> Iterator[None]:
    context.clear()
    setup.configure(settings, process="test")
    yield
    setup.close()
    context.clear()


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def strict(line: str | bytes) -> dict[str, Any]:
    """One line as what the standard allows and nothing more: no NaN, no repeated keys, no lone surrogates."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        assert len(found) == len(pairs), "a key stands twice"
        return found

    text = line.decode() if isinstance(line, bytes) else line
    assert not [character for character in text if ord(character) < 32 or 127 <= ord(character) < 160]
    record: dict[str, Any] = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    json.dumps(record, ensure_ascii=False).encode()
    return record


@pytest.fixture
def ours_alone() -> Iterator[Callable[[], None]]:
    """Takes pytest's own handlers away: they make a text of every record, and fail where that raises."""
    root = logging.getLogger()
    before = list(root.handlers)

    def take() -> None:
        root.handlers = [handler for handler in root.handlers if type(handler).__module__.startswith("microblog")]

    yield take
    root.handlers = [handler for handler in before if not type(handler).__module__.startswith("microblog")]


@pytest.fixture
def records(configured: None, log_file: Path) -> Callable[[], list[dict[str, Any]]]:
    """Every record written so far, each checked to be one strict line of at most 64 KB."""

    def read() -> list[dict[str, Any]]:
        lines = log_file.read_bytes().split(b"\n")
        assert lines.pop() == b""
        assert all(len(line) < 65_536 for line in lines)
        return [strict(line) for line in lines]

    return read
