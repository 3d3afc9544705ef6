"""Editing one field in place."""

import pytest
from sqlalchemy import select

from microblog.models import User
from microblog.models.usernames import RESERVED


def edit(browser, field):
    """Open the editor of `field`; the values it would send."""
    return browser.hx_get(f"/edit_profile/{field}").values()


def test_it_works(browser, ana, stored, records):
    browser.sign_in(ana)
    form = edit(browser, "about_me")
    page = browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "  I like\r\nquiet.  "})

    assert page.status == 200
    assert not page.is_page
    assert stored(select(User.about_me)) == "I like\nquiet."
    assert "I like" in page.said("#field-about_me")
    assert "About me saved." in page.text
    assert records("profile.saved", field="about_me")
    assert "I like" not in str(records())


def test_undo_puts_the_old_text_back(browser, person, stored, records):
    person("ana", about_me="old")
    browser.sign_in("ana")
    page = browser.hx_post("/edit_profile/about_me", data=edit(browser, "about_me") | {"about_me": "new"})
    undo = page.values("form[data-undo]")
    page = browser.hx_post(page.one("form[data-undo]")["action"], data=undo)

    assert stored(select(User.about_me)) == "old"
    assert "put back" in page.text
    assert not page.all("form[data-undo]"), "an undone change is not undone again and again"
    assert records("profile.undone")


def test_undo_never_overwrites_what_came_after(browser, person, stored):
    person("ana", about_me="old")
    browser.sign_in("ana")
    page = browser.hx_post("/edit_profile/about_me", data=edit(browser, "about_me") | {"about_me": "new"})
    undo = page.values("form[data-undo]")
    browser.hx_post("/edit_profile/about_me", data=edit(browser, "about_me") | {"about_me": "newest"})
    page = browser.hx_post("/edit_profile/about_me", data=undo)

    assert page.status == 409
    assert stored(select(User.about_me)) == "newest"


@pytest.mark.parametrize("field", ["display_name", "username", "about_me", "location", "website"])
def test_every_field_opens_in_place_and_as_a_page(browser, ana, field):
    browser.sign_in(ana)
    fragment = browser.hx_get(f"/edit_profile/{field}")
    page = browser.get(f"/edit_profile/{field}")

    assert not fragment.is_page
    assert page.is_page
    for answer in (fragment, page):
        assert answer.one(f"#field-{field} form #{field}").has_attr("autofocus")
    assert browser.get(f"/user/ana/{field}").status == 302
    assert browser.hx_get(f"/user/ana/{field}").one(f"#field-{field}")


def test_without_javascript_the_same_form_is_a_page(browser, ana, stored):
    browser.sign_in(ana)
    form = browser.get("/edit_profile/location").values("form.editor")
    page = browser.post("/edit_profile/location", data=form | {"location": "Bergen"})

    assert (page.status, page.headers["Location"]) == (303, "/user/ana")
    page = browser.get("/user/ana")
    assert "Location saved." in page.said("#toasts")
    browser.post("/edit_profile/location", data=page.values("form[data-undo]"))
    assert stored(select(User.location)) == ""


def test_a_refused_text_stays_with_its_message(browser, ana, stored, records):
    browser.sign_in(ana)
    text = "x" * 141
    form = edit(browser, "about_me")
    for page in (
        browser.hx_post("/edit_profile/about_me", data=form | {"about_me": text}),
        browser.post("/edit_profile/about_me", data=form | {"about_me": text}),
    ):
        assert page.status == 422
        assert page.one("#about_me").get_text().strip() == text
        assert page.one("#about_me")["aria-invalid"] == "true"
        assert "1 character too many: at most 140 fit." in page.said("#about_me-message")
    assert stored(select(User.about_me)) == ""
    assert records("form.refused", field="about_me")
    assert text not in str(records())


def test_the_counter_and_the_rule_count_alike(browser, ana, stored):
    """140 emoji fit, although a browser's maxlength would cut them at 70."""
    browser.sign_in(ana)
    assert (
        browser.hx_post("/edit_profile/about_me", data=edit(browser, "about_me") | {"about_me": "🦊" * 140}).status
        == 200
    )
    assert stored(select(User.about_me)) == "🦊" * 140


@pytest.mark.parametrize(
    ("typed", "stored_as"),
    [("example.org", "https://example.org"), ("http://a.example/x?y=1", "http://a.example/x?y=1"), ("", "")],
)
def test_a_web_address_is_completed(browser, ana, stored, typed, stored_as):
    browser.sign_in(ana)
    assert browser.hx_post("/edit_profile/website", data=edit(browser, "website") | {"website": typed}).status == 200
    assert stored(select(User.website)) == stored_as


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.example",
        "https://",
        "https://localhost",
        "http://[",
        "https://u:p@a.example",
    ],
)
def test_what_is_no_web_address_is_refused(browser, ana, typed):
    browser.sign_in(ana)
    page = browser.hx_post("/edit_profile/website", data=edit(browser, "website") | {"website": typed})
    assert page.status == 422
    assert page.one("#website-message")["data-state"] == "refused"


