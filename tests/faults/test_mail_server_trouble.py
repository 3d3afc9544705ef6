"""F48: the mail server refuses, says 451, is silent, has a wrong certificate, refuses the password.

In each case no request waits for it, nothing is lost, and after recovery a mail tells how often it was.
"""

import logging
import threading

import pytest
import trustme
from structlog.testing import capture_logs

from microblog.alerts import sender
from microblog.alerts.health import health
from tests.support.alerting import bug, handler_for, record, settings_for, with_mail
from tests.support.mailbox import Mailbox, free_port, silent_server, tls_context, wait_until

pytestmark = pytest.mark.fault(48)


@pytest.fixture
def box():
    made = []

    def make(port=0, **options):
        mailbox = Mailbox(**options)
        mailbox.port = port
        made.append(mailbox)
        return mailbox.start()

    yield make
    for mailbox in made:
        mailbox.stop()


def fail(handler, times=1):
    for _ in range(times):
        handler.emit(record(bug(0), method="GET", route="/", status=500))


def failures(logs):
    return [entry for entry in logs if entry["event"] == "alert.failed"]


@pytest.mark.slow
def test_refused_connection(tmp_path, box):
    settings = settings_for(tmp_path, free_port())
    with capture_logs() as logs, handler_for(settings) as handler:
        fail(handler, 3)
        assert wait_until(lambda: failures(logs))
        state = health(settings)
        assert (state.state, state.since is not None) == ("failing", True)
        assert "connect: " in state.last_error
        assert "3 errors wait to be told" in state.sentence
        fail(handler, 4)
        mailbox = box(settings.mail.port)
        assert wait_until(lambda: mailbox.mails)
    assert sum(mailbox.counts().values()) == 7
    assert "(×7)" in mailbox.subjects[0]
    assert "This comes late" in mailbox.text()
    assert health(settings).state == "fine"
    assert {entry["log_level"] for entry in failures(logs)} == {"warning"}  # below ERROR: never mailed


@pytest.mark.slow
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_451_now_and_a_mail_later(tmp_path, box, step):
    mailbox = box()
    mailbox.answers[step] = "451 4.3.2 Please try again later"
    settings = settings_for(tmp_path, mailbox.port)
    with capture_logs() as logs, handler_for(settings) as handler:
        fail(handler, 2)
        assert wait_until(lambda: failures(logs))
        assert failures(logs)[0]["code"] == 451
        assert health(settings).state == "failing"
        mailbox.answers.clear()
        assert wait_until(lambda: mailbox.mails)
    assert mailbox.counts().total() == 2
    assert len(mailbox.mails) == 1


@pytest.mark.slow
def test_a_silent_server_holds_up_nobody(tmp_path, box):
    """emit returns at once, in every thread, while the sender waits for a greeting that never comes."""
    with silent_server() as port:
        settings = settings_for(tmp_path, port, timeout=4, alerts={"first_wait": 0})
        with capture_logs() as logs, handler_for(settings) as handler:
            fail(handler)
            assert wait_until(lambda: any(thread.name == "alerts-time-limit" for thread in threading.enumerate()))
            fail(handler, 100)
            assert not failures(logs), "one of them waited until the server was given up"
            assert wait_until(lambda: failures(logs))
            assert "timed out" in failures(logs)[0]["error"]
    mailbox = box(port)
    with handler_for(settings) as handler:
        handler.start()
        assert wait_until(lambda: mailbox.mails)
    assert mailbox.counts().total() == 101


def test_closing_does_not_wait_for_a_silent_server(tmp_path):
    with silent_server() as port, handler_for(settings_for(tmp_path, port, timeout=300)) as handler:
        fail(handler)
        assert wait_until(lambda: any(thread.name == "alerts-time-limit" for thread in threading.enumerate()))
        handler.close()
        assert wait_until(lambda: not [one for one in threading.enumerate() if one.name.startswith("alerts")])


