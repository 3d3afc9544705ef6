"""F22, F23: too many bytes, too many fields. The client must really read the answer, not a reset."""

import random
import shutil
import subprocess
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from microblog.models import User
from microblog.models.outcome import new_key
from tests.conftest import absent
from tests.support.kinds import HX
from tests.support.site import parsed, read_all
from tests.support.watched import HEADERS, INTERNAL

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only]

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=xyz"
MB = 1_000_000
PICTURE = b'--xyz\r\nContent-Disposition: form-data; name="avatar"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'


@pytest.fixture
def visitor(site, ana, records):
    return site.visitor(records).sign_in(ana)


def head_of(site, visitor, path, kind, length, *, fragment=True):
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"Cookie: session={visitor.client.get_cookie('session').value}", f"X-CSRFToken: {visitor.token}"]
    lines += [f"Content-Length: {length}"] if length is not None else ["Transfer-Encoding: chunked"]
    if fragment:
        lines += [f"{name}: {value}" for name, value in HX.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def told(answer, records, *, fragment=True, beside=False):
    status, headers, body = answer
    text = body.decode()
    assert status == 413, text[:500]
    assert not INTERNAL.search(text)
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value
    if fragment:
        assert "<html" not in text
        assert headers["hx-retarget"] == ("#avatar-message" if beside else "#toasts")
        assert headers["hx-reswap"] == ("outerHTML" if beside else "beforeend")
        assert headers["hx-push-url"] == "false"
    else:
        assert "<html" in text
    (line,) = records("request.finished", reference=headers["x-request-id"])
    assert (line["status"], line["level"]) == (413, "info")
    assert not records("request.failed", reference=headers["x-request-id"])
    return text


@pytest.mark.fault(22)
def test_it_works(site, visitor, records, stored):
    """Sent whole before anything is read, as browsers may do: with a reset the answer would be lost."""
    for size, words in ((1.1, "1.1 MB"), (5, "5 MB"), (50, "50 MB")):
        body = b"about_me=" + b"x" * int(size * MB)
        for chunked in (False, True):
            sent = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n" if chunked else body
            for fragment in (True, False):
                length = None if chunked else len(body)
                with site.connect(timeout=60) as wire:
                    wire.sendall(head_of(site, visitor, "/edit_profile/about_me", FORM, length, fragment=fragment))
                    wire.sendall(sent)
                    answer = parsed(read_all(wire))
                text = told(answer, records, fragment=fragment)
                said = "more than the 1 MB that this site takes" if chunked else f"{words}; this site takes up to 1 MB"
                assert f"You sent {said}." in text
    assert stored(select(User.about_me)) == ""
    visitor.still_works()


@pytest.mark.fault(22)
def test_curl_reads_it(site, visitor, tmp_path):
    curl = shutil.which("curl") or absent("curl", "apt-get install curl")
    file = tmp_path / "large"
    for size in (1.1, 5, 50):
        with file.open("wb") as sparse:
            sparse.truncate(int(size * MB))
        done = subprocess.run(
            [
                *(curl, "-sS", "-o", "-", "-w", "\n%{http_code}", "-H", "HX-Request: true", "-H", "Expect:"),
                *("--data-binary", f"@{file}", f"http://127.0.0.1:{site.port}/login"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("\n413")
        assert 'data-toast="too_large"' in done.stdout


@pytest.mark.fault(22)
def test_a_picture_beside_its_field(site, visitor, records, stored):
    for size, words in ((5.1, "5.1 MB"), (8, "8 MB"), (50, "50 MB")):
        picture = random.Random(4).randbytes(1000) * int(size * 1000)
        body = PICTURE + picture + b"\r\n--xyz--\r\n"
        with site.connect(timeout=60) as wire:
            wire.sendall(head_of(site, visitor, "/edit_profile/avatar", MULTIPART, len(body)) + body)
            text = told(parsed(read_all(wire)), records, beside=True)
        assert 'id="avatar-message"' in text
        assert f"You sent {words}; this site takes up to 5 MB." in text
    assert stored(select(User.avatar)) == ""
    visitor.still_works()
    # And the largest that fits is judged as a picture.
    picture = b"x" * 5 * MB
    body = PICTURE + picture + b"\r\n--xyz--\r\n"
    with site.connect(timeout=60) as wire:
        wire.sendall(head_of(site, visitor, "/edit_profile/avatar", MULTIPART, len(body)) + body)
        wire.shutdown(1)
        status, _, text = parsed(read_all(wire))
    assert status == 422, text[:300]


@pytest.mark.fault(23)
@pytest.mark.parametrize("kind", [FORM, MULTIPART])
def test_ten_thousand_fields(site, visitor, records, kind, stored):
    names = {f"field_{number}": "x" for number in range(10_000)} | {"about_me": "saved?"}
    if kind == FORM:
        body = urlencode(names).encode()
    else:
        names = dict(list(names.items())[:9_000])
        part = '--xyz\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        body = ("".join(part.format(*item) for item in names.items()) + "--xyz--\r\n").encode()
    assert len(body) < 1_048_576
    for fragment in (True, False):
        with site.connect() as wire:
            wire.sendall(head_of(site, visitor, "/edit_profile/about_me", kind, len(body), fragment=fragment) + body)
            wire.shutdown(1)
            text = told(parsed(read_all(wire)), records, fragment=fragment)
        assert "more fields, or longer ones, than this site takes" in text
    assert stored(select(User.about_me)) == ""
    visitor.still_works()


@pytest.mark.fault(23)
def test_one_field_of_a_megabyte(site, visitor, records):
    text = "x" * 1_048_576
    part = f'--xyz\r\nContent-Disposition: form-data; name="about_me"\r\n\r\n{text}\r\n--xyz--\r\n'.encode()
    for kind, body in ((FORM, urlencode({"about_me": text}).encode()), (MULTIPART, part)):
        for path in ("/edit_profile/about_me", "/edit_profile/avatar", "/login", "/register"):
            with site.connect() as wire:
                wire.sendall(head_of(site, visitor, path, kind, len(body)) + body)
                wire.shutdown(1)
                answer = parsed(read_all(wire))
            if path == "/edit_profile/avatar":
                assert answer[0] == 422, "there is room for a picture, but none in it"
            else:
                told(answer, records)


@pytest.mark.fault(23)
@pytest.mark.parametrize("path", ["/edit_profile/avatar", "/edit_profile/about_me", "/post"])
def test_is_said_once_the_form_has_been_read_in_vain(browser, ana, fault, path):
    """Read again, what is left of the body would seem to be damaged: it stays too large."""
    browser.sign_in(ana)
    fault("413")
    sent = {"once": new_key(), "text": "typed", "about_me": "typed"}
    page = browser.send(
        "POST", path, data=sent, content_type="multipart/form-data", headers=browser._hx({"X-CSRFToken": browser.token})
    )
    assert page.status == 413
    assert "more fields, or longer ones" in page.text
