"""`manage.py mail`, as an operator meets it; the sink as a real process."""

import argparse
import dataclasses
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest
import trustme

from microblog.alerts.health import health
from microblog.alerts.smtp import NotDelivered
from microblog.alerts.trial import send, trial_message
from microblog.cli import mail as cli
from microblog.cli.mail_sink import readable
from microblog.config.settings import Paths
from tests.support.alerting import ROOT, bug, handler_for, record, settings_for, with_mail
from tests.support.mailbox import Mailbox, free_port, tls_context, wait_until

SINK = """
import argparse, sys
from microblog.cli import mail
from microblog.config.settings import Settings
parser = argparse.ArgumentParser()
mail.register(parser.add_subparsers())
args = parser.parse_args()
sys.exit(args.run(args, Settings()))
"""


def run(settings, *words):
    parser = argparse.ArgumentParser()
    cli.register(parser.add_subparsers())
    args = parser.parse_args(["mail", *words])
    return args.run(args, settings)


def test_it_works(settings, mailbox, capsys):
    assert run(settings, "test", "bo@example.org") == 0
    said = capsys.readouterr().out
    for step in ("connect", "greeting", "sender", "recipient", "message", "ms", "TEST1", "bo@example.org"):
        assert step in said
    assert mailbox.mails[0]["To"] == "bo@example.org"


def test_without_an_address_every_administrator_gets_one(settings, mailbox):
    assert run(with_mail(settings, admins=("a@example.org", "b@example.org")), "test") == 0
    assert [message["To"] for message in mailbox.mails] == ["a@example.org", "b@example.org"]


def test_tls_names_the_certificate(tmp_path, monkeypatch, capsys):
    ours = trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    box = Mailbox(tls=tls_context(ours.issue_cert("127.0.0.1"))).start()
    try:
        assert run(settings_for(tmp_path, box.port, tls="starttls"), "test") == 0
    finally:
        box.stop()
    assert "certificate of 127.0.0.1, valid until" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ({"server": ""}, "mail.server (MAIL_SERVER)"),
        ({"admins": ()}, "mail.admins (ADMINS)"),
        ({"username": "u"}, "mail.password (MAIL_PASSWORD)"),
        ({"port": "free"}, "check mail.server and mail.port"),
        ({"tls": "starttls"}, "This port has no STARTTLS"),
        ({"tls": "ssl"}, "belongs to port 465"),
        ({"username": "u", "password": "canary"}, "takes no login here"),
        ({"server": "no.such.host.invalid"}, "The name does not resolve"),
    ],
)
def test_a_failure_says_what_to_do(settings, capsys, mail, said):
    mail = {key: free_port() if value == "free" else value for key, value in mail.items()}
    assert run(with_mail(settings, **mail), "test") == 1
    error = capsys.readouterr().err
    assert said in error
    assert "canary" not in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("step", "said"), [("MAIL", "mail.sender"), ("RCPT", "this address"), ("DATA", "the mail itself")]
)
def test_a_refusal_says_what_to_do(settings, mailbox, capsys, step, said):
    mailbox.answers[step] = "550 5.7.1 No"
    assert run(settings, "test") == 1
    error = capsys.readouterr().err
    assert "FAILED" in error
    assert "550 5.7.1 No" in error
    assert said in error


def test_every_step_has_an_advice(settings):
    for step in ("connect", "greeting", "tls", "login", "sender", "recipient", "message"):
        assert cli.advice(NotDelivered(step, "x"), settings).endswith(".")


def test_an_address_that_is_none(settings, capsys):
    assert run(settings, "test", "nobody") == 1
    assert "is not an e-mail address" in capsys.readouterr().err


def test_an_address_is_enough_without_administrators(settings, mailbox):
    assert run(with_mail(settings, admins=()), "test", "bo@example.org") == 0


def test_status(tmp_path, capsys):
    settings = settings_for(tmp_path, free_port())
    assert run(settings, "status") == 0
    with handler_for(settings) as handler:
        handler.emit(record(bug(0), method="GET", route="/", status=500))
        assert wait_until(lambda: health(settings).state == "failing")
    assert run(settings, "status") == 1
    said = capsys.readouterr().out
    assert "have failed since" in said
    assert "×1  500 ZeroDivisionError at GET /" in said
    assert run(with_mail(settings, server=""), "status") == 0
    assert "off: mail.server (MAIL_SERVER)" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["test"], ["sink"], ["status"]])
def test_help_has_an_example(settings, capsys, words):
    with pytest.raises(SystemExit) as ended:
        run(settings, *words, "--help")
    assert ended.value.code == 0
    assert not words or "Example:\n" in capsys.readouterr().out


def test_the_sink_makes_the_data_directory_for_its_owner(tmp_path, settings, capsys):
    fresh = dataclasses.replace(settings, paths=Paths(data=str(tmp_path / "fresh")))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        assert run(fresh, "sink", "--port", str(busy.getsockname()[1])) == 1
    assert "Try another --port" in capsys.readouterr().err
    assert stat.S_IMODE(fresh.data_dir.stat().st_mode) == 0o750
    assert stat.S_IMODE((fresh.data_dir / "mail").stat().st_mode) == 0o700


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sink_prints_and_keeps(tmp_path, number):
    kept = tmp_path / "mails"
    command = [sys.executable, "-W", "error", "-c", SINK, "mail", "sink", "--port", "0", "--directory", str(kept)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as sink:
        try:
            said = sink.stdout.readline() + sink.stdout.readline()
            port = int(said.partition("MAIL_PORT=")[2].split()[0])
            settings = settings_for(tmp_path, port, username="any", password="thing")
            receipt = send(settings, trial_message(settings, "bo@example.org"))
            assert wait_until(lambda: list(kept.glob("*.eml")))
            sink.send_signal(number)
            said += sink.stdout.read()
            assert sink.wait(60) == 0
        finally:
            sink.kill()
    (path,) = kept.glob("*.eml")
    assert receipt.queue_id == path.name
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Subject: [Microblog] Test mail: Привет, 你好, 🎈" in said
    assert "so are all others: Привет, 你好, 🎈." in said
    assert said.rstrip().endswith("The sink has ended.")


def test_the_sink_says_when_its_port_is_taken(settings, mailbox, capsys):
    assert run(settings, "sink", "--port", str(mailbox.port)) == 1
    assert "Try another --port" in capsys.readouterr().err


ODD = [
    b"",
    b"\xff\xfe",
    b"Subject: \x1b[2J\n\nx",
    b"Content-Type: text/plain; charset=nonsense\n\nx",
    b"Content-Type: multipart/mixed\n\nx",
]


@pytest.mark.parametrize("content", ODD)
def test_the_sink_reads_anything(content):
    assert "\x1b" not in readable(content)
