"""Outside Flask: the reference, the canonical line, a body that must be whole, the answer when all else fails.

Nothing here needs a template, a database or a session while a request runs. The three answers of the last resort are
rendered at start; only the reference is put in.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any
from urllib.parse import unquote

import structlog
from gunicorn.http.errors import ParseException
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_path_info

from microblog.http.headers import complete
from microblog.log import events, metrics, slow
from microblog.log.context import RequestStats, stats
from microblog.log.reference import PLACEHOLDER, new_reference, normalise
from microblog.web.access import OWN_ADDRESS, came_from
from microblog.web.htmx import asks_for_fragment, representation
from microblog.web.kept import as_html

log = structlog.get_logger(__name__)

DRAIN_LIMIT = 64_000_000
"""Bytes of a refused body that are read and thrown away, so that the browser reads the answer instead of a reset."""

DRAIN_SECONDS = 30.0
"""For so long; somebody slower gets the reset, and the thread is free for others."""

ASKED_OFTEN = frozenset({"/livez", "/readyz", "/metrics", "/admin/logs/new", "/notifications/unread"})
"""What machines and the live log ask for every few seconds: no line, unless it is refused, so that every reference
leads somewhere.
"""

KEPT = b"<!-- kept -->"
"""Where the page of the last resort holds what was typed."""

_TYPES = {
    "fragment": "text/html; charset=utf-8",
    "page": "text/html; charset=utf-8",
    "json": "application/problem+json",
}
_LEVEL = {401: "warning", 403: "warning", 429: "warning"}

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@contextmanager
def _only_oserror() -> Iterator[None]:
    """Werkzeug takes an OSError for a lost client; gunicorn has an exception of its own for chunks that are none."""
    try:
        yield
    except ParseException as error:
        raise OSError("the body is damaged") from error


class CountedBody:
    """wsgi.input, counting what was read of it. Raises OSError for what is not HTTP, as for what never arrives."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.taken = 0
        self.waiting = False  # for the client, which is no slowness of ours

    def _taken(self, read: Callable[..., bytes], *size: int) -> bytes:
        self.waiting = True
        try:
            with _only_oserror():
                data = read(*size)
        finally:
            self.waiting = False
        self.taken += len(data)
        return data

    def read(self, *size: int) -> bytes:
        return self._taken(self._stream.read, *size)

    def readline(self, *size: int) -> bytes:
        return self._taken(self._stream.readline, *size)

    def readlines(self, *hint: int) -> list[bytes]:
        return list(iter(self.readline, b""))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


class Answer:
    """The body on its way out: counts bytes, and writes the canonical line when the server closes it."""

    def __init__(self, body: Iterable[bytes], finished: Callable[[int, bool], None]) -> None:
        self._body, self._finished = body, finished
        self._iterator = iter(body)
        self._bytes, self._complete = 0, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._complete = True
            raise
        self._bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """The line first: what runs at closing (writing "last seen") is no longer part of the request."""
        try:
            self._finished(self._bytes, self._complete)
        finally:
            if close := getattr(self._body, "close", None):
                close()


