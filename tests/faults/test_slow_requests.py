"""F32: a request hangs: while it does, the log tells where. What the browser shows: tests/browser/test_trouble.py."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from microblog.config.settings import Alerts, Mail
from microblog.log import slow
from microblog.log.context import RequestStats
from tests.support.mailbox import Mailbox, wait_until
from tests.support.site import Site
from tests.support.watched import REFERENCE

pytestmark = [pytest.mark.sqlite_only, pytest.mark.fault(32)]


@pytest.mark.slow
def test_it_works(broken_site, settings, records):
    """A real hang, in a real process; the others are answered, and the line comes before the request ends."""
    answers = []
    asking = [
        threading.Thread(target=lambda: answers.append(broken_site.ask("GET", "/test/hang/200.0", timeout=220)))
        for _ in range(2)
    ]
    for thread in asking:
        thread.start()
    try:
        assert wait_until(lambda: len(records("request.slow")) == 2)
        assert not answers, "it is told while it hangs"
        broken_site.visitor(records).still_works()
    finally:
        (settings.data_dir / "released").touch()
        for thread in asking:
            thread.join(60)
    assert [answer.get_data(as_text=True) for answer in answers] == ["woke up"] * 2
    found = records("request.slow")
    assert len(found) == 2, "once for each"
    for record in found:
        assert (record["level"], record["method"], record["route"]) == ("warning", "GET", "/test/hang/<float:seconds>")
        assert record["seconds"] >= 5
        assert REFERENCE.fullmatch(record["reference"])
        where = [line for line in record["stack"] if "broken_site.py" in line]
        assert where[-1].endswith("hang: time.sleep(0.1)")
        assert record["stack"][-1] == where[-1]
        assert any(line.startswith("microblog/http/last_resort.py:") for line in record["stack"])
    assert {r["reference"] for r in found} == {answer.headers["X-Request-ID"] for answer in answers}


@pytest.fixture
def soon(monkeypatch):
    """Slow is what takes a tenth of a second."""
    monkeypatch.setattr(slow, "SECONDS", 0.1)
    monkeypatch.setattr(slow, "_recent", [])


def test_once_and_only_while_it_runs(browser, route, records, soon):
    told = []

    def view():
        for _ in range(3):
            slow.look(time.monotonic() + 10)
        told.append(len(records("request.slow")))
        return "<p>done</p>"

    route("/slow", view)
    page = browser.get("/slow", inspect=False)
    assert told == [1]
    slow.look(time.monotonic() + 100)
    (record,) = records("request.slow")
    assert record["reference"] == page.reference
    assert any("test_slow_requests.py" in line and " view: " in line for line in record["stack"])


def test_waiting_for_the_client_is_not_meant(records, soon, app):
    class Body:
        waiting = True

    body = Body()
    slow.begin("K7Q2F-9M4ZX", "POST", RequestStats(route="/x"), body)
    try:
        slow.look(time.monotonic() + 10)
        assert not records("request.slow")
        body.waiting = False
        slow.look(time.monotonic() + 10)
        assert len(records("request.slow", reference="K7Q2F-9M4ZX")) == 1
    finally:
        slow.end()


def test_the_fifth_is_an_error(browser, route, records, soon):
    route("/slow", lambda: slow.look(time.monotonic() + 10) or "<p>done</p>")
    for _ in range(6):
        browser.get("/slow", inspect=False)
    assert [r["level"] for r in records("request.slow")] == ["warning"] * 4 + ["error"] * 2


@pytest.mark.process
def test_a_fork_has_a_thread_of_its_own(app, browser):
    """One that was copied would be a name without a thread."""
    browser.get("/")
    assert slow._thread.is_alive()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = b"wrong"
        try:
            if slow._thread is None and not slow._running:
                slow.begin("K7Q2F-9M4ZX", "GET", RequestStats(), None)
                said = b"right" if slow._thread.is_alive() else said
        finally:
            os.write(writing, said)
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 10) == b"right"
    os.close(reading)
    os.waitpid(child, 0)


@pytest.mark.slow
def test_many_are_mailed(settings, app):
    mailbox = Mailbox().start()
    mail = Mail(server="127.0.0.1", port=mailbox.port, sender="blog@example.org", admins=("ana@example.org",))
    told = replace(
        settings, mail=mail, alerts=Alerts(first_wait=0.1), server=replace(settings.server, workers=1, threads=8)
    )
    try:
        with Site(told, program=Path(__file__).with_name("broken_site.py")) as site:
            asking = [
                threading.Thread(target=lambda: site.ask("GET", "/test/hang/200.0", timeout=220))
                for _ in range(slow.MANY)
            ]
            for thread in asking:
                thread.start()
            assert wait_until(lambda: mailbox.mails)
            (settings.data_dir / "released").touch()
            for thread in asking:
                thread.join(60)
        assert len(mailbox.mails) == 1
        assert "request.slow" in mailbox.subjects[0]
        assert "/test/hang" in mailbox.text()
    finally:
        mailbox.stop()
