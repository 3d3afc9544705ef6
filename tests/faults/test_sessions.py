"""F19, F20: the session ends while something is being typed; a cookie is replayed after its session ended."""

import pytest
from sqlalchemy import select

from microblog.extensions import db, writing
from microblog.models import User


@pytest.mark.fault(19)
def test_in_place(browser, ana, end_sessions, stored, records):
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "Long thought, carefully typed"}
    end_sessions()

    toast = browser.hx_post("/edit_profile/about_me", data=form)
    assert toast.status == 401
    assert toast.headers["HX-Retarget"] == "#toasts"
    assert toast.headers["WWW-Authenticate"] == 'Session realm="Microblog"'
    assert toast.one('.toast a[href="/login"]')["target"] == "_blank", "the page with the text stays open"
    assert "What you typed is still here." in toast.said(".toast__text")
    assert records("sign_in.required", reference=toast.reference)
    assert records("session.refused", reference=toast.reference)

    token = browser.token
    browser.sign_in_by_form(ana)
    browser.token = token
    page = browser.hx_post("/edit_profile/about_me", data=form)
    assert page.status == 200
    assert stored(select(User.about_me)) == "Long thought, carefully typed"


@pytest.mark.fault(19)
@pytest.mark.parametrize("path", ["/edit_profile/about_me", "/edit_profile"])
def test_without_javascript(browser, ana, end_sessions, stored, path):
    """The 401 page holds the whole form; signing in happens in another tab; sent again, it is saved."""
    browser.sign_in(ana)
    css = "form.editor" if path.endswith("me") else "#profile-form"
    form = browser.get(path).values(css) | {"about_me": "Long thought,\ncarefully typed"}
    end_sessions()

    page = browser.post(path, data=form)
    assert page.status == 401
    assert page.one('.problem__ways a[href="/login"]')["target"] == "_blank"
    kept = page.values("form.kept")
    assert kept["about_me"].replace("\r", "").strip() == "Long thought,\ncarefully typed"
    action = page.one("form.kept")["action"]

    browser.sign_in_by_form(ana)
    assert browser.post(action, data=kept).status == 303
    assert stored(select(User.about_me)) == "Long thought,\ncarefully typed"


@pytest.mark.fault(19)
def test_signed_in_as_somebody_else_meanwhile(browser, ana, bo, end_sessions, stored):
    """The form of one member is never saved for another."""
    browser.sign_in(ana)
    form = browser.get("/edit_profile/about_me").values("form.editor") | {"about_me": "ana's words"}
    end_sessions()
    kept = browser.post("/edit_profile/about_me", data=form).values("form.kept")
    browser.sign_in(bo)
    page = browser.post("/edit_profile/about_me", data=kept | {"csrf_token": browser.token})
    assert page.status == 403
    assert "ana's words" in page.text.replace("&#39;", "'")
    assert stored(select(User.about_me).where(User.id == bo.id)) == ""


@pytest.mark.fault(19)
def test_the_live_check(browser, ana, end_sessions):
    browser.sign_in(ana)
    end_sessions()
    page = browser.hx_post("/edit_profile/about_me/check", about_me="typing")
    assert page.status == 401
    assert page.headers["HX-Retarget"] == "#toasts"


@pytest.mark.fault(19)
def test_navigation_leads_to_the_sign_in_and_back(browser, ana, end_sessions):
    browser.sign_in(ana)
    end_sessions()
    page = browser.get("/edit_profile/location")
    assert page.headers["Location"] == "/login?next=/edit_profile/location"
    browser.get(page.headers["Location"])
    assert browser.last.one("[name=next]")["value"] == "/edit_profile/location"


@pytest.mark.fault(20)
@pytest.mark.parametrize("how", ["logout", "everywhere", "member_gone"])
def test_a_replayed_cookie(app, browser, another_browser, ana, end_sessions, records, how):
    browser.sign_in(ana)
    stolen = browser.client.get_cookie("session").value
    form = browser.hx_get("/edit_profile/about_me").values()
    if how == "logout":
        browser.post("/logout")
    elif how == "everywhere":
        end_sessions()
    else:
        with app.app_context(), writing():
            db.session.delete(db.session.get(User, ana.id))
            db.session.commit()
    another_browser.client.set_cookie("session", stolen)
    another_browser.token = form["csrf_token"]

    for page in (
        another_browser.hx_get("/edit_profile"),
        another_browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "stolen"}),
        another_browser.send("GET", "/edit_profile", headers={"Accept": "application/json"}),
    ):
        assert page.status == 401
        assert records("session.refused", reference=page.reference)
    assert another_browser.get("/").status == 200
    assert "ana" not in another_browser.last.said("nav"), "a page for everybody is a stranger's page"


@pytest.mark.fault(20)
@pytest.mark.parametrize("value", ["", "x", "a.b.c", "é", "x" * 4000, "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbb"])
def test_a_forged_cookie(browser, ana, value, records):
    browser.client.set_cookie("session", value)
    assert browser.get("/").status == 200
    assert browser.hx_get("/edit_profile").status == 401
    assert browser.get("/nope").status == 404
    assert not records("request.failed")