class LastResort:
    """The outermost WSGI application. `answers` holds the bytes for fragment, page and json."""

    def __init__(
        self,
        app: Wsgi,
        *,
        own_address: str,
        answers: dict[str, bytes],
        addresses: str,
        trust_reference: bool,
        propagate: bool = False,
    ) -> None:
        self._own_address = own_address
        self._app, self._answers, self._propagate = app, answers, propagate
        self._addresses, self._trust_reference = addresses, trust_reference

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        reference = self._reference(environ)
        environ["microblog.reference"] = reference
        environ[OWN_ADDRESS] = self._own_address
        body = environ["wsgi.input"] = CountedBody(environ["wsgi.input"])
        if environ.get("CONTENT_LENGTH"):
            # The server says "this stream ends by itself", and Werkzeug would take a cut body for a whole one.
            environ.pop("wsgi.input_terminated", None)
        known = RequestStats(environ=environ)
        stats.set(known)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=reference)
        status, counted = 0, is_logged(environ)

        def start(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            sent = complete(headers, reference=reference, secure=environ["wsgi.url_scheme"] == "https")
            return start_response(line, sent, *exc_info)

        def finished(size: int, complete: bool) -> None:
            if counted:
                metrics.request_ended()
            if is_logged(environ, status):
                self._write_line(environ, known, status, size, complete, started)
                if not known.drill:
                    took = time.perf_counter() - started
                    method = environ["REQUEST_METHOD"]
                    metrics.request_finished(method, known.route, status, took, known.sql_count, known.sql_ms)
            stats.set(None)
            structlog.contextvars.clear_contextvars()

        if counted:
            metrics.request_began()
        slow.begin(reference, environ["REQUEST_METHOD"], known, body)
        try:
            answer = self._app(environ, start)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # what is meant to end a program (SystemExit) ends this request only
            log.critical(events.ANSWER_FAILED, exc_info=error)
            if self._propagate:
                if counted:
                    metrics.request_ended()
                raise  # to the debugger
            # A second start must say why (PEP 3333); a first one need not, and the server would raise it.
            why = ((type(error), error, error.__traceback__),) if status else ()
            answer = self._last_answer(environ, start, reference, *why)
        finally:
            slow.end()
        drain(environ, body)
        return Answer(answer, finished)

    def _reference(self, environ: dict[str, Any]) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._trust_reference else ""
        return normalise(given[:40]) or new_reference()

    def _last_answer(self, environ: dict[str, Any], start: StartResponse, reference: str, *why: Any) -> Iterable[bytes]:
        kind = representation(Request(environ))
        body = self._answers[kind].replace(PLACEHOLDER.encode(), reference.encode())
        if kind == "page":
            with suppress(Exception):  # whatever it is, the answer goes out, without what was typed
                body = body.replace(KEPT, as_html(environ).encode("utf-8", "replace"))
        headers = [("Content-Type", _TYPES[kind]), ("Content-Length", str(len(body)))]
        if kind == "fragment":
            headers += [("HX-Retarget", "#toasts"), ("HX-Reswap", "beforeend"), ("HX-Push-Url", "false")]
        start("500 INTERNAL SERVER ERROR", headers, *why)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _write_line(
        self, environ: dict[str, Any], known: RequestStats, status: int, size: int, complete: bool, started: float
    ) -> None:
        level = _LEVEL.get(status, "error" if status >= 500 else "info")
        told: dict[str, str] = {}
        if known.told:
            told = {"answer": known.told.answer, "code": known.told.code, "said": known.told.said}
        getattr(log, level)(
            events.REQUEST_FINISHED,
            **told,
            method=environ["REQUEST_METHOD"],
            path=get_path_info(environ)[:500],  # UTF-8, as it was typed
            route=known.route,
            endpoint=known.endpoint,
            status=status,
            ms=round((time.perf_counter() - started) * 1000, 2),
            sql_count=known.sql_count,
            sql_ms=round(known.sql_ms, 2),
            bytes=size,
            complete=complete,
            user_id=known.user_id,
            fragment=asks_for_fragment(environ),
            hx_source=environ.get("HTTP_HX_SOURCE", "")[:100],
            page=unquote(came_from(Request(environ)))[:500] if "HTTP_REFERER" in environ else "",
            address=shortened(environ.get("REMOTE_ADDR", ""), self._addresses),
        )


def is_logged(environ: dict[str, Any], status: int = 0) -> bool:
    """Whether a request gets its line; files and what machines ask for every few seconds do not."""
    path = environ.get("PATH_INFO", "")
    return not path.startswith("/static/") and (path not in ASKED_OFTEN or 400 <= status < 500)


def drain(environ: dict[str, Any], body: CountedBody) -> None:
    """Read what the application left of the request's body, within DRAIN_LIMIT and DRAIN_SECONDS."""
    chunked = environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated")
    if not (chunked or environ.get("CONTENT_LENGTH")):
        return  # there is no body (RFC 9112, 6.3)
    try:
        # In chunks nobody knows how much is coming.
        left = int(environ["CONTENT_LENGTH"]) - body.taken if environ.get("CONTENT_LENGTH") else DRAIN_LIMIT
    except ValueError:
        return
    if left > DRAIN_LIMIT:
        return
    end = time.monotonic() + DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < end and (data := body.read(min(left, 65_536))):
            left -= len(data)
    except OSError:
        return  # the client has gone; there is nobody to answer


def shortened(address: str, how: str) -> str:
    """`address` as the setting logs.addresses wants it: full, its network only (short), or nothing (off)."""
    if how == "full":
        return address
    if how == "off" or not address:
        return ""
    if ":" in address:
        return ":".join(address.split(":")[:3]) + "::"
    return ".".join(address.split(".")[:3]) + ".0"
