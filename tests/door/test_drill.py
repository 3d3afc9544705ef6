"""`manage.py drill` against the running site and a real mail server."""

import argparse
import dataclasses
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from microblog.alerts.inbox.store import Inbox
from microblog.cli.drill import run
from microblog.config.settings import ROOT, Mail
from tests.support.mailbox import free_port
from tests.support.site import Site, environment

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def drilled(capsys):
    """What the command says, and its exit code."""

    def drilled(settings, url, timeout=None):
        code = run(argparse.Namespace(url=url, timeout=timeout), settings)
        said = capsys.readouterr().out
        return code, said, {line.split()[1]: line.split()[0] for line in said.splitlines() if " s  " in line}

    return drilled


@pytest.fixture
def settings(changed, mailbox):
    mail = {"server": "127.0.0.1", "port": mailbox.port, "admins": ("ana@example.org", "bo@example.org")}
    return changed(mail=mail, alerts={"first_wait": 0.2}, site={"url": "https://blog.example.org"})


LINKS = ["page", "fragment", "reference", "log", "inbox", "mail"]


@pytest.mark.slow
def test_it_works(settings, app, mailbox, records, drilled, changed):
    with Site(settings) as site:
        url = f"http://127.0.0.1:{site.port}"
        code, said, states = drilled(settings, url)
        assert (code, states) == (0, dict.fromkeys(LINKS, "ok")), said
        assert [mail["Subject"] for mail in mailbox.mails] == ["[Microblog] 500 ThisIsADrill at GET /drill (×2)"]
        assert "/admin/errors/" not in mailbox.text(), "the inbox lists no drill, so there is no such page"
        assert all(record["drill"] is True for record in records(route="/drill"))
        assert not list(settings.data_dir.glob(".drill-*"))
        assert Inbox(settings).groups() == []
        assert Inbox(settings).traffic(0)[1] == 0

        # Another one a moment later is told too, and does not wait for its step.
        assert drilled(settings, url)[0] == 0
        assert len(mailbox.mails) == 2

        # The mail server is gone: one link is broken, and said to be.
        mailbox.stop()
        code, said, states = drilled(settings, url, timeout=3)
        assert (code, states) == (1, dict.fromkeys(LINKS[:5], "ok") | {"mail": "FAIL"}), said
        assert "Connection refused" in said

        off = dataclasses.replace(settings, mail=Mail())
        code, said, states = drilled(off, url)
        assert (code, states["mail"]) == (0, "skipped")
        assert "mail.server (MAIL_SERVER) is not set" in said

        # Another data directory: its keys are nothing here, and there is no error to look for.
        (settings.data_dir / "other").mkdir()
        code, said, states = drilled(changed(paths={"data": str(settings.data_dir / "other")}), url)
        assert (code, states) == (1, dict.fromkeys(LINKS[:2], "FAIL") | dict.fromkeys(LINKS[2:], "skipped"))
        assert "the site did not find the key" in said


def test_another_program_at_the_address(settings, app, drilled):
    """It answers, and knows nothing of ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        code, said, _ = drilled(settings, f"http://127.0.0.1:{other.server_port}")
        other.shutdown()

    assert code == 1
    assert "the answer is 501 and not 500; is it this site" in said


def test_without_a_site(settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "drill", "--url", f"http://127.0.0.1:{free_port()}"],
        env=kept | environment(settings),
        capture_output=True,
        text=True,
    )

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("The site does not answer at http://127.0.0.1:")
    assert len(ran.stderr.splitlines()) == 1
