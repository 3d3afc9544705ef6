"""A log that tests write themselves, in files like the real ones, and the inbox made of it."""

import json
import time

import pytest

from microblog.alerts.inbox.store import Inbox
from microblog.config.settings import Logs, Paths, Settings
from microblog.log.records import timestamp


class Log:
    """The log of a site: ``log.fails("KeyError", at=…)`` writes a line, ``log.rotate()`` begins a new file."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.path = folder / "microblog.jsonl"

    def write(self, *records):
        with self.path.open("ab") as file:
            for record in records:
                file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

    def line(self, event, level="info", at=None, **values):
        at = time.time() if at is None else at
        head = {"timestamp": timestamp(at), "level": level, "event": event, "logger": "microblog.errors"}
        reference = {"reference": values.pop("reference")} if "reference" in values else {}
        return head | reference | dict(sorted(values.items()))

    def fails(self, kind="KeyError", fingerprint=None, message="", **values):
        frames = [
            {"file": "flask/app.py", "line": 1, "function": "dispatch", "source": "x"},
            {"file": "microblog/people/views.py", "line": 7, "function": "save", "source": "return form[name]"},
            {"file": "werkzeug/structures.py", "line": 2, "function": "__getitem__", "source": "raise"},
        ]
        exception = [{"type": kind, "module": "builtins", "message": message or f"no {kind} here", "frames": frames}]
        fingerprint = fingerprint or f"{sum(map(ord, kind)):012x}"
        self.write(
            self.line("request.failed", "error", exception=exception, fingerprint=fingerprint, status=500, **values)
        )
        return fingerprint

    def started(self, version, **values):
        self.write(self.line("server.started", version=version, **values))

    def answered(self, count=1, status=200, **values):
        level = "error" if status >= 500 else "info"
        self.write(*(self.line("request.finished", level, status=status, ms=5.0, **values) for _ in range(count)))

    def rotate(self):
        for number in range(50, 0, -1):
            old = self.path.with_name(f"{self.path.name}.{number}")
            if old.exists():
                old.rename(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.rename(self.path.with_name(f"{self.path.name}.1"))


@pytest.fixture
def settings(tmp_path):
    return Settings(paths=Paths(data=str(tmp_path / "data")), logs=Logs(directory=str(tmp_path / "logs")))


@pytest.fixture
def log(settings):
    return Log(settings.log_dir)


@pytest.fixture
def inbox(settings):
    return Inbox(settings)


@pytest.fixture(autouse=True)
def fresh_now(request, monkeypatch):
    """The NOW of a module is when its test begins, not when it was imported: in between lies the whole suite."""
    if hasattr(request.module, "NOW"):
        monkeypatch.setattr(request.module, "NOW", time.time())
