"""What stands outside of Flask: the reference, the line, the address in it, the end of a body nobody read."""

import io

import pytest

from microblog.http.last_resort import DRAIN_LIMIT, CountedBody, drain, shortened


@pytest.mark.parametrize(
    ("address", "how", "written"),
    [
        ("203.0.113.9", "full", "203.0.113.9"),
        ("203.0.113.9", "short", "203.0.113.0"),
        ("203.0.113.9", "off", ""),
        ("2001:db8:1:2:3:4:5:6", "full", "2001:db8:1:2:3:4:5:6"),
        ("2001:db8:1:2:3:4:5:6", "short", "2001:db8:1::"),
        ("2001:db8:1:2:3:4:5:6", "off", ""),
        ("", "short", ""),
    ],
)
def test_addresses(address, how, written):
    assert shortened(address, how) == written


class Endless(io.RawIOBase):
    """Sends for ever, and counts."""

    def __init__(self):
        self.sent = 0

    def read(self, size=-1):
        self.sent += size
        return b"x" * size


@pytest.mark.parametrize(
    ("environ", "taken"),
    [
        ({"CONTENT_LENGTH": "1000"}, 1000),
        ({"CONTENT_LENGTH": str(DRAIN_LIMIT)}, DRAIN_LIMIT),
        ({"CONTENT_LENGTH": str(DRAIN_LIMIT + 1)}, 0),  # hopeless from the start
        ({"CONTENT_LENGTH": "0"}, 0),
        ({"CONTENT_LENGTH": "-5"}, 0),
        ({"CONTENT_LENGTH": "many"}, 0),
        ({"CONTENT_LENGTH": ""}, 0),
        ({}, 0),
        ({"wsgi.input_terminated": True}, 0),  # what gunicorn says of every request
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 0),  # and no server that finds its end
        ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}, DRAIN_LIMIT),
    ],
)
def test_what_nobody_read_is_read_away(environ, taken):
    stream = Endless()
    drain(environ, CountedBody(stream))
    assert stream.sent == taken


def test_only_the_rest_is_read_away():
    stream = Endless()
    body = CountedBody(stream)
    body.read(400)
    drain({"CONTENT_LENGTH": "1000"}, body)
    assert stream.sent == 1000


def test_somebody_slow_is_let_go(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("microblog.http.last_resort.time.monotonic", lambda: now[0])

    class Slow(Endless):
        def read(self, size=-1):
            now[0] += 10
            return super().read(1)

    stream = Slow()
    drain({"CONTENT_LENGTH": "1000"}, CountedBody(stream))
    assert stream.sent == 3


@pytest.mark.sqlite_only
def test_the_reference_of_a_client_counts_only_behind_a_proxy(browser):
    page = browser.send("GET", "/nope", headers={"X-Request-ID": "K7Q2F-9M4ZX"})
    assert page.reference != "K7Q2F-9M4ZX"
    assert len({browser.get("/nope").reference for _ in range(20)}) == 20


@pytest.mark.sqlite_only
def test_what_is_asked_for_every_second_is_not_logged(browser, records):
    browser.get("/livez")
    browser.send("GET", "/static/css/site.css", inspect=False)
    browser.send("GET", "/static/nope.css")
    assert not records("request.finished", path="/livez")
    assert not records("request.finished", path="/static/css/site.css")


@pytest.mark.sqlite_only
def test_the_line(browser, ana, records):
    browser.sign_in(ana)
    asked_from = {"HX-Source": "a#edit", "Referer": "http://localhost/caf%C3%A9?secret=1"}
    page = browser.hx_get("/user/ana", **asked_from)
    (line,) = records("request.finished", reference=page.reference)
    assert list(line)[:5] == ["timestamp", "level", "event", "logger", "reference"]
    assert (line["method"], line["path"], line["route"]) == ("GET", "/user/ana", "/user/<username>")
    assert (line["endpoint"], line["status"], line["user_id"]) == ("people.profile", 200, ana.id)
    assert (line["fragment"], line["hx_source"], line["complete"]) == (True, "a#edit", True)
    assert line["page"] == "/café", "without what may be private"
    assert line["bytes"] == len(page.data)
    assert 0 < line["ms"] < 5_000
    assert 1 <= line["sql_count"] <= 3
    assert 0 < line["sql_ms"] <= line["ms"]


@pytest.mark.sqlite_only
def test_what_is_no_document_carries_no_policy_of_documents(browser):
    style = browser.send("GET", "/static/css/site.css", inspect=False)
    assert set(dict(style.headers)) <= {
        *(
            "Content-Type",
            "Content-Length",
            "Content-Encoding",
            "Cache-Control",
            "ETag",
            "Last-Modified",
            "Vary",
            "Date",
        ),
        *("X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Access-Control-Allow-Origin"),
    }
    assert style.headers["X-Content-Type-Options"] == "nosniff"
    picture = browser.send("GET", "/static/icons.svg", inspect=False)
    assert "default-src 'self'" in picture.headers["Content-Security-Policy"], "it can be opened like a page"
    missing = browser.send("GET", "/static/css/nope.css")
    assert "default-src 'self'" in missing.headers["Content-Security-Policy"]