@pytest.mark.slow
@pytest.mark.parametrize("tls", ["starttls", "ssl"])
def test_a_certificate_nobody_vouches_for(tmp_path, box, monkeypatch, tls):
    ours, stranger = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    mailbox = box(tls=tls_context(stranger.issue_cert("127.0.0.1")), implicit=tls == "ssl")
    settings = settings_for(tmp_path, mailbox.port, tls=tls)
    with capture_logs() as logs, handler_for(settings) as handler:
        fail(handler)
        assert wait_until(lambda: failures(logs))
        assert "tls: certificate refused" in failures(logs)[0]["error"]
        assert not mailbox.mails
        mailbox.stop()
        mended = box(mailbox.port, tls=tls_context(ours.issue_cert("127.0.0.1")), implicit=tls == "ssl")
        assert wait_until(lambda: mended.mails)
    assert mended.counts().total() == 1


def test_a_certificate_for_another_name(tmp_path, box, monkeypatch):
    ours = trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    mailbox = box(tls=tls_context(ours.issue_cert("mail.example.org")))
    with capture_logs() as logs, handler_for(settings_for(tmp_path, mailbox.port, tls="starttls")) as handler:
        fail(handler)
        assert wait_until(lambda: failures(logs))
    assert "certificate refused" in failures(logs)[0]["error"]
    assert not mailbox.mails


def test_the_mail_after_a_restart_still_says_that_it_is_late(tmp_path, box):
    settings = settings_for(tmp_path, free_port())
    with handler_for(settings) as handler:
        fail(handler)
        assert wait_until(lambda: health(settings).state == "failing")
    mailbox = box(settings.mail.port)
    with handler_for(settings) as handler:
        handler.start()
        assert wait_until(lambda: mailbox.mails)
        assert wait_until(lambda: health(settings).state == "fine")
    assert "This comes late" in mailbox.text()


@pytest.mark.slow
def test_a_wrong_password_corrected_and_restarted(tmp_path, box, monkeypatch):
    monkeypatch.setattr(sender, "EAGER", 600.0)
    mailbox = box(password="right")
    wrong = settings_for(tmp_path, mailbox.port, username="blog", password="wr0ng-canary")
    with capture_logs() as logs, handler_for(wrong) as handler:
        fail(handler, 5)
        assert wait_until(lambda: failures(logs))
        (failure,) = failures(logs)
        assert (failure["code"], failure["error"].partition(":")[0]) == (535, "login")
        assert failure["retry_in"] >= 480  # an account that is tried every two seconds is soon locked
    assert "wr0ng-canary" not in repr(logs)
    assert "wr0ng-canary" not in health(wrong).sentence
    with handler_for(with_mail(wrong, password="right")) as handler:
        handler.start()
        assert wait_until(lambda: mailbox.mails)  # at once, not when the old retry was due
    assert mailbox.counts().total() == 5


def test_one_of_two_administrators_is_refused(tmp_path, box):
    mailbox = box()
    mailbox.answers["RCPT gone@example.org"] = "550 5.1.1 No such user"
    settings = settings_for(tmp_path, mailbox.port, admins=("gone@example.org", "ana@example.org"))
    with capture_logs() as logs, handler_for(settings) as handler:
        fail(handler)
        assert wait_until(lambda: failures(logs))
    assert len(mailbox.mails) == 1
    assert "gone@example.org: 550" in failures(logs)[0]["error"]
    assert health(settings).state == "fine"


@pytest.mark.slow
def test_a_mail_refused_for_its_content_is_tried_with_less(tmp_path, box, monkeypatch):
    monkeypatch.setattr("microblog.alerts.sender.EAGER", 0.2)
    mailbox = box()
    mailbox.answers["DATA"] = "552 5.3.4 Message size exceeds fixed limit"
    settings = settings_for(tmp_path, mailbox.port)
    with capture_logs() as logs, handler_for(settings) as handler:
        fail(handler)
        assert wait_until(lambda: failures(logs))
        mailbox.answers.clear()
        assert wait_until(lambda: mailbox.mails)
    assert "Traceback" not in mailbox.text()
    assert "500 ZeroDivisionError at GET /" in mailbox.text()


def test_the_failure_itself_is_never_mailed(tmp_path, box):
    """With the handler on the root logger, where everything arrives that goes through logging."""
    settings = settings_for(tmp_path, free_port())
    root = logging.getLogger()
    with handler_for(settings) as handler:
        root.addHandler(handler)
        try:
            fail(handler)
            assert wait_until(lambda: health(settings).state == "failing")
        finally:
            root.removeHandler(handler)
        assert len(health(settings).waiting) == 1
