"""Signing in and out, sessions, and the throttle."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from werkzeug.security import generate_password_hash

from microblog.extensions import db, writing
from microblog.models import Session, User
from microblog.models.columns import now
from tests.conftest import PASSWORD
from tests.support.watched import TOKEN


def test_it_works(browser, ana, records):
    browser.get("/login?next=/edit_profile")
    page = browser.post("/login", data=browser.last.values("#login-form") | {"username": "ANA", "password": PASSWORD})

    assert page.headers["Location"] == "/edit_profile"
    assert browser.get("/edit_profile").status == 200
    assert records("sign_in.succeeded", user_id=ana.id)


def test_wrong_password_keeps_the_name_and_where_to_go(browser, ana, records):
    browser.get("/login?next=/edit_profile")
    page = browser.hx_post("/login", username="ana", password="wrong one", next="/edit_profile")

    assert page.status == 401
    assert "wrong" in page.said("#password-message")
    assert page.one("#username")["value"] == "ana"
    assert page.one("[name=next]")["value"] == "/edit_profile"
    assert "wrong one" not in page.text
    assert "wrong one" not in str(records())


def test_known_and_unknown_names_get_the_same_bytes(browser, ana):
    browser.get("/login")
    answers = [browser.hx_post("/login", username=name, password="wrong one") for name in ("ana", "nob")]

    def bare(page):
        # The token tells the second it was made in, and the two may be made in different ones.
        text = TOKEN.sub(lambda token: "-" * len(token[0]), page.text)
        text = text.replace(page.values()["once"], "")  # random, and always as long
        return text.replace("ana", "…").replace("nob", "…").replace(page.reference, "")

    assert bare(answers[0]) == bare(answers[1])


def test_throttled_by_name(browser, another_browser, ana, app):
    browser.get("/login")
    limit = app.config["SETTINGS"].security.login_attempts
    for _ in range(limit):
        assert browser.hx_post("/login", username="ana", password="wrong one").status == 401
    another_browser.get("/login")
    page = another_browser.hx_post("/login", username="Ana", password=PASSWORD)

    assert page.status == 429
    assert 800 < int(page.headers["Retry-After"]) <= 900
    assert "too many wrong passwords" in page.text


def test_signing_out_ends_the_session_and_not_only_the_cookie(browser, ana, records):
    browser.sign_in_by_form(ana)
    stolen = browser.client.get_cookie("session").value
    browser.post("/logout")
    browser.client.set_cookie("session", stolen)

    page = browser.hx_get("/edit_profile")
    assert page.status == 401
    assert records("session.refused")


def test_an_idle_and_an_old_session_end(browser, ana, app, stored):
    for column, days in ((Session.last_seen_at, 15), (Session.created_at, 91)):
        browser.sign_in_by_form(ana)
        with app.app_context(), writing():
            db.session.execute(update(Session).values({column: now() - timedelta(days=days)}))
            db.session.commit()
        assert browser.hx_get("/edit_profile").status == 401
    browser.sign_in_by_form(ana)
    assert stored(select(func.count(Session.id))) == 1, "those that ran out are gone at the next sign-in"


def test_who_signs_in_is_seen(browser, ana, app, stored):
    with app.app_context(), writing():
        db.session.execute(update(User).values(last_seen_at=now() - timedelta(days=9)))
        db.session.commit()
    browser.sign_in_by_form(ana)
    assert stored(select(User.last_seen_at)) > now() - timedelta(minutes=1)
    assert stored(select(User.version)) == 1, "no edit of the profile conflicts with it"


def test_last_seen_is_written_once_a_minute_and_after_the_answer(browser, ana, app, stored, records):
    browser.sign_in_by_form(ana)
    before = stored(select(User.last_seen_at))
    for seconds in (0, 50):
        with app.app_context(), writing():
            db.session.execute(update(Session).values(last_seen_at=now() - timedelta(seconds=seconds)))
            db.session.commit()
        browser.get("/")
        assert stored(select(User.last_seen_at)) == before

    with app.app_context(), writing():
        db.session.execute(update(Session).values(last_seen_at=now() - timedelta(seconds=61)))
        db.session.commit()
    page = browser.get("/")
    assert stored(select(User.last_seen_at)) > before
    line = records("request.finished", reference=page.reference)[0]
    assert line["sql_count"] <= 3


def test_remembering_is_a_cookie_with_an_end(browser, ana):
    browser.get("/login")
    browser.post("/login", username="ana", password=PASSWORD, remember="y")
    assert browser.client.get_cookie("session").expires is not None
    browser.post("/logout")
    browser.sign_in_by_form(ana)
    assert browser.client.get_cookie("session").expires is None


def test_an_old_hash_is_understood_and_made_new(browser, person, stored):
    person("ana", password_hash=generate_password_hash(PASSWORD))
    browser.sign_in_by_form("ana")
    assert stored(select(User.password_hash)).startswith("$argon2id$")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "https:evil.example",
        "\\\\evil",
        "/\tevil",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
    ],
)
def test_next_stays_here(browser, ana, target, records):
    browser.get("/login")
    page = browser.post("/login", username="ana", password=PASSWORD, next=target)

    assert page.headers["Location"] == "/user/ana"
    assert records("redirect.refused")


def test_the_cookie_is_closed_to_scripts(browser, ana):
    browser.get("/login")
    page = browser.post("/login", username="ana", password=PASSWORD)
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert PASSWORD not in cookie


def test_the_same_person_signing_in_again_keeps_open_pages_working(browser, ana, app, stored):
    """The session ended while a page was open; signed in again in another tab, that page's token still counts."""
    browser.sign_in_by_form(ana)
    old_token = browser.token
    with app.app_context(), writing():
        db.session.query(Session).delete()
        db.session.commit()
    browser.sign_in_by_form(ana)
    browser.token = old_token
    form = browser.hx_get("/edit_profile/location").values()
    assert (
        browser.hx_post("/edit_profile/location", data=form | {"location": "Oslo", "csrf_token": old_token}).status
        == 200
    )
    assert stored(select(func.count(Session.id))) == 1
