"""Faults on demand: each is what the real trouble is, none writes anything, and in production there are none."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from microblog.config.settings import ROOT, Server
from microblog.config.settings import Site as SiteSettings
from microblog.dev import debug_mode
from microblog.models import Session as SessionRow
from microblog.models import User
from tests.support.site import Site
from tests.support.watched import TOKEN

FORM = "/edit_profile/about_me"
# The status, and what the log calls it where it is more than a line about a request.
ANSWERS = {
    "400": (400, "body.truncated"),
    "401": (401, "sign_in.required"),
    "403": (403, ""),
    "404": (404, ""),
    "409": (409, "profile.conflicted"),
    "413": (413, ""),
    "422": (422, ""),
    "429": (429, "rate.limited"),
    "500": (500, "request.failed"),
    "502": (502, "request.failed"),
    "503": (503, "request.failed"),
    "504": (504, "request.failed"),
    "507": (507, "request.failed"),
    "mail": (500, "request.failed"),
    "csrf": (400, "csrf.rejected"),
    "session": (401, "session.refused"),
    "locked": (503, "database.busy"),
    "down": (503, "database.unavailable"),
    "readonly": (503, "database.readonly"),
    "full": (503, "database.full"),
}
SAVED_ANYWAY = {"template": 500, "slow": 200}


@pytest.fixture
def ana_edits(fault, browser, ana):
    """Ana, with her editor open and something typed."""
    browser.sign_in(ana)
    browser.form = browser.hx_get(FORM).values() | {"about_me": "half a thought"}
    return browser


def about(stored, person):
    return stored(select(User.about_me).where(User.id == person.id))


@pytest.mark.parametrize("name", ANSWERS)
def test_it_works(fault, ana_edits, ana, stored, records, name):
    """As htmx sends it: an answer of ours (the watched browser looks), nothing written, and then it works."""
    fault(name)
    page = ana_edits.hx_post(FORM, data=ana_edits.form)

    status, event = ANSWERS[name]
    assert page.status == status
    assert page.headers["X-Fault"] == name
    assert not event or records(event, reference=page.reference)
    assert about(stored, ana) == ""
    assert ana_edits.hx_post(FORM, data=ana_edits.form).status == 200, "one request only"
    assert about(stored, ana) == "half a thought"


@pytest.mark.parametrize("name", ANSWERS)
def test_as_a_page(fault, ana_edits, ana, stored, name):
    fault(name)
    page = ana_edits.post(FORM, data=ana_edits.form)

    assert page.status == ANSWERS[name][0]
    assert about(stored, ana) == ""
    assert ana_edits.post(FORM, data=ana_edits.form).status == 303


@pytest.mark.parametrize("name", SAVED_ANYWAY)
def test_what_is_saved_all_the_same(fault, ana_edits, ana, stored, monkeypatch, name):
    from microblog.dev.faults import edge

    slept = []
    monkeypatch.setattr(edge, "time", SimpleNamespace(sleep=slept.append))
    fault(name)
    page = ana_edits.hx_post(FORM, data=ana_edits.form)

    assert page.status == SAVED_ANYWAY[name]
    assert slept == ([3] if name == "slow" else [])
    assert about(stored, ana) == "half a thought"


@pytest.mark.parametrize(("name", "status", "saved"), [("foreign", 502, ""), ("empty", 500, ""), ("late", 504, "x")])
def test_answers_of_others(app, fault, ana_edits, ana, stored, name, status, saved):
    """Not ours, and so without our header."""
    fault(name)
    answer = ana_edits.client.post(FORM, data=ana_edits.form | {"about_me": "x"}, headers={"HX-Request": "true"})

    assert answer.status_code == status
    assert "X-Microblog" not in answer.headers
    assert about(stored, ana) == saved


def test_cut(fault, ana_edits, ana, stored):
    fault("cut")
    with pytest.raises(ConnectionResetError):
        ana_edits.client.post(FORM, data=ana_edits.form, headers={"HX-Request": "true"}, buffered=True)
    assert about(stored, ana) == "half a thought"


def test_every_fault_is_tested_here(fault):
    from microblog.dev.faults.catalogue import FAULTS

    assert set(FAULTS) == {*ANSWERS, *SAVED_ANYWAY, "foreign", "empty", "late", "cut"}


def test_the_token_of_an_earlier_session_is_told_and_renewed(fault, ana_edits):
    fault("csrf")
    page = ana_edits.hx_post(FORM, data=ana_edits.form)
    assert "csrf:renewed" in page.headers["HX-Trigger"]


def test_the_ended_session_is_there_again(fault, ana_edits, stored):
    """The fault is played, or a developer would have to sign in after each try."""
    fault("session")
    assert ana_edits.hx_post(FORM, data=ana_edits.form).status == 401
    assert stored(select(SessionRow.id)) is not None
    assert ana_edits.get("/edit_profile").status == 200


def test_a_conflict_shows_both_texts(fault, ana_edits):
    fault("409")
    page = ana_edits.hx_post(FORM, data=ana_edits.form)
    assert page.all(".conflict")
    assert page.one("textarea").get_text().strip() == "half a thought"


def test_where_a_fault_waits(fault, browser):
    """Live checks pass while it waits for a form; a named action is met and no other."""
    fault("500")
    assert browser.get("/register").status == 200
    assert browser.hx_post("/register/check/username", username="nora").status == 200
    assert browser.hx_post("/register", username="").status == 500
    fault("404", "GET /login")
    assert browser.get("/").status == 200
    assert browser.get("/login").status == 404
    fault("503", "any", once=False)
    assert [browser.get("/").status for _ in range(3)] == [503] * 3


def test_the_header(fault, browser):
    browser.get("/login")
    assert browser.get("/login", headers={"X-Fault": "404"}).status == 404
    answer = browser.client.get("/login", headers={"X-Fault": "lockd"})
    assert (answer.status_code, b"There are: 400, 401" in answer.data) == (400, True)


def test_only_for_this_machine(fault, browser):
    """Neither for another machine nor for a page of elsewhere that has this machine's address as its own."""
    fault("404", "any", once=False)
    assert browser.client.get("/login", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    assert browser.client.get("/login", headers={"Host": "elsewhere.example"}).status_code == 400


def test_what_looks_after_the_site_is_spared(fault, browser):
    fault("500", "any", once=False)
    assert browser.client.get("/livez").status_code == 200
    assert browser.client.get("/readyz").status_code == 200
    assert browser.get("/static/icon.svg").status == 200


# In production


PRODUCTION = {
    "as it starts": {},
    "where others could reach it": {"debug": True, "server": Server(host="0.0.0.0")},
    "with a public address": {"debug": True, "site": SiteSettings(url="https://blog.example.org")},
    "said to be production": {"debug": True, "sources": {"site.environment": "environment variable APP_ENV"}},
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("how", PRODUCTION)
def test_production_cannot_have_them(settings, how):
    with pytest.raises(debug_mode.NotInDebugMode):
        debug_mode.enter(replace(settings, **PRODUCTION[how]))
    with pytest.raises(debug_mode.NotInDebugMode):
        debug_mode.required("anything")


@pytest.mark.process
@pytest.mark.parametrize("module", ["", ".install", ".edge", ".strikes", ".panel", ".catalogue"])
def test_production_cannot_even_import_them(module):
    done = subprocess.run(
        [sys.executable, "-c", f"import microblog.dev.faults{module}"],
        cwd=ROOT,
        env=os.environ | {"FLASK_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode
    assert "NotInDebugMode: microblog.dev.faults is for `manage.py run --debug` only." in done.stderr


@pytest.mark.sqlite_only
def test_installing_asks_again(app, fault):
    """Imported by an earlier test of the same process, they still do not get in."""
    from microblog.dev.faults.install import install

    debug_mode.leave()
    with pytest.raises(debug_mode.NotInDebugMode):
        install(app)


def as_drawn(page):
    """Without what is new on every page: the form's key, and the token with the second it was made in."""
    return TOKEN.sub("", re.sub(r'(name="once" value=)"[^"]+"', r"\1", page.text))


@pytest.mark.sqlite_only
def test_production_knows_nothing_of_them(app, browser, ana):
    """No route, no template, no file, and the header is one like any other."""
    assert not [rule.rule for rule in app.url_map.iter_rules() if "debug" in rule.rule or "fault" in rule.rule]
    assert not [name for name in app.jinja_env.list_templates() if "panel" in name or "fault" in name]
    browser.sign_in(ana)
    form = browser.hx_get(FORM).values()
    for path in ("/debug/faults", "/static/debug/faults.js", "/static/debug/faults.css"):
        assert browser.client.get(path).status_code == 404
        assert browser.client.post(path, data={"fault": "500", "csrf_token": browser.token}).status_code >= 404
    for name in ("500", "locked", "cut", "nonsense"):
        plain = browser.get("/edit_profile")
        page = browser.get("/edit_profile", headers={"X-Fault": name})
        assert (page.status, as_drawn(page)) == (200, as_drawn(plain))
        assert set(page.headers.keys()) == set(plain.headers.keys())
        assert "fault" not in page.text.replace("default", "").lower()
        assert browser.hx_post(FORM, data=form | {"about_me": name}, headers={"X-Fault": name}).status in (200, 409)
        form = browser.hx_get(FORM).values()
        assert form["about_me"] == name


@pytest.mark.sqlite_only
def test_the_production_server_knows_nothing_of_them(site: Site):
    for headers in ({}, {"X_Fault": "500"}, {"X_Fault": "cut"}):
        answer = site.ask("GET", "/login", **headers)
        assert answer.status_code == 200
        assert b"faults" not in answer.data
    assert site.ask("GET", "/static/debug/faults.js").status_code == 404
    assert site.ask("GET", "/debug/faults").status_code == 404
