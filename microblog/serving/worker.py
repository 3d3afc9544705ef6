"""gunicorn's threaded worker with four things changed, each a way in which one client could spoil it for the others.

1. A client that sends the head of its request a byte at a time held a thread for as long as it liked, and a browser
   that connects in advance held one for 5 seconds. Now a thread is taken when the head is there; bodies keep a pace.
2. Closing a connection waited up to two seconds for the client, on the thread that accepts all others. Now the poller
   waits.
3. What gunicorn cannot parse was answered with its own page, which repeats parts of the request.
4. The `Server:` header.
"""

import logging
import os
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import structlog
from gunicorn import util
from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.http import errors as refusals
from gunicorn.http import get_parser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from microblog.log import events
from microblog.log.context import sent_from
from microblog.log.reference import new_reference

PATIENCE = 15.0  # seconds for the head of a request, and before a body must keep its pace
BYTES_A_SECOND = 2_000  # the pace: a telephone far from its mast
HEAD_BYTES = 65_536  # what comes without an end to the head is for the parser to refuse
LINGER = 3.0  # seconds for the client to hang up after the last answer
DRAIN_PIECES = 16  # at a time; the poller calls again while there is more
SEND_SECONDS = 60.0  # for one piece of an answer; a client that does not read is let go

log = structlog.get_logger(__name__)


class TooSlow(Exception):
    """The head of a request did not arrive in time."""


