"""The whole profile on one page, for those without JavaScript and for those who like it."""

from sqlalchemy import select

from microblog.models import User


def test_it_works(browser, ana, stored):
    browser.sign_in(ana)
    form = browser.get("/edit_profile").values("#profile-form")
    page = browser.post("/edit_profile", data=form | {"about_me": "words", "location": "Rome", "username": "anna"})

    assert (page.status, page.headers["Location"]) == (303, "/user/anna")
    assert stored(select(User.about_me)) == "words"
    assert "Profile saved." in browser.get("/user/anna").said("#toasts")


def test_it_can_be_undone(browser, person, stored, records):
    """All that was changed at once, and nothing that was changed elsewhere since."""
    ana = person("ana", about_me="old words", website="https://ana.example")
    browser.sign_in(ana)
    form = browser.get("/edit_profile").values("#profile-form")
    browser.post("/edit_profile", data=form | {"about_me": "words", "location": "Rome", "username": "anna"})
    undo = browser.get("/user/anna").one("form[data-undo]")
    assert not undo.has_attr("hx-post"), "it ends on a page, which may be the form with a conflict"
    values = browser.last.values("form[data-undo]")
    website = browser.hx_get("/edit_profile/website").values()
    assert browser.hx_post("/edit_profile/website", data=website | {"website": "https://new.example"}).status == 200

    page = browser.post(str(undo["action"]), data=values)
    assert (page.status, page.headers["Location"]) == (303, "/user/ana")
    row = stored(select(User.username + "|" + User.about_me + "|" + User.location + "|" + User.website))
    assert row == "ana|old words||https://new.example"
    shown = browser.get("/user/ana")
    assert shown.said("#toasts").startswith("Profile put back.")
    assert not shown.all("form[data-undo]")
    assert {record["field"] for record in records("profile.undone")} == {"about_me", "location", "username"}


def test_undo_of_what_was_changed_again_shows_both(browser, ana, stored):
    browser.sign_in(ana)
    form = browser.get("/edit_profile").values("#profile-form")
    browser.post("/edit_profile", data=form | {"about_me": "words"})
    browser.get("/user/ana")
    values = browser.last.values("form[data-undo]")
    again = browser.hx_get("/edit_profile/about_me").values()
    assert browser.hx_post("/edit_profile/about_me", data=again | {"about_me": "better words"}).status == 200
    page = browser.post("/edit_profile", data=values)
    assert page.status == 409
    assert page.said(".conflict__theirs") == "better words"
    assert page.values("#profile-form")["username"] == "ana", "what Undo did not send stands there as it is"
    assert stored(select(User.about_me)) == "better words"


def test_htmx_is_led_to_the_profile(browser, ana):
    browser.sign_in(ana)
    form = browser.get("/edit_profile").values("#profile-form")
    assert browser.hx_post("/edit_profile", data=form | {"location": "Rome"}).headers["HX-Redirect"] == "/user/ana"


def test_all_that_was_typed_comes_back_with_the_message(browser, ana, bo, stored):
    browser.sign_in(ana)
    form = browser.get("/edit_profile").values("#profile-form")
    for send in (browser.post, browser.hx_post):
        page = send("/edit_profile", data=form | {"username": "bo_", "about_me": "kept", "location": "kept too"})
        assert page.status == 422
        assert "taken" in page.said("#username-message")
        assert page.one("#about_me").get_text().strip() == "kept"
        assert page.one("#location")["value"] == "kept too"
    assert stored(select(User.about_me).where(User.id == ana.id)) == ""


def test_a_field_left_alone_does_not_undo_a_change_made_elsewhere(browser, person, stored):
    person("ana", about_me="first")
    browser.sign_in("ana")
    page_form = browser.get("/edit_profile").values("#profile-form")
    in_place = browser.hx_get("/edit_profile/about_me").values()
    browser.hx_post("/edit_profile/about_me", data=in_place | {"about_me": "second"})

    page = browser.post("/edit_profile", data=page_form | {"location": "Rome"})
    assert page.status == 303
    assert stored(select(User.about_me)) == "second"
    assert stored(select(User.location)) == "Rome"


def test_a_field_touched_in_both_gives_both_texts(browser, person, stored):
    person("ana", about_me="first")
    browser.sign_in("ana")
    page_form = browser.get("/edit_profile").values("#profile-form")
    in_place = browser.hx_get("/edit_profile/about_me").values()
    browser.hx_post("/edit_profile/about_me", data=in_place | {"about_me": "second"})

    page = browser.post("/edit_profile", data=page_form | {"about_me": "third", "location": "Rome"})
    assert page.status == 409
    assert "second" in page.said(".conflict")
    assert page.one("#about_me").get_text().strip() == "third"
    assert page.one("#location")["value"] == "Rome"
    assert browser.post("/edit_profile", data=page.values("#profile-form")).status == 303
    assert stored(select(User.about_me)) == "third"


def test_only_for_members(browser):
    assert browser.get("/edit_profile").headers["Location"] == "/login?next=/edit_profile"
