"""Errors to a service that speaks Sentry's protocol: what it is told, and what it is not."""

import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
import structlog

from microblog.alerts import sentry
from microblog.cli.checks import mail
from microblog.config.settings import ConfigError, Settings, load
from microblog.log import events
from tests.support.mailbox import wait_until

pytestmark = pytest.mark.sqlite_only
CANARY = "canary-8f3a"


class Receiver(BaseHTTPRequestHandler):
    """Takes envelopes, once `server.open` is set."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.open.wait(60)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append(body.decode())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.open, server.bodies = threading.Event(), []
        server.open.set()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.open.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(changed, service):
    return changed(
        alerts={"sentry_dsn": f"http://key@127.0.0.1:{service.server_port}/7"}, site={"environment": "staging"}
    )


def told(service):
    """The events in what arrived."""
    found = []
    for body in service.bodies:
        lines = [json.loads(line) for line in body.splitlines() if line]
        found += [after for head, after in pairwise(lines) if head.get("type") == "event"]
    return found


def fails():
    secret = CANARY  # noqa: F841 - a variable that must not leave
    raise LookupError("no such column")


def test_it_works(browser, ana, route, service, records):
    browser.sign_in(ana)
    route("/broken/<name>", lambda name: fails())
    page = browser.post(f"/broken/{CANARY}?q={CANARY}", about_me=CANARY, headers={"X-Canary": CANARY})

    assert wait_until(lambda: told(service))
    (event,) = told(service)
    (failed,) = records("request.failed")
    assert event["fingerprint"] == [failed["fingerprint"]], "the groups of the mail"
    assert event["tags"]["reference"] == page.reference
    assert event["tags"]["route"] == event["transaction"] == "/broken/<name>"
    assert (event["tags"]["event"], event["tags"]["status"], event["level"]) == ("request.failed", "500", "error")
    assert (event["release"], event["environment"]) == ("microblog@0.1.0", "staging")
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("LookupError", "no such column")
    first, deepest = raised["stacktrace"]["frames"][0], raised["stacktrace"]["frames"][-1]
    assert (first["filename"], first["in_app"]) == ("flask/app.py", False)
    assert (deepest["function"], deepest["in_app"]) == ("fails", True)
    assert 'raise LookupError("no such column")' in deepest["context_line"]
    everything = "".join(service.bodies)
    assert CANARY not in everything, "no variable, no address, no field, no header"
    for key in ("user", "request", "breadcrumbs", "modules"):
        assert not event.get(key), key


def test_what_led_to_it_and_what_is_no_exception(app, service):
    log = structlog.get_logger("microblog.test")
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError(f"password={CANARY}") from error
    except ValueError as error:
        log.error(events.PARTIAL_FAILED, part="newcomers", exc_info=error)
    log.critical(events.DATABASE_CORRUPT, code="SQLITE_CORRUPT")
    log.warning(events.DATABASE_BUSY, code="SQLITE_BUSY")

    assert wait_until(lambda: len(told(service)) == 2)
    chained, corrupt = sorted(told(service), key=lambda event: event["level"])
    assert [one["type"] for one in chained["exception"]["values"]] == ["KeyError", "ValueError"]
    assert CANARY not in str(chained)
    assert chained["extra"] == {"part": "newcomers"}
    assert (corrupt["level"], corrupt["logentry"]["message"]) == ("fatal", "database.corrupt")
    assert corrupt["fingerprint"] != chained["fingerprint"]


def test_no_request_waits_for_it(browser, route, service):
    """The service has taken the connection and says nothing: every answer is there before it says a word."""
    service.open.clear()
    route("/broken", fails)
    for _ in range(5):
        assert browser.get("/broken").status == 500
    assert not service.bodies

    service.open.set()
    assert wait_until(lambda: len(told(service)) == 5)


def test_a_service_that_is_away_harms_nobody(browser, route, service, records):
    service.shutdown()
    service.server_close()
    route("/broken", fails)
    for _ in range(3):
        assert browser.get("/broken").status == 500
    assert len(records("request.failed")) == 3
    assert not records("alert.failed")


def test_without_the_package_the_site_says_so_and_works(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, sentry.PACKAGE, None)

    assert "requirements-sentry.txt" in sentry.missing(settings)
    assert sentry.handler(settings) is None
    assert ("warn", "sentry") in [(finding.state, finding.name) for finding in mail(settings)]


def test_off_by_default():
    assert sentry.missing(Settings()) is None
    assert sentry.handler(Settings()) is None


@pytest.mark.parametrize("text", ["sentry.example.org", "https://sentry.example.org/1", "https://key@host/project"])
def test_an_address_that_is_none_stops_the_start(text, tmp_path):
    with pytest.raises(ConfigError, match=r"alerts\.sentry_dsn"):
        load(environ={"MICROBLOG_ALERTS__SENTRY_DSN": text}, folder=tmp_path)
