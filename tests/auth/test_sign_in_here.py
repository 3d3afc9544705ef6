"""Signing in over a page that stays open: what the dialog asks the server for."""

import json

import pytest
from sqlalchemy import select

from microblog.models import User
from tests.conftest import PASSWORD


def told(page):
    """The events that the answer sets off in the page."""
    return json.loads(page.headers.get("HX-Trigger", "{}"))


def sign_in(browser, name, password=PASSWORD):
    """Sign in through the dialog's form, which the last answer holds."""
    form = browser.last.values("#here-login-form")
    return browser.hx_post("/login", data=form | {"here-username": name, "here-password": password})


def test_it_works(browser, ana, end_sessions, records, stored):
    browser.sign_in_by_form(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "half a thought"}
    end_sessions()
    assert browser.hx_post("/edit_profile/about_me", data=form).status == 401

    panel = browser.hx_get(f"/login?person={ana.id}")
    assert not panel.is_page
    assert panel.one("#here-username")["value"] == "ana"
    assert panel.one("#here-login-form")["hx-post"] == "/login"
    page = sign_in(browser, "ana")
    assert (page.status, "HX-Redirect" in page.headers) == (200, False)
    assert told(page)["session:started"] == {"person": ana.id, "username": "ana"}
    assert "ana" in page.said("hx-partial[hx-target='#viewer-nav'] nav")
    assert records("sign_in.succeeded", user_id=ana.id)

    browser.token = told(page)["csrf:renewed"]["token"]
    assert browser.hx_post("/edit_profile/about_me", data=form | {"csrf_token": browser.token}).status == 200
    assert stored(select(User.about_me)) == "half a thought"


def test_a_wrong_password_is_told_in_the_form(browser, ana, records):
    browser.hx_get(f"/login?person={ana.id}")
    page = sign_in(browser, "ana", "wrong one")

    assert page.status == 401
    assert "wrong" in page.said("#here-password-message")
    assert page.one("#here-username")["value"] == "ana"
    assert "HX-Retarget" not in page.headers
    assert "wrong one" not in page.text + str(records())
    page = sign_in(browser, "", "")
    assert page.status == 422
    assert records("form.refused", form="sign_in", field="username")


def test_the_token_of_a_page_whose_cookie_is_gone(browser, ana, stored, records):
    """The browser has dropped the cookie, so the token of the page means nothing; the form brings another."""
    browser.sign_in_by_form(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "half a thought"}
    browser.client.delete_cookie("session")
    toast = browser.hx_post("/edit_profile/about_me", data=form)
    assert (toast.status, toast.one(".toast")["data-toast"]) == (401, "sign_in_required"), "what helps, at once"
    assert "still here" in toast.said(".toast__text")
    assert records("sign_in.required", reference=toast.reference)
    plain = browser.post("/edit_profile/about_me", data=form)
    assert (plain.status, plain.values("form.kept")["about_me"].strip()) == (401, "half a thought")
    panel = browser.hx_get(f"/login?person={ana.id}")
    browser.token = told(panel)["csrf:renewed"]["token"]
    page = sign_in(browser, "ana")
    assert page.status == 200
    browser.token = told(page)["csrf:renewed"]["token"]
    assert browser.hx_post("/edit_profile/about_me", data=form | {"csrf_token": browser.token}).status == 200
    assert stored(select(User.about_me)) == "half a thought"


def test_a_form_of_somebody_else_says_so_and_not_that_it_makes_no_sense(browser, ana, bo, stored):
    browser.sign_in_by_form(ana)
    form, token = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "ana's words"}, browser.token
    browser.client.delete_cookie("session")
    browser.sign_in_by_form(bo)
    browser.token = token  # the page of ana stands open still
    refusal = browser.hx_post("/edit_profile/about_me", data=form)
    assert (refusal.status, "belongs to another member" in refusal.text) == (403, True)
    assert stored(select(User.about_me).where(User.id == bo.id)) == ""


def test_somebody_else_gets_a_token_that_counts_and_no_words_of_another(browser, ana, bo, end_sessions, stored):
    browser.sign_in_by_form(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "ana's words"}
    end_sessions()
    browser.hx_get(f"/login?person={ana.id}")
    page = sign_in(browser, "bo_")
    assert told(page)["session:started"] == {"person": bo.id, "username": "bo_"}
    browser.token = told(page)["csrf:renewed"]["token"]
    refusal = browser.hx_post("/edit_profile/about_me", data=form | {"csrf_token": browser.token})
    assert refusal.status == 403
    assert "belongs to another member" in refusal.text
    assert stored(select(User.about_me).where(User.id == bo.id)) == ""

    panel = browser.hx_get(f"/login?person={ana.id}")
    assert panel.one("#here-username")["value"] == "ana", "the owner of the page is asked for"


def test_signed_in_already_in_another_tab(browser, ana):
    """A redirect would leave the page, and with it what was typed."""
    browser.sign_in_by_form(ana)
    page = browser.hx_get(f"/login?person={ana.id}")
    assert page.status == 200
    assert "HX-Redirect" not in page.headers
    assert told(page)["session:started"]["person"] == ana.id
    assert not page.all("form#here-login-form")


@pytest.mark.parametrize("owner", ["", "0", "x", "99999999", "-1", "9" * 30])
def test_nobody_s_page(browser, ana, owner):
    panel = browser.hx_get(f"/login?person={owner}")
    assert panel.status == 200
    assert panel.one("#here-username")["value"] == ""
    assert "session has ended" not in panel.said()


def test_throttled_in_the_dialog_is_a_toast_that_counts(browser, ana, app):
    browser.hx_get(f"/login?person={ana.id}")
    for _ in range(app.config["SETTINGS"].security.login_attempts):
        assert sign_in(browser, "ana", "wrong one").status == 401
    page = browser.hx_post("/login", data={"here-username": "ana", "here-password": PASSWORD})
    assert page.status == 429
    assert page.headers["HX-Retarget"] == "#toasts"
    assert page.said(".toast__next") == "Try again in 15 minutes."


def test_the_page_itself_still_leads_on(browser, ana):
    """The form of the page of its own, sent by htmx, goes where the member wanted to."""
    browser.get("/login?next=/edit_profile")
    page = browser.hx_post("/login", username="ana", password=PASSWORD, next="/edit_profile")
    assert (page.status, page.headers["HX-Redirect"]) == (204, "/edit_profile")


def test_the_page_knows_whose_it_is(browser, ana):
    assert "data-person" not in browser.get("/").one("body").attrs
    browser.sign_in_by_form(ana)
    assert browser.get("/").one("body")["data-person"] == str(ana.id)
