"""Outside everything of ours: chooses the fault of a request, and plays the network and the proxies."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import make_url
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request, Response

from microblog.config.settings import Settings, is_loopback
from microblog.dev.faults.catalogue import FAULTS, Fault
from microblog.dev.faults.panel import PANEL, Panel
from microblog.dev.faults.strikes import striking
from microblog.web.access import SAFE_METHODS, is_trusted, trusted_hosts

SLOW = 3.0
"""Seconds."""

_SPARED = ("/static/", "/livez", "/readyz", "/metrics")

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Armed:
    """A fault that waits for its request. `where`: "save", "any", or one action as "POST /login"."""

    fault: Fault
    where: str = "save"
    once: bool = True

    def fits(self, method: str, path: str) -> bool:
        if self.where == "any":
            return True
        if self.where == "save":  # what is typed is checked meanwhile, and must not use it up
            return method not in SAFE_METHODS and "/check" not in path
        return self.where == f"{method} {path}"


class Half:
    """wsgi.input that ends in the middle."""

    def __init__(self, stream: Any, length: int) -> None:
        self._stream, self._left = stream, length // 2

    def read(self, size: int = -1) -> bytes:
        taken: bytes = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(taken)
        return taken

    def readline(self, size: int = -1) -> bytes:
        taken: bytes = self._stream.readline(self._left if size < 0 else min(size, self._left))
        self._left -= len(taken)
        return taken


class Edge:
    """The WSGI application around `app`. One fault at a time waits, for whoever asks next: developers are alone."""

    def __init__(self, app: Wsgi, settings: Settings, panel: Panel | None) -> None:
        self._app, self._panel = app, panel
        self._hosts = trusted_hosts(settings)
        url = make_url(settings.database_url)
        self._file = url.database if url.get_backend_name() == "sqlite" else None
        self._lock = threading.Lock()
        self._armed: Armed | None = None

    # Arming

    @property
    def armed(self) -> Armed | None:
        return self._armed

    def arm(self, name: str, where: str = "save", *, once: bool = True) -> None:
        """The next request that fits meets the fault `name`; every one, until `clear`, without `once`."""
        self._armed = Armed(FAULTS[name], where, once)

    def clear(self) -> None:
        self._armed = None

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            armed = self._armed
            if armed is None or not armed.fits(method, path):
                return None
            if armed.once:
                self._armed = None
            return armed.fault

    # Answering

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = Request(environ)
        ours = is_loopback(environ.get("REMOTE_ADDR", "")) and is_trusted(environ.get("HTTP_HOST", ""), self._hosts)
        if not ours or asked.path.startswith(_SPARED):
            return self._app(environ, start_response)
        if self._panel and asked.path == PANEL:
            return self._panel.answer(self, asked)(environ, start_response)
        name = environ.get("HTTP_X_FAULT", "")
        if name and name not in FAULTS:
            return Response(f"No fault is called {name[:40]!r}. There are: {', '.join(FAULTS)}.\n", 400)(
                environ, start_response
            )
        fault = FAULTS[name] if name else self._take(asked.method, asked.path)
        response = self._faulted(fault, environ) if fault else captured(self._app, environ)
        if self._panel and "X-Microblog" in response.headers:
            self._panel.put_into(response, self.armed)
        if fault and fault.name == "cut":
            return cut(response, environ, start_response)
        return response(environ, start_response)

    def _faulted(self, fault: Fault, environ: dict[str, Any]) -> Response:
        if fault.name == "foreign":
            return _from_a_proxy("502 Bad Gateway")
        if fault.name == "empty":
            return Response(status=500, content_type="text/html")
        if fault.name == "slow":
            time.sleep(SLOW)
        if fault.name == "csrf":
            environ["HTTP_X_CSRFTOKEN"] = "of an earlier session"
        if fault.name == "400" and (length := int(environ.get("CONTENT_LENGTH") or 0)):
            environ["wsgi.input"] = Half(environ["wsgi.input"], length)
        held = locked(self._file) if fault.name == "locked" and self._file else nullcontext()
        with striking(fault), held:
            response = captured(self._app, environ)
        if fault.name == "late":
            return _from_a_proxy("504 Gateway Time-out")
        response.headers["X-Fault"] = fault.name
        return response


@contextmanager
def locked(file: str) -> Iterator[None]:
    """Another program's transaction, as far as everybody else can tell."""
    with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def captured(app: Wsgi, environ: dict[str, Any]) -> Response:
    """The whole answer of `app`, closed."""
    heard: list[Any] = ["500 Nothing was said", []]
    pieces: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], None]:
        heard[:] = [status, headers]
        return pieces.append

    answer = app(environ, start)
    try:
        pieces.extend(answer)
    finally:
        if close := getattr(answer, "close", None):
            close()
    response = Response(b"".join(pieces), heard[0], Headers(heard[1]))
    response.automatically_set_content_length = False
    response.autocorrect_location_header = False
    return response


def cut(response: Response, environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
    """Half of the answer, then nothing; not even the head of one that has no body to be cut, or leads elsewhere."""
    body = response.get_data()
    if len(body) > 1 and not 300 <= response.status_code < 400:
        start_response(response.status, response.get_wsgi_headers(environ).to_wsgi_list())
        yield body[: len(body) // 2]
    if wire := environ.get("werkzeug.socket"):  # else the development server would wait for the next request on it
        wire.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("cut on purpose")


def _from_a_proxy(status: str) -> Response:
    page = (
        f"<!DOCTYPE html><html><head><title>{status}</title></head>"
        f"<body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>"
    )
    return Response(page, status, content_type="text/html")
