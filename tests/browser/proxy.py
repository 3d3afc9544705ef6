"""Between browser and site: a proxy that delays, cuts, hangs and answers for the site, as the test says."""

import http.client
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BAD_GATEWAY = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
)
FOREIGN = {
    "502": (502, "text/html", BAD_GATEWAY),
    "500": (500, "text/html", ""),
    "503": (503, "application/json", '{"message": "no healthy upstream"}'),
    "portal": (200, "text/html", "<title>Welcome to HotelNet</title><h1>Accept our terms</h1>"),
}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Rule:
    """What happens to `times` requests of `method` to `path`, or to all below a `path` that ends in a slash; to those
    that are `held`, once `calm` lets go."""

    method: str
    path: str
    fault: str = ""
    held: bool = False
    times: int = 1000
    seen: int = 0


class Proxy(ThreadingHTTPServer):
    """Forwards to `upstream` ("http://127.0.0.1:port"), but for what `rule` says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream.removeprefix("http://")
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.rules: list[Rule] = []
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def rule(self, method: str, path: str, fault: str = "", **values: Any) -> Rule:
        """Faults: "502", "500", "503", "portal" (answers that are not ours), "cut" (half a body), "lost" (done, but
        no answer comes back), "later" (done, but the answer comes at `calm`), "refuse", "hang", "busy:18" (a 503 with
        Retry-After: 18)."""
        self.released.clear()
        made = Rule(method, path, fault, **values)
        self.rules.insert(0, made)
        return made

    def calm(self) -> None:
        """Back to a proxy that only forwards; what hangs is let go."""
        self.rules.clear()
        self.released.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers go away in the middle; that is no news."""

    def close(self) -> None:
        self.calm()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def handle_one_request(self) -> None:
        with suppress(ConnectionError):
            super().handle_one_request()

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = next((r for r in self.server.rules if self._fits(r)), None)
        fault = ""
        if rule:
            rule.seen += 1
            fault = rule.fault
            if rule.held or fault == "hang":
                self.server.released.wait(120)
        if fault in {"refuse", "hang"}:
            return self._reset()
        if fault.startswith("busy:"):
            return self._send(503, [("Content-Type", "text/html"), ("Retry-After", fault[5:])], BAD_GATEWAY.encode())
        if fault in FOREIGN:
            status, kind, text = FOREIGN[fault]
            return self._send(status, [("Content-Type", kind)], text.encode())
        try:
            status, headers, answer = self._forward(body)
        except OSError:
            return self._reset()
        if fault == "later":
            self.server.released.wait(120)
        if fault == "lost":
            return self._reset()
        if fault == "cut":
            self._send(status, headers, answer[: len(answer) // 2], length=len(answer))
            return self._reset()
        return self._send(status, headers, answer)

    do_GET = do_POST = do_HEAD = _any  # noqa: N815 - http.server's names

    def _fits(self, rule: Rule) -> bool:
        path = self.path.partition("?")[0]
        here = path == rule.path or (rule.path.endswith("/") and path.startswith(rule.path))
        return here and rule.method == self.command and rule.seen < rule.times

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=120)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "keep-alive"}:
                    upstream.putheader(name, value)
            upstream.putheader("Connection", "close")
            upstream.endheaders(body)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """The connection breaks: a reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)

    def log_message(self, *_: Any) -> None:
        """Nothing: the site's own log is what tests read."""
