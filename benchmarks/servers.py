"""gunicorn as we run it, gunicorn as it comes, and granian: speed, and what each does when a client misbehaves.

    python benchmarks/servers.py                    # about 8 minutes; figures: docs/server.md
    python benchmarks/servers.py --rounds 1 --seconds 1 --only behaviour

All serve the same Flask application with 2 processes of 8 threads on the loopback, in turn, several rounds; the figure
is the median round. The load is one process that keeps 16 connections busy. granian is no dependency of ours: it is
left out unless it is installed (`pip install granian==2.8.7`).
"""

import argparse
import http.client
import importlib.util
import os
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from flask import Flask, abort, request
from jinja2 import Environment

ROOT = Path(__file__).resolve().parent.parent
WORKERS, THREADS, CONNECTIONS = 2, 8, 16
PAGE = "<!doctype html><title>page</title>" + "<p>text that a browser would show, eight kilobytes of it</p>\n" * 134
LIST = Environment(autoescape=True).from_string(
    "<!doctype html><title>list</title>{% for item in items %}{% for part in item.text.split() %}<p>{{ item.name }}"
    "<a href='/user/{{ item.name|urlencode }}'>{{ part|upper }}</a></p>{% endfor %}{% endfor %}"
)
NAMES = ("ours", "gunicorn", "granian")


def make_app() -> Flask:
    """The application of all servers."""
    app = Flask("bench")
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.get("/hello")
    def hello() -> str:
        return f"hello {os.getpid()}"

    @app.get("/page")
    def page() -> str:
        return PAGE

    @app.get("/list")
    def items() -> str:
        return LIST.render(items=[{"name": f"name {n}", "text": "some words & more " * 6} for n in range(25)])

    @app.post("/upload")
    def upload() -> str:
        return str(len(request.get_data()))

    @app.get("/wait/<int:seconds>")
    def wait(seconds: int) -> str:
        time.sleep(seconds)
        return "waited"

    @app.post("/form")
    def form() -> str:
        # As a form view does: the whole body is read, and believed to be whole.
        return f"stored {len(request.get_data(cache=False))} of {request.content_length}"

    @app.post("/early")
    def early() -> str:
        abort(413)

    return app


app = make_app() if os.environ.get("BENCH_SERVE") else None


def on_our_server(make: Callable[[], Flask], port: int) -> NoReturn:
    """An application on the site's own server until it is told to stop; each process makes its own."""
    from microblog.config.settings import Logs, Paths, Server, Settings
    from microblog.serving import production

    folder = os.environ["BENCH_FOLDER"]
    settings = Settings(
        paths=Paths(data=folder),
        logs=Logs(directory=folder, console="off"),
        server=Server(port=port, workers=WORKERS, threads=THREADS),
    )
    production.create_app = lambda *_, **__: make()
    raise SystemExit(
        production.serve(settings, production.listen("127.0.0.1", port), version="0", announce=lambda *_: None)
    )


def serve(name: str, port: int) -> None:
    """Run one server in this process until it is told to stop."""
    os.environ["BENCH_SERVE"] = "1"
    if name == "ours":
        sys.path.insert(0, str(ROOT))
        on_our_server(make_app, port)
    if name == "gunicorn":
        options = ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)]
        options += [
            "--bind",
            f"127.0.0.1:{port}",
            "--keep-alive",
            "5",
            "--graceful-timeout",
            "15",
            "--log-level",
            "critical",
        ]
        options += ["--no-control-socket"]
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "benchmarks.servers:app", *options])
    options = [
        "--interface",
        "wsgi",
        "--workers",
        str(WORKERS),
        "--blocking-threads",
        str(THREADS),
        "--no-ws",
        "--http",
        "1",
    ]
    options += ["--port", str(port), "--no-log", "--workers-kill-timeout", "15", "--respawn-failed-workers"]
    os.execv(sys.executable, [sys.executable, "-m", "granian", "benchmarks.servers:app", *options])


