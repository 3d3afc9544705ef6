"""`manage.py run` as a program of its own, for tests that need the real thing."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from microblog.config import ROOT


class Site:
    """A started `manage.py run`, and all it printed so far."""

    def __init__(self, folder: Path, *words: str, program: str = "manage.py", **environ: str) -> None:
        self.log = folder / "logs" / "microblog.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, program, "run", "--port", "0", *words],
            cwd=ROOT,
            env=os.environ
            | {"MICROBLOG_PATHS__DATA": str(folder / "data"), "MICROBLOG_LOGS__DIRECTORY": str(folder / "logs")}
            | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        end = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", "".join(self.lines))):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                pytest.fail("".join(self.lines))
            time.sleep(0.02)
        self.port = int(found[1])

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def get(self, path: str = "/", seconds: float = 60, **headers: str) -> tuple[int, str]:
        """The answer, once there is one: debug mode prints its line before it listens."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        end = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def records(self, event: str | None) -> list[dict[str, object]]:
        """What the log holds of one event, or of all."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [record for record in map(json.loads, lines) if event in {None, record["event"]}]

    def stop(self) -> int:
        """SIGTERM to the process that was started; its exit code. What is left of its group is killed."""
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._reader.join(60)
            assert self.process.stdout is not None
            self.process.stdout.close()
        return self.process.returncode
