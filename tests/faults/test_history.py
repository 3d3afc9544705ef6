"""F28, F29, what the server has to do: a fragment's address opened by hand; an error met by Back."""

import pytest

BACK = {"HX-History-Restore-Request": "true", "HX-Request-Type": "full", "Accept": "*/*"}
FRAGMENTS = [
    *(f"/edit_profile/{field}" for field in ("display_name", "username", "about_me", "location", "website", "avatar")),
    *(f"/user/ana/{field}" for field in ("display_name", "username", "about_me", "location", "website", "avatar")),
]


@pytest.mark.fault(28)
@pytest.mark.parametrize("path", FRAGMENTS)
def test_by_hand_then_back(browser, ana, path):
    browser.sign_in(ana)
    fragment = browser.hx_get(path)
    assert (fragment.status, fragment.is_page) == (200, False)
    for headers in (None, BACK, {"HX-Request": "true", "HX-Boosted": "true"}):
        page = browser.send("GET", path, headers=headers)
        if page.status == 302:
            page = browser.send("GET", page.headers["Location"], headers=headers)
        assert page.status == 200
        assert page.is_page
        assert page.one("h1")
        assert page.one("#toasts")
        # A cache, and Back with it, must never take one for the other.
        for answer in (page, fragment):
            assert answer.headers["Cache-Control"] == "no-store"
            assert "HX-Request" in answer.headers.get("Vary", "") + str(answer.headers.getlist("Vary"))


@pytest.mark.fault(28)
def test_addresses_that_only_take_a_form(browser, ana):
    browser.sign_in(ana)
    for path in ("/logout", "/edit_profile/about_me/check", "/register/check/username"):
        page = browser.get(path)
        assert page.status == 405
        assert page.is_page


@pytest.mark.fault(28)
def test_a_stranger_by_hand_is_led_to_the_sign_in(browser, ana):
    for path in FRAGMENTS[:6]:
        page = browser.get(path)
        assert (page.status, page.headers["Location"]) == (302, f"/login?next={path}")


def broken():
    raise RuntimeError


@pytest.mark.fault(29)
@pytest.mark.parametrize("hx", [{}, {"HX-Request": "true"}])
def test_errors_met_by_back(browser, ana, route, hx):
    route("/broken", broken)
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        for path, status, title in (
            ("/nope", 404, "There is nothing here"),
            ("/broken", 500, "Something broke on our side"),
            ("/user/nobody_here", 404, "There is nothing here"),
        ):
            page = browser.send("GET", path, headers=BACK | hx)
            assert page.status == status
            assert page.is_page
            assert page.said("title") == f"{title} · Microblog"
            assert page.said("h1") == title
            assert not [name for name, _ in page.headers if name.startswith("HX-")]


@pytest.mark.fault(29)
def test_a_session_that_ended_met_by_back(browser, ana):
    """An empty 401 throws inside htmx: a whole page, by the way of the sign-in."""
    page = browser.send("GET", "/edit_profile", headers=BACK)
    assert page.status == 302
    page = browser.send("GET", page.headers["Location"], headers=BACK)
    assert page.is_page
    assert page.said("h1") == "Sign in"
