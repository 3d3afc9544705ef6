"""The real site as a process: `manage.py run` on a free port, with settings of the test's own."""

import contextlib
import http.client
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from microblog.config import ROOT, SECTIONS, Settings
from microblog.config_sources import variable
from microblog.models import User
from tests.support.watched import Records, Watched

READY_SECONDS = 60
STOP_SECONDS = 60
ANNOUNCED = re.compile(r"on http://127\.0\.0\.1:(\d+) \(process (\d+)\)")


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


class Site:
    """A running site. Always use it as a context manager: it stops the process, whatever happens."""

    def __init__(self, settings: Settings, *, program: Path = ROOT / "manage.py", prefix: tuple[str, ...] = ()) -> None:
        self.settings, self.program, self.prefix = settings, program, prefix
        self.output = Path(settings.data_dir) / "site.out"
        self.port = 0

    def start(self, *, port: int = 0) -> Self:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, str(self.program), "run", "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=kept | environment(self.settings) | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                cwd="/",
                start_new_session=True,
            )
        end = time.monotonic() + READY_SECONDS
        while not (said := ANNOUNCED.search(self.said())):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError(f"the site did not start:\n{self.said()}")
            time.sleep(0.05)
        self.port, self.master = int(said[1]), int(said[2])
        for _ in range(20):  # the first page of each worker compiles its templates
            before = time.monotonic()
            self.ask("GET", "/login")
            if time.monotonic() - before < 0.5:
                break
        return self

    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(errors="replace")

    def workers(self) -> set[int]:
        """The ids of the processes that answer, once all have been started."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children")
        end = time.monotonic() + READY_SECONDS
        while len(found := children.read_text().split()) < self.settings.server.workers and time.monotonic() < end:
            time.sleep(0.05)
        return {int(number) for number in found}

    def stop(self) -> int:
        """Stop in order; by force where that takes too long. The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own group: nobody else is in it
        return self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Asking it

    def visitor(self, records: Records, **options: Any) -> "Visitor":
        """Somebody with a browser."""
        return Visitor(self, records, **options)

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


class RemoteClient:
    """What tests.support.client.Browser needs of a test client, over a real connection."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def open(self, path: str, *, method: str, follow_redirects: bool = False, **options: Any) -> Any:
        options.pop("buffered", None)
        builder = EnvironBuilder(path, method=method, **options)
        environ = builder.get_environ()
        builder.close()
        headers = {name: value for name, value in builder.headers if name not in {"Cookie", "Host"}}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        response = self.site.exchange(method, path, body, headers)
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if follow_redirects and 300 <= response.status_code < 400:
            return self.open(response.headers["Location"], method="GET")
        return response

    def get_cookie(self, name: str) -> Any:
        return SimpleNamespace(value=self.cookies[name]) if name in self.cookies else None

    def set_cookie(self, name: str, value: str) -> None:
        self.cookies[name] = value

    def delete_cookie(self, name: str) -> None:
        self.cookies.pop(name, None)


class Visitor(Watched):
    """The browser of the other tests, pointed at a running site."""

    def __init__(self, site: Site, records: Records, *, canaries: tuple[str, ...] = ()) -> None:
        super().__init__(None, records, canaries=canaries)
        self.client: Any = RemoteClient(site)

    def sign_in(self, user: User | str) -> Self:
        """Through the form: the site is another process."""
        return self.sign_in_by_form(user)


@contextlib.contextmanager
def serving(settings: Settings, **options: Any) -> Iterator[Site]:
    """The site with `settings`, stopped at the end."""
    with Site(settings, **options) as site:
        yield site


Serve = Callable[..., Site]
