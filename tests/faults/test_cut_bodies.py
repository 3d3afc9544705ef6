"""F21: a body that ends before its announced length, a multipart form without its end, broken chunks. Raw sockets."""

import contextlib
import socket

import pytest
from sqlalchemy import select

from microblog.models import User
from tests.support.kinds import HX
from tests.support.site import parsed, read_all
from tests.support.watched import HEADERS, INTERNAL

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only, pytest.mark.fault(21)]

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xyz"


@pytest.fixture
def send(site, ana, records):
    """Sends `body` from ana's browser, under her token, with a head of our own making."""
    visitor = site.visitor(records).sign_in(ana)
    values = visitor.hx_get("/edit_profile/about_me").values()

    def send(path, body, headers, *, then="half-close", fragment=True):
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}"]
        lines += [f"Cookie: session={visitor.client.get_cookie('session').value}", f"X-CSRFToken: {visitor.token}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if fragment:
            lines += [f"{name}: {value}" for name, value in HX.items()]
        with site.connect() as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if then == "half-close":
                wire.shutdown(socket.SHUT_WR)
            elif then == "vanish":
                return None
            return parsed(read_all(wire))

    send.values, send.visitor, send.site = values, visitor, site
    return send


def urlencoded(values):
    from urllib.parse import urlencode

    return urlencode(values).encode()


def multipart(values, end=b"--xyz--\r\n"):
    parts = [
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in values.items()
    ]
    return "".join(parts).encode() + end


def expect_refused(answer, records, fragment=True):
    status, headers, body = answer
    assert status == 400, body[:500]
    text = body.decode()
    assert headers["x-request-id"] in text
    assert "arrived damaged or only in part" in text
    assert ("<html" in text) is not fragment
    assert not INTERNAL.search(text)
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value
    (line,) = records("request.finished", reference=headers["x-request-id"])
    assert line["status"] == 400
    assert records("body.truncated", reference=headers["x-request-id"])
    assert not records("request.failed", reference=headers["x-request-id"])


def test_it_works(send, stored, records):
    """Each is cut so that what did arrive would be a form that can be saved."""
    values = send.values | {"about_me": "a text of which only a part arrives"}
    body, parts = urlencoded(values), multipart(values)
    last = values | {"rest": "x" * 50}
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    end = multipart(values, end=b"")
    cases = {
        "short body": (urlencoded(last)[:-40], FORM, len(urlencoded(last))),
        "short multipart": (multipart(last)[:-40], MULTIPART, len(multipart(last))),
        "short by one byte": (body[:-1], FORM, len(body)),
        "no body at all": (b"", FORM, len(body)),
        "no last boundary": (end, MULTIPART, len(end)),
        "cut in a part": (parts[:-60], MULTIPART, len(parts) - 60),
        "cut in a part's head": (end + b"--xyz\r\nContent-Dis", MULTIPART, len(end) + 19),
        "no boundary named": (parts, "multipart/form-data", len(parts)),
        "another boundary": (parts, "multipart/form-data; boundary=abc", len(parts)),
    }
    for what, (sent, kind, length) in cases.items():
        for fragment in (True, False):
            answer = send(
                "/edit_profile/about_me", sent, {"Content-Type": kind, "Content-Length": length}, fragment=fragment
            )
            print(what, fragment, answer[0])
            expect_refused(answer, records, fragment)
    for what, sent in {
        "no end": chunk,
        "cut chunk": chunk[:-30],
        "no size": b"zz\r\n" + body,
        "no line end": f"{len(body):x}\r\n".encode() + body + b"XX0\r\n\r\n",
    }.items():
        for fragment in (True, False):
            answer = send(
                "/edit_profile/about_me",
                sent,
                {"Content-Type": FORM, "Transfer-Encoding": "chunked"},
                fragment=fragment,
            )
            print(what, fragment, answer[0])
            expect_refused(answer, records, fragment)
    assert stored(select(User.about_me)) == ""
    assert stored(select(User.version)) == 1

    # And whole ones are taken, in every coding.
    done = send("/edit_profile/about_me", chunk + b"0\r\n\r\n", {"Content-Type": FORM, "Transfer-Encoding": "chunked"})
    assert done[0] == 200
    assert stored(select(User.about_me)) == "a text of which only a part arrives"
    send.visitor.still_works()


def test_the_picture(send, records, stored):
    """A cut upload of a picture is no picture."""
    values = {"csrf_token": send.visitor.token, "person": send.values["person"], "version": "1"}
    head = multipart(values, end=b"") + (
        b'--xyz\r\nContent-Disposition: form-data; name="avatar"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    body = head + b"\x89PNG\r\n\x1a\n" + b"x" * 100_000
    for length in (len(body), len(body) + 50_000):
        expect_refused(
            send("/edit_profile/avatar", body, {"Content-Type": MULTIPART, "Content-Length": length}), records
        )
    assert stored(select(User.avatar)) == ""


def test_the_client_goes_away(send, records, stored):
    """Nobody reads the answer: one quiet line, and the thread is free again."""
    values = urlencoded(send.values | {"about_me": "never"})
    for _ in range(20):
        with contextlib.suppress(OSError):
            headers = {"Content-Type": FORM, "Content-Length": len(values) + 1000}
            send("/edit_profile/about_me", values, headers, then="vanish")
    send.visitor.still_works()
    assert stored(select(User.about_me)) == ""
    assert not records("request.failed")
    assert not [record for record in records() if record["level"] in ("error", "critical")]
