"""The real site as a real process, started by its own door, with data and logs in a folder of the test's own."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from microblog import tokenizer
from microblog.config import ROOT


class Site:
    """`manage.py run` with `words`. `url` is where; `stop()` is a real SIGTERM, `start()` takes the same port."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.folder, self.words, self.port = folder, words, "0"
        names = ("LANG", "LC_ALL", "TMPDIR", "PATH", "VIRTUAL_ENV", "HOME")
        self.environ = {name: os.environ[name] for name in names if name in os.environ} | {
            "MICROBLOG_PATHS__DATA": str(folder),
            "MICROBLOG_LOGS__DIRECTORY": str(folder / "logs"),
            "MICROBLOG_SERVER__WORKERS": "2",
            "MICROBLOG_SERVER__THREADS": "4",
            "MICROBLOG_SECURITY__REGISTRATIONS": "1000",
            "MICROBLOG_SECURITY__LOGIN_ATTEMPTS": "100",
            **{f"MICROBLOG_{name}": value for name, value in settings.items()},
        }
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "run", "--port", self.port, *self.words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:(\d+))", line):
                self.url, self.port = found[1], found[2]
                return
        self.stop()
        raise AssertionError(f"the site did not start: {''.join(lines)}")

    def stop(self) -> None:
        """SIGTERM, as `systemctl stop` sends it; returns when the process has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(25)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def kill(self) -> None:
        """SIGKILL, of all its processes at once, as when the machine loses power; `start()` takes the same port."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def records(self, event: str, **keys: Any) -> list[dict[str, Any]]:
        """The log's records of `event` so far."""
        lines = (self.folder / "logs" / "microblog.jsonl").read_text("utf-8").splitlines()
        return [r for r in map(json.loads, lines) if r["event"] == event and keys.items() <= r.items()]

    def records_when(self, count: int, event: str, **keys: Any) -> list[dict[str, Any]]:
        """The same once there are `count`: the browser has its answer before the log has the line."""
        deadline = time.monotonic() + 30
        while len(found := self.records(event, **keys)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else holds the database's only lock for writing."""
        with closing(sqlite3.connect(self.folder / "microblog.db", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def log_text(self) -> str:
        """Everything in the log, as it stands there."""
        return "".join(path.read_text("utf-8") for path in (self.folder / "logs").iterdir() if path.is_file())

    def stored(self, statement: str, *values: Any) -> Any:
        """The first value of the first row in the database; also changes it."""
        with closing(sqlite3.connect(self.folder / "microblog.db", timeout=30)) as connection, connection:
            connection.create_function("search_words", 1, tokenizer.indexed, deterministic=True)
            row = connection.execute(statement, values).fetchone()
        return row[0] if row else None

    def profile(self, username: str, field: str) -> Any:
        return self.stored(f"SELECT {field} FROM users WHERE username = ?", username)  # field: from the test itself

    def edited_elsewhere(self, username: str, field: str, text: str) -> None:
        """`field` saved by its owner in another tab, at 14:02."""
        self.stored(
            f"UPDATE users SET {field} = ?, version = version + 1, edits = json_object('{field}', "
            "json_array(version + 1, '2026-11-21T14:02:00+00:00')) WHERE username = ?",
            text,
            username,
        )


@contextmanager
def debug_site(folder: Path) -> Iterator[Site]:
    """In debug mode, as a developer starts it who wants to see what members see."""
    running = Site(folder, "--debug", "--show-error-pages", "--no-reload")
    try:
        end = time.monotonic() + 90
        while not _answers(running) and time.monotonic() < end:  # it says where it is going to be
            time.sleep(0.05)
        yield running
    finally:
        running.stop()


def _answers(site: Site) -> bool:
    with suppress(OSError):
        return bool(urlopen(f"{site.url}/livez", timeout=5).status == 200)
    return False
