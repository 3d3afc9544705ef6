"""Composing and sending: what the server gets, what each step says, what a failure says."""

import smtplib
import socket
import threading
import time
from dataclasses import replace

import pytest
import trustme

from microblog.alerts.message import compose, is_address, sender_address, wire_address
from microblog.alerts.smtp import Delivery, NotDelivered
from microblog.alerts.trial import send, trial_message
from tests.support.alerting import settings_for, with_mail
from tests.support.mailbox import Mailbox, free_port, silent_server, tls_context


@pytest.fixture
def authority(tmp_path, monkeypatch):
    ours = trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return ours


@pytest.fixture
def box():
    made = []

    def make(**options):
        made.append(Mailbox(**options).start())
        return made[-1]

    yield make
    for mailbox in made:
        mailbox.stop()


def test_it_works(settings, mailbox):
    steps = []
    message = compose(settings, ["bo@example.org"], "Hello", "Text\n", "<p>Text</p>")
    receipt = send(settings, message, steps.append)
    assert receipt.queue_id == "TEST1"
    assert receipt.accepted == ["bo@example.org"]
    assert [step.name for step in steps] == ["connect", "greeting", "sender", "recipient", "message"]
    assert all(step.detail and step.seconds >= 0 for step in steps)
    assert mailbox.text() == "Text\r\n"
    assert mailbox.html() == "<p>Text</p>\r\n"


@pytest.mark.parametrize("body", ["Привет\n", "Привет " * 100, "x" * 2000, "🎈\n" * 500])
def test_nothing_but_ascii_travels(settings, mailbox, body):
    """For servers without 8BITMIME: short lines, which need no encoding for their length, too."""
    send(settings, compose(settings, ["bo@example.org"], "Привет", body, f"<p>{body}</p>"))
    assert mailbox.raw[0].isascii()
    assert max(map(len, mailbox.raw[0].splitlines())) <= 998
    assert mailbox.text().replace("\r\n", "\n").strip() == body.strip()


@pytest.mark.parametrize("tls", ["starttls", "ssl"])
@pytest.mark.parametrize("login", [True, False], ids=["login", "no login"])
def test_tls_with_and_without_a_login(tmp_path, authority, box, tls, login):
    context = tls_context(authority.issue_cert("127.0.0.1"))
    mailbox = box(tls=context, implicit=tls == "ssl", password="right" if login else None)
    settings = settings_for(
        tmp_path, mailbox.port, tls=tls, **({"username": "u", "password": "right"} if login else {})
    )
    steps = []
    send(settings, trial_message(settings, "ana@example.org"), steps.append)
    names = [step.name for step in steps]
    assert names.index("tls") < names.index("sender")
    assert ("login" in names) == login
    assert "certificate of 127.0.0.1" in next(step.detail for step in steps if step.name == "tls")
    assert "Привет, 你好, 🎈" in mailbox.subjects[0]
    assert "Привет, 你好, 🎈" in mailbox.text()


def refused(settings):
    with pytest.raises(NotDelivered) as caught:
        send(settings, trial_message(settings, "ana@example.org"))
    return caught.value


def test_no_downgrade_when_starttls_is_not_offered(tmp_path, mailbox):
    problem = refused(settings_for(tmp_path, mailbox.port, tls="starttls", username="u", password="canary"))
    assert (problem.step, "STARTTLS" in problem.problem) == ("tls", True)


def test_a_login_the_server_does_not_have(tmp_path, mailbox):
    assert refused(settings_for(tmp_path, mailbox.port, username="u", password="p")).step == "login"


def test_a_wrong_password_is_permanent_and_not_repeated_in_the_report(tmp_path, box):
    mailbox = box(password="right")
    problem = refused(settings_for(tmp_path, mailbox.port, username="u", password="canary"))
    assert (problem.step, problem.code, problem.permanent) == ("login", 535, True)
    assert "canary" not in str(problem)


def test_a_plain_server_where_tls_is_expected(tmp_path, mailbox):
    assert refused(settings_for(tmp_path, mailbox.port, tls="ssl")).step == "tls"


