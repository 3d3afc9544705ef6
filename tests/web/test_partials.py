"""Partials that are drawn once for all who see the same."""

import pytest
from markupsafe import Markup

from microblog.web.filters import place, remembered_partial


@pytest.mark.sqlite_only
def test_it_works(app):
    with app.test_request_context():
        first, second = (
            remembered_partial("shared/_message.html", field="bio", message="Too long.", state="refused")
            for _ in range(2)
        )
    assert first is second
    assert "Too long." in first


@pytest.mark.sqlite_only
def test_what_is_typed_is_escaped_whoever_drew_the_same_text_before(app):
    """Markup is a str, and equal to the same text that nobody has vouched for."""
    with app.test_request_context():
        trusted, typed = (
            remembered_partial("shared/_message.html", field="bio", message=text, state="refused")
            for text in (Markup("<b>x</b>"), "<b>x</b>")
        )
    assert "<b>x</b>" in trusted
    assert "&lt;b&gt;x&lt;/b&gt;" in typed


PLACES = {
    "/": "/",
    "/explore": "/explore",
    "/notifications": "/notifications",
    "/settings/notifications": "",
    "/user/ana": "/user/ana",
    "/edit_profile/about_me": "/user/ana",
    "/user/bo_": "",
    "/bookmarks": "/bookmarks",
    "/post": "",
}


def test_the_navigation_says_where_one_is(browser, ana, bo):
    """And who one is: what is drawn once is drawn once for each."""
    here = '.nav [aria-current="page"]'
    assert [link["href"] for link in browser.get("/login").all(here)] == ["/login"]
    browser.sign_in(ana)
    for path, belongs_to in PLACES.items():
        page = browser.get(path)
        assert [link["href"] for link in page.all(here)] == [belongs_to] * bool(belongs_to), path
        assert page.said(".nav__name") == "ana"
    browser.sign_in(bo)
    assert browser.get("/user/ana").said(".nav__name") == "bo_"
    assert not browser.get("/user/ana").all(here)


@pytest.mark.parametrize(("referer", "where"), [("nowhere", ""), ("", "/"), ("http://localhost/explore", "/explore")])
@pytest.mark.sqlite_only
def test_where_the_navigation_of_a_sign_in_in_place_belongs(app, referer, where):
    """It is that of the page below; a Referer may hold anything."""
    with app.test_request_context("/login", method="POST", headers={"HX-Request": "true", "Referer": referer}):
        assert place() == where


def test_a_blank_form_is_drawn_once_and_is_nobodys(browser, another_browser, ana, bo):
    """The token and the key are each form's own, what was refused is shown to who wrote it."""
    first, second = browser.sign_in(ana).get("/"), another_browser.sign_in(bo).get("/")
    mine, theirs = first.values("form.composer"), second.values("form.composer")
    assert (mine["person"], theirs["person"]) == (str(ana.id), str(bo.id))
    assert mine["csrf_token"] != theirs["csrf_token"]
    assert mine["once"] != theirs["once"]
    page = browser.post("/post", data=mine | {"text": "too long " * 100})
    assert page.status == 422
    assert page.one("form.composer textarea").get_text().strip() == ("too long " * 100).strip()
    assert another_browser.get("/post").one("form.composer textarea").get_text().strip() == ""
