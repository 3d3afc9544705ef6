"""F51: the site is told to stop while people use it."""

import http.client
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.support.mailbox import Mailbox, wait_until
from tests.support.site import Site

pytestmark = pytest.mark.fault(51)


@pytest.mark.process
def test_requests_in_flight_finish(tmp_path):
    site = Site(tmp_path).start()
    answered, cut, refused = [], [], []
    stopping, done = threading.Event(), threading.Event()

    def visit():
        """Ask again and again, on one connection; an answer that began must come to its end."""
        client = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        while not done.is_set():
            sent = False
            try:
                client.request("GET", "/nope")
                sent = True
                answer = client.getresponse()
                answer.read()
                answered.append(answer.status)
            except http.client.IncompleteRead as error:
                cut.append(error)
                return
            except (http.client.RemoteDisconnected, OSError) as error:
                # Before anything was answered: the listener is gone, or the idle connection is.
                refused.append((stopping.is_set(), sent, error))
                if stopping.is_set():
                    return
                client.close()

    try:
        assert site.ask("GET", "/livez").status_code == 200
        visitors = [threading.Thread(target=visit) for _ in range(8)]
        for visitor in visitors:
            visitor.start()
        assert wait_until(lambda: len(answered) > 50)
        before = len(answered)
        stopping.set()
        site.process.send_signal(signal.SIGTERM)
        code = site.process.wait(60)
        done.set()
        for visitor in visitors:
            visitor.join(60)
    finally:
        done.set()
        site.stop()

    assert code == 0
    assert set(answered) == {404}
    assert len(answered) >= before
    assert cut == []
    assert all(was_stopping for was_stopping, _, _ in refused)
    assert len(site.records("server.stopped")) == 1
    # One line of the log for each answer that somebody read.
    assert len([record for record in site.records("request.finished") if record["status"] == 404]) >= len(answered)


@pytest.mark.process
def test_an_error_just_before_the_end_is_mailed(tmp_path):
    mailbox = Mailbox()
    mailbox.start()
    site = Site(
        tmp_path,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=str(mailbox.port),
        ADMINS="ana@example.org",
        MICROBLOG_ALERTS__FIRST_WAIT="0.1",
    ).start()
    try:
        assert site.ask("GET", "/livez").status_code == 200
        children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        # The error is in the log, and the site is told to stop before anybody had the time to mail it.
        assert wait_until(lambda: any("SIGKILL" in str(record) for record in site.records()))
        assert site.stop() == 0
        if not mailbox.mails:
            site.start()
            assert wait_until(lambda: mailbox.mails)
    finally:
        site.stop()
        mailbox.stop()

    assert "SIGKILL" in mailbox.mails[0].as_string()
