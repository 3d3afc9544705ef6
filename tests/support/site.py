"""The real site as a process: `manage.py run` on a free port, with settings of the test's own."""

import contextlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from werkzeug.wrappers import Response

from microblog.config.settings import ROOT, SECTIONS, Settings
from microblog.config.sources import variable
from tests.support.mailbox import wait_until
from tests.support.remote import RemoteBrowser
from tests.support.watched import Records

READY_SECONDS = 90
STOP_SECONDS = 60
ANNOUNCED = re.compile(r"on http://127\.0\.0\.1:(\d+)(?: \(process (\d+)\))?")


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make `manage.py` see `settings`; what is as by default is left out."""
    found = {}
    for section, cls in SECTIONS.items():
        values, defaults = getattr(settings, section), cls()
        for name in vars(defaults):
            value = getattr(values, name)
            if value != getattr(defaults, name):
                found[variable(f"{section}.{name}")] = (
                    ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                )
    return found


def read_all(wire: socket.socket) -> bytes:
    """Everything until the other side closes."""
    pieces = []
    while piece := wire.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def parsed(data: bytes) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body of one answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (header.partition(": ") for header in lines)
    return int(line.split()[1]), {name.lower(): value for name, _, value in pairs}, body


class Site:
    """One `manage.py run`. Start it by `with` or by `start()`; whoever calls `start()` also calls `stop()`.

    `home` is the settings, or only the folder for data and log. `words` follow `run` on the command line, `variables`
    are added to the environment. `program` is started instead of `manage.py`, by `prefix` where that is not empty.
    """

    def __init__(
        self,
        home: Settings | Path,
        *words: str,
        program: Path = ROOT / "manage.py",
        prefix: tuple[str, ...] = (),
        **variables: str,
    ) -> None:
        if isinstance(home, Path):
            self.folder, self.log = home, home / "logs" / "microblog.jsonl"
            places = {"MICROBLOG_PATHS__DATA": str(home), "MICROBLOG_LOGS__DIRECTORY": str(home / "logs")}
        else:
            self.folder, self.log = Path(home.data_dir), Path(home.log_dir) / "microblog.jsonl"
            places = environment(home)
        ours = ("MICROBLOG_", "FLASK_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environ = kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | places | variables
        self.command = [*prefix, sys.executable, str(program), "run", *words]
        self.output = self.folder / "site.out"
        self.port = 0

    def start(self) -> Self:
        """Start it; on the same port if it is not the first time. Returns once it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*self.command, "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environ,
                cwd="/",
                start_new_session=True,
            )
        wait_until(lambda: self.process.poll() is not None or self._listens(), READY_SECONDS)
        if not self._listens():
            self.stop()
            raise AssertionError(f"the site did not start:\n{self.said()}")
        return self

    def _listens(self) -> bool:
        said = ANNOUNCED.search(self.said())
        if said is None:
            return False
        self.port, self.master = int(said[1]), int(said[2] or self.process.pid)
        with contextlib.suppress(OSError), self.connect():  # in debug mode it says so before it does
            return True
        return False

    def stop(self) -> int:
        """SIGTERM, as `systemctl stop` sends it; SIGKILL to all of them where that takes too long. The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to all its processes at once, as when the machine loses power. The exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own group: nobody else is in it
        return self.process.wait()

    def __enter__(self) -> Self:
        self.start()
        for _ in range(20):  # the first page of each worker compiles its templates
            before = time.monotonic()
            self.ask("GET", "/login")
            if time.monotonic() - before < 0.5:
                break
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What it says and writes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """All it has printed since it was started last."""
        return self.output.read_text(errors="replace")

    def records(self, event: str = "", **keys: Any) -> list[dict[str, Any]]:
        """The log's records so far; of one event, and with these values."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [r for r in map(json.loads, lines) if event in ("", r["event"]) and keys.items() <= r.items()]

    def records_when(self, count: int, event: str, **keys: Any) -> list[dict[str, Any]]:
        """The same once there are `count`: a client has its answer before the log has the line."""
        wait_until(lambda: len(self.records(event, **keys)) >= count, 30)
        return self.records(event, **keys)

    def workers(self) -> set[int]:
        """The ids of the processes that answer, once all have been started."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children")
        wanted = int(self.environ.get(variable("server.workers"), Settings().server.workers))
        wait_until(lambda: len(children.read_text().split()) >= wanted, READY_SECONDS)
        return {int(number) for number in children.read_text().split()}

    # Asking it

    def visitor(self, records: Records, **options: Any) -> RemoteBrowser:
        """Somebody with a browser, as the other tests have one."""
        return RemoteBrowser(self, records, **options)

    def ask(self, method: str, path: str, body: bytes = b"", timeout: float = 60, **headers: str) -> Any:
        """One request on a connection of its own. Header names are spelled with _ for -."""
        return self.exchange(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()}, timeout)

    def exchange(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float = 60) -> Any:
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body or None, headers | {"Connection": "close"})
            answer = connection.getresponse()
            data = answer.read()
            response: Any = Response(data, answer.status, answer.getheaders())
            response.seconds = time.perf_counter() - started
            response.request = SimpleNamespace(environ={"wsgi.input": io.BytesIO()})  # as a test client's has one
            return response
        finally:
            connection.close()

    def connect(self, timeout: float = 60) -> socket.socket:
        """A bare connection, for what no client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, data: bytes, *, half_close: bool = False, timeout: float = 60) -> tuple[int, dict[str, str], bytes]:
        """Send `data` as it is, read to the end: status, headers (lower case), body."""
        with self.connect(timeout) as wire:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                wire.sendall(data)
            if half_close:
                wire.shutdown(socket.SHUT_WR)
            return parsed(read_all(wire))
