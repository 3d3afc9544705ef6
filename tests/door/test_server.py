"""The production server as a client meets it, and what a client can do to the others."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from microblog.config.settings import ROOT
from microblog.serving import production
from tests.support.mailbox import wait_until

Start = Callable[..., "Served"]


class Served:
    """A running server: its port, its process and its log."""

    def __init__(self, folder: Path, workers: int = 1, threads: int = 2, stop: int = production.STOP_SECONDS) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.door.serving", *map(str, (folder, workers, threads, stop))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.port = urlsplit(line.split()[0]).port or 0
        self.announced = int(line.split()[1])

    def get(self, path: str = "/", timeout: float = 60, **headers: str) -> tuple[int, dict[str, str], str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()
        finally:
            client.close()

    def talk(self, payload: bytes, *, shut: bool = False, timeout: float = 60) -> bytes:
        """Everything that comes back on one connection until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as client:
            client.sendall(payload)
            if shut:
                client.shutdown(socket.SHUT_WR)
            return rest(client)

    def is_told_to_stop(self) -> None:
        """SIGTERM; returns when new connections are no longer taken."""
        self.process.send_signal(signal.SIGTERM)
        with suppress(OSError):
            while self.get(timeout=1):
                pass

    def events(self) -> list[dict[str, object]]:
        path = self.folder / "microblog.jsonl"
        # What stands behind the last newline is still being written.
        return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []

    def stop(self) -> None:
        for sig in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, sig)
            with suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=60)
                return