@contextmanager
def running(name: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """The server on a free port, answering; killed with all it started at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name, str(port)],
            cwd=ROOT,
            env=os.environ | {"BENCH_FOLDER": folder, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(200):
                try:
                    if get(port, "/hello")[0] == 200:
                        break
                except (OSError, http.client.HTTPException):
                    time.sleep(0.1)
            yield port, process
        finally:
            for sig in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, sig)
                    process.wait(20)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue


def get(port: int, path: str, timeout: float = 10) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def load(
    port: int, payload: bytes | Callable[[], bytes], seconds: float, status: bytes = b"200"
) -> tuple[float, float]:
    """Requests per second and the 99th percentile in milliseconds, from CONNECTIONS kept-alive connections.

    `payload` is the request, or makes one; each answer must have the `status`.
    """
    make = (lambda: payload) if isinstance(payload, bytes) else payload
    selector = selectors.DefaultSelector()
    began: dict[socket.socket, float] = {}
    buffers: dict[socket.socket, bytearray] = {}
    took: list[float] = []
    end = time.perf_counter() + seconds

    def connect() -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ)
        buffers[client] = bytearray()
        began[client] = time.perf_counter()
        client.sendall(make())

    for _ in range(CONNECTIONS):
        connect()
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(timeout=end - now):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            piece = client.recv(65536)
            buffer = buffers[client]
            buffer += piece
            head = buffer.find(b"\r\n\r\n")
            if not piece:
                selector.unregister(client)
                client.close()
                connect()
                continue
            if head < 0:
                continue
            length = re.search(rb"content-length: (\d+)", bytes(buffer[:head]).lower())
            if length and len(buffer) >= head + 4 + int(length[1]):
                assert buffer.startswith(b"HTTP/1.1 " + status), bytes(buffer[:60])
                took.append(time.perf_counter() - began[client])
                buffer.clear()
                began[client] = time.perf_counter()
                client.sendall(make())
    for client in buffers:
        client.close()
    took.sort()
    return len(took) / seconds, took[int(len(took) * 0.99)] * 1000


BODY = b"x" * 200_000
LOADS = {
    "hello": b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "8 KB page": b"GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "list page, 29 KB": b"GET /list HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "200 KB upload": b"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n" + BODY,
}


def cpu_seconds(group: int) -> float:
    """What all processes of the group have used of the processors so far."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def speed(names: list[str], rounds: int, seconds: float) -> None:
    """Print a table of medians; the servers take turns, so that a slow minute of the machine hits all."""
    results: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for name in names:
            with running(name) as (port, process):
                for what, payload in LOADS.items():
                    load(port, payload, 0.5)
                    used = cpu_seconds(process.pid)
                    rate, slowest = load(port, payload, seconds)
                    used = cpu_seconds(process.pid) - used
                    results.setdefault((name, what), []).append((used / (rate * seconds) * 1e6, rate, slowest))
    print(
        f"\nmedian of {rounds} rounds of {seconds:g} s: µs of processor time a request (requests a second; p99 in ms)\n"
    )
    print("| |" + "|".join(names) + "|\n|---|" + "---|" * len(names))
    for what in LOADS:
        cells = []
        for name in names:
            cpu, rates, slowest = (statistics.median(column) for column in zip(*results[name, what], strict=True))
            cells.append(f"{cpu:,.0f} ({rates:,.0f}/s; {slowest:.0f})")
        print(f"| {what} | " + " | ".join(cells) + " |")


def talk(port: int, payload: bytes, *, shut: bool = False, seconds: float = 5) -> bytes:
    """Send bytes, perhaps end our side, and return all that comes back within the time."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        answer = b""
        try:
            client.sendall(payload)
            if shut:
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                answer += piece
        except TimeoutError:
            pass
        except OSError as error:
            return answer or type(error).__name__.encode()
        return answer


def first_line(answer: bytes) -> str:
    return answer.split(b"\r\n")[0].decode("latin-1") or "nothing"


def body(answer: bytes) -> str:
    return answer.partition(b"\r\n\r\n")[2].decode("latin-1")[:40].partition("\n")[0] or "no body"


def truncated(port: int, _process: "subprocess.Popen[bytes]") -> str:
    answer = talk(port, b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400, shut=True)
    return f"{first_line(answer)}; {body(answer)}"


def early_413(port: int, _process: "subprocess.Popen[bytes]") -> str:
    """As a browser does: it sends on and on, and looks for an answer when that fails."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
        try:
            for _ in range(500):
                client.sendall(b"x" * 10_000)
            sent = "all sent"
        except OSError as error:
            sent = f"sending ended with {type(error).__name__}"
        try:
            return f"{sent}; {first_line(client.recv(65536))}"
        except OSError as error:
            return f"{sent}; {type(error).__name__} instead of an answer"


def large_header(port: int, _process: "subprocess.Popen[bytes]") -> str:
    answer = talk(port, b"GET /hello HTTP/1.1\r\nHost: a\r\nCookie: " + b"a" * 500_000 + b"\r\n\r\n")
    return first_line(answer)


def header_names(port: int, _process: "subprocess.Popen[bytes]") -> str:
    answer = talk(port, b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    found = re.search(rb"(?im)^server: (.*?)\r$", answer)
    return f"Server: {found[1].decode()}" if found else "no Server header"


def garbage(port: int, _process: "subprocess.Popen[bytes]") -> str:
    answer = talk(port, b"GET / HTTP/1.1\r\nHost: a\r\nbad header\xff\r\n\r\n")
    return f"{first_line(answer)}; echoes the input: {'yes' if b'bad header' in answer else 'no'}"


def chunked(port: int, _process: "subprocess.Popen[bytes]") -> str:
    head = b"POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    whole = talk(port, head + b"5\r\nhello\r\n0\r\n\r\n")
    cut = talk(port, head + b"5\r\nhello\r\n400\r\nabc", shut=True)
    return f"whole: {body(whole)}; cut off: {first_line(cut)}"


def slow_clients(port: int, _process: "subprocess.Popen[bytes]") -> str:
    """Three times as many clients as there are threads begin a request and send a byte each second."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(WORKERS * THREADS * 3)]
    served = 0
    try:
        for client in clients:
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        time.sleep(1)
        for _ in range(10):
            for client in clients:
                try:
                    client.sendall(b"x")
                except OSError:
                    continue
            try:
                served += get(port, "/hello", timeout=1)[0] == 200
            except OSError:
                continue
        return f"{served} of 10 other requests served within a second"
    finally:
        for client in clients:
            client.close()


def lingering(port: int, _process: "subprocess.Popen[bytes]") -> str:
    """Eight clients get their answer, with Connection: close, and do not close their side. How long do others wait?"""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    for client in clients:
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.recv(4096)
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        try:
            get(port, "/hello", timeout=30)
        except OSError:
            return "failed"
        slowest = max(slowest, time.monotonic() - began)
    for client in clients:
        client.close()
    return f"slowest of the next 20 requests: {slowest * 1000:.0f} ms"


def killed_worker(port: int, _process: "subprocess.Popen[bytes]") -> str:
    victim = int(get(port, "/hello")[1].split()[1])
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    failed = 0
    seen: set[bytes] = set()
    while time.monotonic() - began < 10:
        try:
            seen.add(get(port, "/hello", timeout=2)[1])
        except (OSError, http.client.HTTPException):
            failed += 1
        if len(seen) >= 2:
            break
    return f"both processes answer again after {time.monotonic() - began:.1f} s, {failed} requests failed"


def sigterm(port: int, process: "subprocess.Popen[bytes]") -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET /wait/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            answer = client.recv(65536)
        except OSError as error:
            answer = type(error).__name__.encode()
    try:
        code: object = process.wait(30)
    except subprocess.TimeoutExpired:
        code = "still running"
    return f"in flight: {first_line(answer)}; ended after {time.monotonic() - began:.1f} s, exit code {code}"


BEHAVIOURS: dict[str, Callable[[int, "subprocess.Popen[bytes]"], str]] = {
    "body shorter than announced": truncated,
    "chunked body": chunked,
    "413 before 5 MB were read": early_413,
    "500 KB of cookies": large_header,
    "not quite HTTP": garbage,
    "tells its name": header_names,
    "48 clients at one byte a second": slow_clients,
    "8 clients that do not hang up": lingering,
    "kill -9 of a process": killed_worker,
    "SIGTERM with a request in flight": sigterm,
}


def behaviour(names: list[str]) -> None:
    """Print a table of what happened."""
    print("\n| |" + "|".join(names) + "|\n|---|" + "---|" * len(names))
    for what, act in BEHAVIOURS.items():
        cells = []
        for name in names:
            with running(name) as (port, process):
                cells.append(act(port, process))
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", nargs=2, metavar=("NAME", "PORT"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", choices=("speed", "behaviour"))
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]))
        return
    names = [name for name in NAMES if name != "granian" or importlib.util.find_spec("granian")]
    if arguments.only != "speed":
        behaviour(names)
    if arguments.only != "behaviour":
        speed(names, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
