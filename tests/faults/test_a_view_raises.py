"""F4: a bug in a view; also in one that changes something, and with a mail to the administrator."""

import pytest
from flask import request
from sqlalchemy import select

from microblog.config.settings import Alerts, Mail
from microblog.extensions import db, writing
from microblog.models import User
from tests.support.kinds import KINDS
from tests.support.mailbox import free_port, wait_until

pytestmark = pytest.mark.fault(4)

CANARY = "canary-0815"


def broken():
    secret = {"password": CANARY}
    raise LookupError(f"{CANARY} in /tmp/secret.db: SELECT * FROM users", secret["password"])


@pytest.mark.parametrize("kind", KINDS)
def test_it_works(browser, ana, route, records, kind):
    path, headers = KINDS[kind]
    route(path, broken)
    browser.canaries = (CANARY,)
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        for method in ("GET", "POST"):
            page = browser.send(method, path, headers=headers | {"X-CSRFToken": browser.token} if who else headers)
            if method == "POST" and not who:
                assert page.status == 400, "a stranger without a token"
                continue
            assert page.status == 500
            assert "notified" not in page.text, "there is no mail server, so nobody was told"
            (record,) = records("request.failed", reference=page.reference)
            assert (record["method"], record["route"], record["status"]) == (method, path, 500)
            assert record["user_id"] == (who.id if who else None)
            assert record["exception"][0]["type"] == "LookupError"
            assert record["exception"][0]["frames"][-1]["function"] == "broken"
            assert len(record["fingerprint"]) == 12
            assert "locals" not in str(record)
    browser.still_works()


def test_nothing_stays_of_what_the_view_had_begun(browser, ana, route, stored):
    def half_done():
        with writing():
            user = db.session.get(User, ana.id)
            user.about_me = "half done"
            db.session.flush()
            raise RuntimeError

    route("/broken", half_done)
    browser.sign_in(ana)
    page = browser.hx_post("/broken")
    assert page.status == 500
    assert stored(select(User.about_me)) == ""
    form = browser.hx_get("/edit_profile/about_me").values()
    assert browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "done"}).status == 200
    assert stored(select(User.about_me)) == "done"


def test_without_javascript_what_was_typed_comes_back(browser, ana, route, stored):
    def save():
        if request.form["about_me"] == "again":
            return "saved"
        raise RuntimeError

    route("/broken", save)
    browser.sign_in(ana)
    text = '  My "words" <b> & co.\n\nand more'
    page = browser.post("/broken", about_me=text, password="not this", version="3")
    assert page.status == 500
    kept = page.values("form.kept")
    assert kept["about_me"].strip() == text.strip()
    assert kept["version"] == "3"
    assert "not this" not in page.text
    assert browser.post("/broken", data=kept | {"about_me": "again"}).text == "saved"


class TestToldOnlyWhenTrue:
    """ "The administrator has been notified" where a mail was queued, and nowhere else."""

    @pytest.fixture
    def settings(self, settings, changed, mailbox):
        mail = {"server": "127.0.0.1", "port": mailbox.port, "admins": ("ana@example.org",), "timeout": 5}
        return changed(mail=mail, alerts={"first_wait": 3})

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_mail_and_the_sentence(self, browser, route, mailbox, kind):
        path, headers = KINDS[kind]
        route(path, broken)
        route("/gone", lambda: ("", 404))
        pages = [browser.send("GET", path, headers=headers) for _ in range(3)]
        for page in pages:
            assert kind in ("api", "json") or "The administrator has been notified." in page.text
        assert browser.get("/nope").status == 404
        assert wait_until(lambda: mailbox.mails)
        (mail,) = mailbox.mails
        assert mail["Subject"] == f"[Microblog] 500 LookupError at GET {path} (×3)"
        assert pages[0].reference in mailbox.text()
        assert "notified" not in browser.send("GET", "/nope", headers=headers).text

    def test_a_warning_is_no_mail(self, browser, mailbox):
        for _ in range(3):
            assert browser.send("POST", "/login", data={"username": "ana"}).status == 400
        assert "notified" not in browser.last.text
        assert not mailbox.mails


class TestNotTold:
    @pytest.fixture
    def settings(self, settings, changed):
        """A half-set mail configuration: nobody to write to."""
        return changed(mail=vars(Mail(server="127.0.0.1", port=free_port())), alerts=vars(Alerts()))

    def test_without_anybody_to_tell(self, browser, route):
        route("/broken", broken)
        page = browser.get("/broken")
        assert page.status == 500
        assert "notified" not in page.text
