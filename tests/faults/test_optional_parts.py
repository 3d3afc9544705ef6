"""F10: what a page can do without fails: the page comes, with one line in its place, one record and one mail."""

import re
from dataclasses import replace

import pytest
from flask import render_template_string
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy import text

from microblog import create_app, home
from microblog.config.settings import Alerts, Mail
from microblog.extensions import db, writing
from microblog.log.setup import close
from microblog.models import User
from microblog.people import views
from microblog.web import members
from tests.support.client import Browser
from tests.support.kinds import HX
from tests.support.mailbox import wait_until

pytestmark = pytest.mark.fault(10)

PAGE = """{% extends "layouts/base.html" %}{% block title %}A page{% endblock %}
{% block main %}<h1>A page</h1>{{ optional_partial("part.html", "The <part>", value=value) }}
<p id="after">{{ after() }}</p>{% endblock %}"""


def bug():
    raise LookupError("canary-0815 in /tmp/secret.db")


def no_such_column():
    return db.session.execute(text("SELECT nothing_of_this_name FROM users")).all()


def division():
    """Only PostgreSQL minds; SQLite has no such error, so there it is a function that it does not know."""
    return db.session.execute(text("SELECT no_such_function(1 / (id - id)) FROM users")).all()


@pytest.fixture
def page(app, route, tmp_path):
    """Adds a page at /page whose optional part has the given value; `part` is its template."""

    def make(value, part="<p id='part'>{{ value }}</p>"):
        (tmp_path / "part.html").write_text(part)
        app.jinja_env.loader = ChoiceLoader([FileSystemLoader(tmp_path), app.jinja_env.loader])

        def after():
            return db.session.scalar(text("SELECT username FROM users ORDER BY id LIMIT 1"))

        route("/page", lambda: render_template_string(PAGE, value=value, after=after))

    return make


@pytest.mark.parametrize("broken", [bug, no_such_column, division])
def test_it_works(browser, ana, page, records, broken):
    page(broken)
    browser.canaries = ("canary-0815",)
    browser.sign_in(ana)
    for headers in (None, HX | {"HX-Request-Type": "full"}):
        answer = browser.send("GET", "/page", headers=headers)
        assert answer.status == 200
        assert answer.said("p.empty") == f"The <part> cannot be shown at the moment. Reference {answer.reference}"
        assert not answer.all("#part")
        assert answer.said("#after") == "ana", "the rest of the page may ask the database"
        assert answer.one(".nav__name").get_text() == "ana"
        (record,) = records("partial.failed", reference=answer.reference)
        assert (record["level"], record["part"], record["route"]) == ("error", "part.html", "/page")
        assert record["user_id"] == ana.id
        assert record["exception"][0]["frames"]
        assert len(record["fingerprint"]) == 12
    assert not records("request.failed")
    browser.still_works()


@pytest.mark.parametrize("part", ["{% if %}", "{{ nothing_of_this_name }}", "{% include 'missing.html' %}"])
def test_a_mistake_in_its_template(browser, ana, page, part):
    page("a value", part)
    answer = browser.get("/page")
    assert answer.status == 200
    assert "cannot be shown at the moment" in answer.said("#main")
    assert answer.said("#after") == "ana"


def test_nothing_is_missing_where_nothing_fails(browser, ana, page, records):
    page(lambda: "<b>fine</b>")
    answer = browser.get("/page")
    assert answer.said("#part") == "<b>fine</b>"
    assert not records("partial.failed")


def test_the_newest_members(browser, ana, monkeypatch, records):
    """The part of a stranger's home page."""
    monkeypatch.setattr(home.User, "newest", lambda _: bug())
    page = browser.get("/")
    assert page.status == 200
    assert "Welcome" in page.said("h1")
    assert page.said(".newcomers p").startswith("The newest members cannot be shown at the moment.")
    assert records("partial.failed", reference=page.reference, part="home/_newcomers.html")
    monkeypatch.undo()
    assert browser.get("/").said(".person__username") == "@ana"


def test_whom_one_may_follow(browser, ana, bo, monkeypatch, records):
    """The part of a member's, where nothing is to be read yet."""
    monkeypatch.setattr(home.relations, "suggestions", lambda _: no_such_column())
    browser.sign_in(ana)
    page = browser.get("/")
    assert page.status == 200
    assert "Hello, ana" in page.said("h1")
    assert "Suggestions cannot be shown at the moment." in page.said("#main")
    assert records("partial.failed", reference=page.reference, part="relations/_suggestions.html")
    monkeypatch.undo()
    assert "@bo" in browser.get("/").said("#main")


def test_a_suggestion(browser, ana, monkeypatch, records):
    assert browser.get("/user/anna").one("a[href='/user/ana']")
    monkeypatch.setattr(members, "near_name", lambda _: no_such_column())
    page = browser.get("/user/anna")
    assert page.status == 404
    assert "Nobody here is called anna." in page.said("#main")
    assert records("partial.failed", reference=page.reference, part="near_name")
    assert not records("request.failed")


def test_what_a_page_needs_is_still_an_error(browser, ana, monkeypatch, records):
    monkeypatch.setattr(views, "visible_user", lambda _: bug())
    page = browser.get("/user/ana")
    assert page.status == 500
    assert records("request.failed", reference=page.reference)
    assert not records("partial.failed")


def test_in_the_middle_of_a_change_it_is_an_error(browser, ana, route, stored, records):
    """Going on would lose what was changed, and say that it was saved."""

    def save():
        with writing():
            db.session.get(User, ana.id).about_me = "half done"
            db.session.flush()
            answer = render_template_string('{{ optional_partial("nothing.html", "A part") }}')
            db.session.commit()
        return answer

    route("/broken", save)
    assert browser.sign_in(ana).hx_post("/broken").status == 500
    assert stored(text("SELECT about_me FROM users")) == ""


@pytest.mark.sqlite_only
def test_a_developer_gets_the_debugger(settings, monkeypatch):
    monkeypatch.setattr(home.User, "newest", lambda _: bug())
    app = create_app(settings, debug=True)
    try:
        with pytest.raises(LookupError):
            Browser(app).get("/")
        shown = Browser(create_app(settings, debug=True, show_error_pages=True)).get("/")
        assert shown.status == 200
    finally:
        with app.app_context():
            db.engine.dispose()
        close()


class TestMail:
    @pytest.fixture
    def settings(self, settings, mailbox):
        mail = Mail(server="127.0.0.1", port=mailbox.port, sender="blog@example.org", admins=("ana@example.org",))
        return replace(settings, mail=mail, alerts=Alerts(first_wait=0.3))

    @pytest.mark.sqlite_only
    def test_one_mail_for_many(self, browser, monkeypatch, mailbox, records):
        monkeypatch.setattr(home.User, "newest", lambda _: bug())
        references = {browser.get("/").reference for _ in range(20)}
        assert wait_until(lambda: mailbox.mails)
        assert len(records("partial.failed")) == 20
        assert len(mailbox.mails) == len(mailbox.counts()) == 1, "however many; the next mail has the rest of the count"
        assert "LookupError" in mailbox.subjects[0]
        assert references & set(re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", mailbox.text()))