def test_nobody_listens(tmp_path):
    assert refused(settings_for(tmp_path, free_port())).step == "connect"


def test_a_name_that_is_none(tmp_path):
    assert refused(settings_for(tmp_path, 25, server="no.such.host.invalid")).step == "connect"


def test_a_silent_server(tmp_path):
    with silent_server() as port:
        problem = refused(settings_for(tmp_path, port, timeout=0.3))
    assert (problem.step, "timed out" in problem.problem) == ("greeting", True)


def test_a_server_that_drips_is_given_up(tmp_path):
    """One byte at a time never runs into the time limit of a socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip():
            connection, _ = server.accept()
            with connection:
                end = time.monotonic() + 60  # then it hangs up, and whoever still waited says so
                while not over.wait(0.05) and time.monotonic() < end:
                    try:
                        connection.sendall(b"2")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        problem = refused(settings_for(tmp_path, server.getsockname()[1], timeout=0.2))
        over.set()
        thread.join()
    assert "took too long" in problem.problem


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["451 4.3.2 later", "550 5.7.1 never"])
def test_what_the_server_answers_is_what_is_reported(settings, mailbox, step, answer):
    mailbox.answers[step] = answer
    problem = refused(settings)
    assert problem.step == {"MAIL": "sender", "RCPT": "recipient", "DATA": "message"}[step]
    assert answer in problem.problem
    assert problem.permanent == answer.startswith("5")


def test_a_hostile_answer_acts_on_no_terminal(settings, mailbox):
    mailbox.answers["MAIL"] = "550 \x1b[2J" + "x" * 400
    problem = refused(settings)
    assert "\x1b" not in problem.problem
    assert len(problem.problem) <= 300


def test_a_mail_once_accepted_stays_accepted(settings, mailbox, monkeypatch):
    """A server that dies at QUIT has the mail already; to send it again would tell it twice."""

    def gone(self):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "quit", gone)
    assert send(settings, trial_message(settings, "ana@example.org")).queue_id == "TEST1"


def test_abort_before_and_after_is_harmless(settings, mailbox):
    delivery = Delivery(settings.mail)
    delivery.abort()
    delivery.send(trial_message(settings, "ana@example.org"))
    delivery.abort()
    assert len(mailbox.mails) == 1


def test_an_address_in_another_script(settings, mailbox):
    send(settings, compose(settings, ["ana@bücher.example"], "x", "y"))
    assert mailbox.mails[0]["To"] == "ana@xn--bcher-kva.example"
    with pytest.raises(ValueError, match="few mail servers"):
        compose(settings, ["анна@example.org"], "x", "y")
    assert not is_address("анна@example.org")


@pytest.mark.parametrize("address", ["", "a", "@", "a@", "@b", "a b@c", "a@b\nBcc: x@y", "a@b,c@d", "<a@b>", "a@b; c"])
def test_what_is_no_address(settings, address):
    assert not is_address(address)
    with pytest.raises(ValueError, match="is not an e-mail address"):
        wire_address(address)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("https://blog.example.org", "microblog@blog.example.org"),
        ("https://blog.example.org:8443/x", "microblog@blog.example.org"),
        ("http://127.0.0.1:5000", "microblog@[127.0.0.1]"),
        ("http://[::1]:5000", "microblog@[IPv6:::1]"),
        ("https://блог.example", "microblog@xn--90aexm.example"),
    ],
)
def test_the_sender_is_of_the_site(settings, mailbox, url, sender):
    settings = replace(settings, site=replace(settings.site, url=url))
    assert is_address(sender_address(settings))
    send(settings, trial_message(settings, "ana@example.org"))
    assert mailbox.mails[0]["From"].addresses[0].addr_spec == sender


def test_a_sender_with_a_name(settings, mailbox):
    settings = with_mail(settings, sender="Das Blog <blog@example.org>")
    send(settings, trial_message(settings, "ana@example.org"))
    assert mailbox.mails[0]["From"] == "Das Blog <blog@example.org>"