class PatientUnreader(SocketUnreader):  # type: ignore[misc] # gunicorn has no types
    """Reads from a client that must keep a pace; knows whether the head of the next request is there."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.deadline: float | None = None  # for the head
        self.leaving = 0.0  # until when the client may hang up, once we have

    def gather(self) -> bool:
        """Take what has arrived, without waiting; whether a whole head is there, or no more will come.

        Raises TooSlow when the first byte came more than PATIENCE ago, OSError when the connection is gone.
        """
        while not self._head_is_there():
            self.sock.settimeout(0)
            try:
                piece = self.sock.recv(HEAD_BYTES)
            except BlockingIOError:
                if self.deadline is not None and time.monotonic() > self.deadline:
                    raise TooSlow from None
                return False
            if not piece:
                return True
            if self.deadline is None:
                self.deadline = time.monotonic() + PATIENCE
            self.buf.seek(0, os.SEEK_END)
            self.buf.write(piece)
        return True

    def _head_is_there(self) -> bool:
        held = self.buf.getvalue()
        return b"\r\n\r\n" in held or len(held) >= HEAD_BYTES

    def still_there(self) -> bool:
        """Throw away what has arrived; whether the client may still send, or has not yet heard that we left."""
        self.sock.settimeout(0)
        try:
            for _ in range(DRAIN_PIECES):
                if not self.sock.recv(HEAD_BYTES):
                    return False
        except BlockingIOError:
            return time.monotonic() < self.leaving
        except OSError:
            return False
        return time.monotonic() < self.leaving

    def begin(self) -> None:
        """The head is there: the time of the body starts now, and the next head has not begun."""
        self.body_deadline, self.deadline = time.monotonic() + PATIENCE, None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next piece of a body. Raises TimeoutError, which Werkzeug takes for a client that is gone."""
        try:
            left = self.body_deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            # gunicorn may have set a shorter one, when it reads away what nobody asked for.
            self.sock.settimeout(min(left, self.sock.gettimeout() or left))
            piece: bytes = super().chunk(size_hint)
        finally:
            # The application answers through the same socket.
            self.sock.settimeout(SEND_SECONDS)
        self.body_deadline += len(piece) / BYTES_A_SECOND
        return piece


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """One process of the site."""

    def enqueue_req(self, conn: Any) -> None:
        if conn.parser is None:
            conn.parser = get_parser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = PatientUnreader(conn.sock)
            # When gunicorn closes, on the thread that accepts, there is nothing left to wait for: see _leave.
            conn.close = lambda graceful=False: util.close(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Called on a thread whenever the connection has something to read; short, until the head is there."""
        unreader: PatientUnreader = conn.parser.unreader
        if unreader.leaving:
            return _DEFER if self.alive and unreader.still_there() else False
        try:
            if not unreader.gather():
                # Back to the poller, and the thread to somebody else. A stopping worker waits for no beginnings.
                return _DEFER if self.alive else False
        except TooSlow as slow:
            self.handle_error(None, conn.sock, conn.client, slow)
            return self._leave(conn)
        except OSError:
            return False
        unreader.begin()
        conn.data_ready = True
        keep = super().handle(conn)
        return self._leave(conn) if keep is False else keep

    def _leave(self, conn: Any) -> Any:
        """Say that nothing more comes, and wait on no thread until the client has said so too.

        Closing at once would take the answer from a client that is still sending (RFC 9112, section 9.6).
        """
        unreader: PatientUnreader = conn.parser.unreader
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        unreader.leaving = time.monotonic() + LINGER
        while unreader.still_there():
            if self.alive:
                return _DEFER
            time.sleep(0.05)  # a stopping worker has threads enough, and no poller to come back to
        return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request for the application, or what escaped it."""
        status, title, text = _answer_to(exc)
        reference = new_reference()
        if status == 500:
            logging.getLogger(__name__).error("An exception left the application", exc_info=exc)
        else:
            with structlog.contextvars.bound_contextvars(reference=reference), sent_from(addr):
                log.info(events.REQUEST_UNREADABLE, status=status, error=type(exc).__name__)
        with suppress(OSError):  # it went away; nobody is left to tell
            client.settimeout(SEND_SECONDS)
            client.sendall(page(status, title, text, reference))


# Exception → status, title and sentence. The first that fits counts; all that is left is ours.
_ANSWERS: tuple[tuple[type[BaseException], int, str, str], ...] = (
    (TooSlow, 408, "Request Timeout", "The request took too long to arrive. Please try again."),
    (refusals.LimitRequestLine, 414, "URI Too Long", "This address is too long. Please check the link."),
    (
        *(refusals.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
        "Your browser sent more than this site takes. Deleting its cookies for this site usually helps.",
    ),
    (refusals.ExpectationFailed, 417, "Expectation Failed", "The request asks for something this site does not do."),
    (
        refusals.UnsupportedTransferCoding,
        501,
        "Not Implemented",
        "The request is coded in a way this site does not know.",
    ),
    # An answer that cannot be sent is our fault, although its class says otherwise.
    (refusals.InvalidResponseHeader, 500, "Internal Server Error", "Something went wrong here. Please try again."),
    (refusals.InvalidResponseHeaderName, 500, "Internal Server Error", "Something went wrong here. Please try again."),
    (refusals.ParseException, 400, "Bad Request", "The request could not be understood. Please try again."),
    (BaseException, 500, "Internal Server Error", "Something went wrong here. Please try again."),
)


def _answer_to(exc: BaseException) -> tuple[int, str, str]:
    return next((status, title, text) for kind, status, title, text in _ANSWERS if isinstance(exc, kind))


def page(status: int, title: str, text: str, reference: str) -> bytes:
    """A whole answer as bytes: needs no template, no file and no application."""
    body = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"></head>\n'
        f"<body><main><h1>{title}</h1><p>{text}</p><p>Reference: {reference}</p>"
        '<p><a href="/">Home</a></p></main></body></html>\n'
    ).encode()
    head = (
        f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: {reference}\r\nCache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\n"
        # Without X-Microblog: it is a whole page, which the pages of the site must not put into themselves.
        "X-Frame-Options: DENY\r\n"
        "Referrer-Policy: same-origin\r\n\r\n"
    )
    return head.encode("ascii") + body


class Logger(GunicornLogger):  # type: ignore[misc] # gunicorn has no types
    """Everything gunicorn says goes the way of all other records."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False  # request.finished tells more
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
        self.loglevel = logging.WARNING
        self.error_log.setLevel(self.loglevel)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if isinstance(sys.exc_info()[1], TimeoutError):
            # A client that stopped reading its answer is no error of ours.
            self.debug(msg, *args)
        else:
            super().exception(msg, *args, **kwargs)


def hide_server_header() -> None:
    """gunicorn puts its name into every answer and has no setting for it."""
    headers = Response.default_headers

    def without(self: Any) -> list[str]:
        return [line for line in headers(self) if not line.startswith("Server:")]

    Response.default_headers = without