def rest(client: socket.socket) -> bytes:
    """What still comes, until the server closes."""
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(workers=1, threads=2, stop=15)` serves; stopped at the end."""
    running: list[Served] = []

    def start(**options: int) -> Served:
        running.append(Served(tmp_path, **options))
        return running[-1]

    yield start
    for served in running:
        served.stop()


def test_it_works(start: Start) -> None:
    served = start(workers=2)

    status, headers, body = served.get()

    assert status == 200
    assert int(body.split()[0]) != served.process.pid
    assert served.announced == served.process.pid
    assert "Server" not in headers
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0
    names = [record["event"] for record in served.events()]
    assert names.count("worker.started") == 2
    assert names.count("server.started") == 1
    assert names[-1] == "server.stopped"


def test_the_server_itself_believes_no_proxy(start: Start) -> None:
    _, _, body = start().get(**{"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"})

    assert body.split()[1:] == ["127.0.0.1", "http", "203.0.113.9"]


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"canary" * 2000 + b"\r\n\r\n", b"431 "),
        (b"GET /" + b"canary" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\ncanary canary\r\n\r\n", b"400 "),
        (b"canary\r\n\r\n", b"400 "),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: canary\r\n\r\n", b"501 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: canary\r\n\r\n", b"417 "),
    ],
)
def test_what_is_no_request_gets_a_page_of_ours(start: Start, payload: bytes, status: bytes) -> None:
    served = start()

    answer = served.talk(payload)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"canary" not in answer
    assert b"gunicorn" not in answer.lower()
    assert b"X-Content-Type-Options: nosniff" in head
    record = next(record for record in served.events() if record["event"] == "request.unreadable")
    assert str(record["reference"]).encode() in body
    assert f"X-Request-ID: {record['reference']}".encode() in head
    assert served.get()[0] == 200


def test_an_exception_that_escapes_the_application(start: Start) -> None:
    served = start()

    status, headers, body = served.get("/escape")

    assert status == 500
    assert "canary" not in body
    assert headers["X-Request-ID"] in body
    assert any(record["level"] == "error" for record in served.events())
    assert served.get()[0] == 200


def test_slow_clients_keep_nobody_out(start: Start) -> None:
    served = start(threads=2)
    clients = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(12)]
    for client in clients[:8]:  # the other four only connect, as browsers do in advance
        client.sendall(b"GET / HTTP/1.1\r\n")
    for _ in range(5):
        for client in clients[:8]:
            client.sendall(b"X")
        assert served.get()[0] == 200
        given_up, _, _ = select.select(clients, [], [], 0)
        assert not given_up, "the answer waited until the server had told one of them that it is too slow"
    for client in clients:
        client.close()


@pytest.mark.slow
def test_a_head_that_never_ends_is_given_up(start: Start) -> None:
    served = start()
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        client.settimeout(0.5)
        while not answer:
            client.sendall(b"X")
            with suppress(TimeoutError):
                answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began > 14


def test_a_head_in_pieces_and_two_at_once(start: Start) -> None:
    served = start()
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as client:
        for byte in request:
            client.sendall(bytes([byte]))
            time.sleep(0.005)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        client.sendall(request + request)
        answers = b""
        while answers.count(b"HTTP/1.1 200 ") < 2:
            answers += client.recv(4096)


def test_a_slow_but_steady_upload_is_let_through(start: Start) -> None:
    served = start()
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 40000\r\n\r\n")
        for _ in range(8):
            time.sleep(0.3)
            client.sendall(b"x" * 5000)
        assert rest(client).endswith(b"40000")


def test_a_client_that_does_not_hang_up_holds_nobody(start: Start) -> None:
    served = start()
    clients = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(40)]
    began = time.monotonic()
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 200 ")
    served.get()

    assert time.monotonic() - began < 30  # if each held one of the two threads for its 3 s, it would be a minute
    for client in clients:
        client.close()


def test_an_early_refusal_reaches_a_client_that_is_still_sending(start: Start) -> None:
    served = start()
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nbad\xff\r\n\r\n")
        for _ in range(20):
            client.sendall(b"x" * 10_000)
            time.sleep(0.01)
        assert rest(client).startswith(b"HTTP/1.1 400 ")


def test_a_stopping_server_waits_for_no_beginnings(start: Start) -> None:
    served = start(stop=200)
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        served.get()  # so the connection before this one was taken
        served.is_told_to_stop()
        with suppress(OSError):
            client.sendall(b"X")
        assert served.process.wait(60) == 0
        with suppress(OSError):
            assert rest(client) == b"", "it waited until the head was too slow"


def test_a_client_that_goes_away_is_no_error(start: Start) -> None:
    served = start()
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        client.recv(1000)
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")

    assert served.get()[0] == 200
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0  # whatever there was to tell is told
    assert not [record for record in served.events() if record["level"] in {"error", "critical"}]


def test_sigterm_lets_requests_in_flight_finish(start: Start, tmp_path: Path) -> None:
    served = start(workers=2, threads=6, stop=200)
    for _ in range(30):  # connections that came and went leave nothing behind that would end the waiting early
        served.get(Connection="close")
    clients = [socket.create_connection(("127.0.0.1", served.port), timeout=60) for _ in range(6)]
    for number, client in enumerate(clients):
        client.sendall(f"GET /wait/{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert wait_until(lambda: all((tmp_path / str(number)).exists() for number in range(6)))
    served.is_told_to_stop()
    (tmp_path / "go").touch()

    answers = [rest(client) for client in clients]

    assert all(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"waited") for answer in answers)
    assert served.process.wait(60) == 0, "it stops when they are answered, not when its 200 seconds are over"
    for client in clients:
        client.close()


def test_sigterm_does_not_wait_for_ever(start: Start, tmp_path: Path) -> None:
    served = start(stop=1)
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(b"GET /wait/begun HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wait_until((tmp_path / "begun").exists)
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(60)  # the request would wait on

    assert served.events()[-1]["event"] == "server.stopped"


def test_the_terminal_goes_away(start: Start) -> None:
    served = start()
    served.process.send_signal(signal.SIGHUP)

    assert served.process.wait(60) == 0


def test_a_killed_worker_is_replaced(start: Start) -> None:
    served = start()
    first = served.get()[2].split()[0]
    os.kill(int(first), signal.SIGKILL)
    second = first
    while second == first:
        with suppress(OSError, http.client.HTTPException):
            second = served.get()[2].split()[0]

    names = [record["event"] for record in served.events()]
    assert names.count("worker.started") == 2
    assert names.count("server.started") == 1


def workers_of(served: Served, count: int) -> dict[int, set[int]]:
    """Which processors each worker may use, once there are `count` that answer."""
    deadline = time.monotonic() + 60
    while True:
        found = {}
        for pid in {int(str(one["pid"])) for one in served.events() if one["event"] == "worker.started"}:
            with suppress(ProcessLookupError):  # the one that was killed
                found[pid] = os.sched_getaffinity(pid)
        if len(found) == count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no say in it")
def test_each_worker_has_a_processor_and_its_replacement_the_same(start: Start) -> None:
    mine = os.sched_getaffinity(0)
    served = start(workers=2)
    first = workers_of(served, 2)
    assert [len(has) for has in first.values()] == [1, 1]
    assert len(set.union(*first.values())) == min(2, len(mine)), "not both on one"
    assert os.sched_getaffinity(served.process.pid) == mine, "the first process is kept on none"
    killed = max(first)  # the second: the order of starting would give its place to the other processor
    os.kill(killed, signal.SIGKILL)
    served_by = first
    while killed in served_by:
        served_by = workers_of(served, 2)
    (new,) = served_by.keys() - first.keys()
    assert served_by[new] == first[killed]


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = subprocess.run(
            [sys.executable, "manage.py", "run", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"Port {port} on 127.0.0.1 is taken by another program")
    assert "Traceback" not in failed.stderr