def test_rename_leads_from_the_old_name_to_the_new(browser, another_browser, ana, records):
    browser.sign_in(ana)
    page = browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "anabel"})

    assert page.status == 200
    assert page.headers["HX-Replace-Url"] == "/user/anabel"
    assert page.one("hx-partial[hx-target='#viewer-nav'] a[href='/user/anabel']")
    assert records("user.renamed")
    old = another_browser.get("/user/ana")
    assert (old.status, old.headers["Location"]) == (302, "/user/anabel")
    assert "@anabel" in another_browser.get("/user/anabel").said()


def test_a_taken_name_is_said_while_typing_and_when_saved(browser, ana, bo, records):
    browser.sign_in(ana)
    checked = browser.hx_post("/edit_profile/username/check", username="BO_")
    assert "taken" in checked.said("p")
    assert not checked.all("input")
    page = browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "BO_"})
    assert page.status == 422
    assert "taken" in page.said("#username-message")
    assert page.one("#username")["value"] == "BO_"


def test_ones_own_name_is_free_and_may_change_its_case(browser, ana, stored):
    browser.sign_in(ana)
    assert browser.hx_post("/edit_profile/username/check", username="Ana").one("p")["data-state"] == "fine"
    assert browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "ANA"}).status == 200
    assert stored(select(User.username)) == "ANA"


def test_a_former_name_is_held_for_its_owner(browser, another_browser, ana, bo, stored):
    browser.sign_in(ana)
    browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "anabel"})
    another_browser.sign_in(bo)
    page = another_browser.hx_post(
        "/edit_profile/username", data=edit(another_browser, "username") | {"username": "ana"}
    )
    assert page.status == 422
    page = browser.hx_post("/edit_profile/username", data=edit(browser, "username") | {"username": "ana"})
    assert page.status == 200
    assert stored(select(User.username).where(User.id == ana.id)) == "ana"


def test_two_tabs_get_both_texts(browser, person, stored, records):
    person("ana", about_me="first")
    browser.sign_in("ana")
    tab_one, tab_two = edit(browser, "about_me"), edit(browser, "about_me")
    browser.hx_post("/edit_profile/about_me", data=tab_one | {"about_me": "from tab one"})
    page = browser.hx_post("/edit_profile/about_me", data=tab_two | {"about_me": "from tab two"})

    assert page.status == 409
    assert page.one("#about_me").get_text().strip() == "from tab two"
    assert "from tab one" in page.said(".conflict")
    assert "Saved meanwhile, at" in page.said(".conflict")
    assert stored(select(User.about_me)) == "from tab one"
    assert records("profile.conflicted", field="about_me")

    again = browser.hx_post("/edit_profile/about_me", data=page.values())
    assert again.status == 200, "Keep mine keeps mine"
    assert stored(select(User.about_me)) == "from tab two"


def test_different_fields_do_not_conflict(browser, ana, stored):
    browser.sign_in(ana)
    about, place = edit(browser, "about_me"), edit(browser, "location")
    assert browser.hx_post("/edit_profile/about_me", data=about | {"about_me": "a"}).status == 200
    assert browser.hx_post("/edit_profile/location", data=place | {"location": "b"}).status == 200
    assert stored(select(User.location)) == "b"


def test_saving_nothing_says_so(browser, ana):
    browser.sign_in(ana)
    page = browser.hx_post("/edit_profile/location", data=edit(browser, "location"))
    assert page.status == 200
    assert "saved already" in page.text


def test_nobody_edits_another(browser, another_browser, ana, bo, stored):
    """Each form says whose it is: signed in as somebody else meanwhile, it is refused and changes nobody."""
    browser.sign_in(ana)
    form = edit(browser, "about_me") | {"about_me": "ana's words"}
    another_browser.sign_in(bo)
    form["csrf_token"] = another_browser.token
    assert another_browser.hx_post("/edit_profile/about_me", data=form).status == 403
    page = another_browser.post("/edit_profile/about_me", data=form)
    assert page.status == 403
    assert page.is_page
    assert stored(select(User.about_me).where(User.id == bo.id)) == ""


def test_strangers_see_and_can_do_nothing_to_a_profile(browser, ana):
    page = browser.get("/user/ana")
    assert not page.all(".field__edit, form.editor")
    assert browser.hx_get("/edit_profile/about_me").status == 401
    assert browser.get("/edit_profile/about_me").headers["Location"] == "/login?next=/edit_profile/about_me"


def test_unknown_fields_are_404(browser, ana):
    browser.sign_in(ana)
    for path in ("/edit_profile/role", "/edit_profile/password_hash", "/user/ana/email"):
        assert browser.hx_get(path).status == 404
    assert browser.hx_post("/edit_profile/role", role="administrator").status == 404


def test_every_first_path_segment_is_reserved(app):
    used = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()} - {""}
    assert used <= RESERVED


def test_hostile_text_is_inert(browser, ana):
    browser.sign_in(ana)
    text = "<script>alert(1)</script>{{ 7*7 }}"
    page = browser.hx_post("/edit_profile/about_me", data=edit(browser, "about_me") | {"about_me": text})
    assert text in page.said("#field-about_me")
    assert "<script" not in page.text
    assert not browser.get("/user/ana").all("#field-about_me script")
