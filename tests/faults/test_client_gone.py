"""F33: the client goes away in the middle: one quiet line that says so, and nobody else notices."""

import contextlib
import socket
import struct
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from microblog.models import User
from tests.support.kinds import HX
from tests.support.mailbox import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only, pytest.mark.fault(33)]

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset, as a browser's does whose tab is closed, or a telephone in a tunnel."""


def leave(wire, how):
    if how == "reset":
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    wire.close()


def ask(site, path, read, how):
    wire = site.connect()
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
    got = 0
    while got < read:
        got += len(wire.recv(65_536))
    leave(wire, how)


def quiet(records):
    assert not [r for r in records() if r["level"] in ("error", "critical") or "exception" in r or "stack" in r]


@pytest.mark.parametrize("how", ["reset", "close"])
def test_it_works(broken_site, records, how):
    """In the middle of an answer that is larger than any buffer."""
    visitor = broken_site.visitor(records)
    for _ in range(6):  # more often than one process has threads
        ask(broken_site, "/test/large", 100_000, how)
    assert wait_until(lambda: len(records("request.finished", route="/test/large")) == 6)
    for line in records("request.finished", route="/test/large"):
        assert (line["status"], line["complete"], line["level"]) == (200, False, "info")
        assert line["ms"] < 20_000
    quiet(records)
    page = visitor.still_works()
    assert visitor.line_of(page)["complete"] is True
    assert "Traceback" not in broken_site.said()


@pytest.mark.parametrize("how", ["reset", "close"])
def test_before_the_answer(broken_site, records, how):
    """While the view is at work: its answer finds nobody."""
    for _ in range(4):
        ask(broken_site, "/test/hang/0.5", 0, how)
    assert wait_until(lambda: len(records("request.finished", route="/test/hang/<float:seconds>")) == 4)
    broken_site.visitor(records).still_works()
    quiet(records)
    assert "Traceback" not in broken_site.said()


def test_a_save_is_whole_or_not_at_all(broken_site, ana, records, stored):
    """Sent in full, and gone before the answer: it is saved. Who asks again hears so, and it is one change."""
    visitor = broken_site.visitor(records).sign_in(ana)
    values = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "sent in full"}
    body = urlencode(values).encode()
    head = {"Host": f"127.0.0.1:{broken_site.port}", "Content-Type": "application/x-www-form-urlencoded"}
    head |= HX | {"Cookie": f"session={visitor.client.get_cookie('session').value}", "X-CSRFToken": visitor.token}
    head["Content-Length"] = str(len(body))
    lines = ["POST /edit_profile/about_me HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    with contextlib.suppress(OSError):
        wire = broken_site.connect()
        wire.sendall("\r\n".join(lines).encode() + body)
        leave(wire, "close")
    assert wait_until(lambda: stored(select(User.about_me)) == "sent in full")
    again = visitor.hx_post("/edit_profile/about_me", data=values)
    assert again.status == 200
    assert stored(select(User.version)) == 2
    quiet(records)
