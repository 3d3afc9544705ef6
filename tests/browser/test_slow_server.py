"""While an answer is on its way, nothing typed is changed or lost and the caret stays where it is."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD
from tests.support.budget import few

FIELDS = {"about_me": "quiet", "location": "Bergen", "display_name": "Ana", "username": "", "website": "https://a.io"}


@pytest.fixture
def slow(proxy):
    """No answer to a form comes before `calm`; pages do."""
    for path in ("/edit_profile", "/edit_profile/", "/login"):
        proxy.rule("POST", path, held=True)
    return proxy


def type_in_the_middle(visitor, field, text, at=2):
    """Type `text` at `at`; what the field must hold from now on."""
    before = visitor.control(field).input_value()
    visitor.put_caret(field, at)
    visitor.page.keyboard.type(text)
    return before[:at] + text + before[at:]


@pytest.mark.parametrize("field", few(FIELDS, "about_me", "username"))
def test_typing_on_during_a_live_check(member, slow, field):
    values = {field: FIELDS[field]} if FIELDS[field] else {}
    ana = member("ana", slow, **values)
    ana.edit(field)
    with ana.page.expect_response(re.compile("/check")):
        with ana.page.expect_request(re.compile("/check")):
            typed = type_in_the_middle(ana, field, "xyz")
        ana.page.keyboard.type("12")
        typed = typed[:5] + "12" + typed[5:]
        slow.calm()
    ana.until(lambda: ana.asked.count(f"POST /edit_profile/{field}/check") > 1)
    ana.settle()
    expect(ana.control(field)).to_have_value(typed)
    assert ana.caret() == [field, 7, 7]


@pytest.mark.parametrize("field", few(["about_me", "location", "username"], "about_me", "username"))
def test_typing_on_while_saving_keeps_the_editor_open_and_the_next_save_works(member, slow, site, field):
    ana = member("ana", slow, **({field: "old text"} if field != "username" else {}))
    number = ana.name.rpartition("_")[2]
    first = f"first_{number}"
    ana.edit(field).fill(first)
    ana.save(field)
    typed = type_in_the_middle(ana, field, "later", at=5)
    slow.calm()
    expect(ana.toast("saved.")).to_be_visible()
    expect(ana.control(field)).to_have_value(typed)
    assert ana.caret() == [field, 10, 10]
    name = first if field == "username" else ana.name
    assert site.profile(name, field) == first

    ana.save(field)
    expect(ana.control(field)).to_have_count(0)
    expect(ana.block(field).locator(".field__value")).to_contain_text(typed)
    assert site.profile(typed if field == "username" else ana.name, field) == typed


def test_typing_back_to_the_old_text_while_saving_is_saved_too(member, slow, site):
    ana = member("ana", slow, about_me="old")
    control = ana.edit("about_me")
    control.fill("new")
    ana.save("about_me")
    control.fill("old")
    slow.calm()
    expect(ana.toast("About me saved.")).to_be_visible()
    ana.save("about_me")
    expect(control).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "old"


def test_typing_on_while_a_text_is_refused(member, slow):
    ana = member("ana", slow, about_me="old")
    ana.allow(422)
    ana.edit("about_me").fill("x" * 141)
    ana.save("about_me")
    typed = type_in_the_middle(ana, "about_me", "later", at=70)
    with ana.page.expect_response(lambda answer: answer.status == 422):
        slow.calm()
    expect(ana.control("about_me")).to_have_value(typed)
    expect(ana.message("about_me")).to_contain_text("6 characters too many")
    assert ana.caret() == ["about_me", 75, 75]


def test_typing_on_while_it_conflicts(member, slow, site):
    ana = member("ana", slow, about_me="old")
    ana.allow(409)
    ana.edit("about_me").fill("mine")
    site.edited_elsewhere(ana.name, "about_me", "theirs")
    ana.save("about_me")
    typed = type_in_the_middle(ana, "about_me", "later")
    slow.calm()
    expect(ana.page.locator(".conflict")).to_contain_text("theirs")
    expect(ana.control("about_me")).to_have_value(typed)
    assert ana.caret() == ["about_me", 7, 7]

    slow.rule("POST", "/edit_profile/about_me", held=True)
    ana.save("about_me")
    ana.page.keyboard.press("Home")
    typed = type_in_the_middle(ana, "about_me", "!", at=0)
    slow.calm()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.page.locator(".conflict")).to_have_count(0)
    expect(ana.block("about_me").get_by_role("button", name="Save")).to_be_visible()
    expect(ana.control("about_me")).to_have_value(typed)


@pytest.mark.parametrize("failure", ["ours", "a proxy's"])
def test_typing_on_while_the_server_fails(member, slow, site, failure):
    ana = member("ana", slow, location="old")
    ana.allow(500, 503)
    ana.edit("location").fill("Bergen")
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    answer = slow.rule("POST", "/edit_profile/location", "" if failure == "ours" else "503", held=True)
    ana.save("location")
    typed = type_in_the_middle(ana, "location", "later")
    ana.until(lambda: answer.seen)
    slow.calm()
    expect(ana.toast(re.compile("Something broke|not answering properly"))).to_be_visible()
    expect(ana.control("location")).to_have_value(typed)
    assert ana.caret() == ["location", 7, 7]
    site.stored("UPDATE users SET edits = json('{}') WHERE username = ?", ana.name)
    ana.save("location")
    expect(ana.block("location").locator(".field__value")).to_have_text(typed)


def test_moving_on_to_another_field_while_one_is_refused(member, slow):
    ana = member("ana", slow, about_me="old", location="old")
    ana.allow(422)
    ana.edit("location")
    ana.edit("about_me").fill("x" * 141)
    ana.save("about_me")
    typed = type_in_the_middle(ana, "location", "later")
    with ana.page.expect_response(lambda answer: answer.status == 422):
        slow.calm()
    expect(ana.message("about_me")).to_contain_text("too many")
    assert ana.caret() == ["location", 7, 7]
    expect(ana.control("location")).to_have_value(typed)
    ana.page.keyboard.type("!")
    expect(ana.control("location")).to_have_value(typed[:7] + "!" + typed[7:])


def test_opening_one_field_while_typing_in_another(member, proxy):
    ana = member("ana", proxy, about_me="old", location="old")
    ana.edit("location")
    proxy.rule("GET", "/edit_profile/about_me", held=True)
    ana.block("about_me").locator(".field__edit").click()
    typed = type_in_the_middle(ana, "location", "later")
    proxy.calm()
    expect(ana.control("about_me")).to_be_visible()
    assert ana.caret() == ["location", 7, 7]
    expect(ana.control("location")).to_have_value(typed)


def test_the_form_of_everything_while_it_is_refused(member, slow):
    ana = member("ana", slow, about_me="old", location="old")
    ana.go("/edit_profile").allow(422)
    ana.control("about_me").fill("x" * 141)
    ana.control("location").fill("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    location = type_in_the_middle(ana, "location", "later")
    about = type_in_the_middle(ana, "about_me", "y")
    name = type_in_the_middle(ana, "display_name", "Ana", at=0)
    with ana.page.expect_response(lambda answer: answer.status == 422):
        slow.calm()
    expect(ana.message("about_me")).to_contain_text("too many")
    # What the answer brings is older than what was typed and left since.
    expect(ana.control("about_me")).to_have_value(about)
    expect(ana.control("location")).to_have_value(location)
    expect(ana.control("display_name")).to_have_value(name)
    assert ana.caret() == ["display_name", 3, 3]


def test_the_form_of_everything_while_it_is_saved(member, slow, site):
    ana = member("ana", slow, about_me="old", location="old")
    ana.go("/edit_profile")
    ana.control("about_me").fill("new")
    ana.page.get_by_role("button", name="Save").click()
    typed = type_in_the_middle(ana, "location", "later")
    about = type_in_the_middle(ana, "about_me", "er", at=3)
    slow.calm()
    expect(ana.toast("Profile saved.")).to_be_visible()
    expect(ana.control("location")).to_have_value(typed)
    expect(ana.control("about_me")).to_have_value(about)
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == ("new", "old")

    ana.page.get_by_role("button", name="Save").click()
    expect(ana.page).to_have_url(re.compile(f"/user/{ana.name}$"))
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == (about, typed)


def test_signing_in_with_a_wrong_password_and_typing_on(visit, slow):
    new = visit(slow).go("/login")
    new.allow(401)
    new.control("username").fill("somebody")
    new.control("password").fill("wrong one")
    new.page.keyboard.press("Enter")
    typed = type_in_the_middle(new, "password", "right", at=9)
    with new.page.expect_response(lambda answer: answer.status == 401):
        slow.calm()
    expect(new.message("password")).to_contain_text("wrong")
    expect(new.control("password")).to_have_value(typed)
    expect(new.control("username")).to_have_value("somebody")
    assert new.caret() == ["password", 14, 14]


def test_registering_refused_and_typing_on(visit, slow):
    new = visit(slow).go("/register")
    slow.rule("POST", "/register", held=True)
    new.allow(422)
    new.control("username").fill("somebody_new")
    new.control("email").fill("nobody")
    new.control("password").fill(PASSWORD)
    new.page.get_by_role("button", name="Create account").click()
    typed = type_in_the_middle(new, "username", "later")
    with new.page.expect_response(lambda answer: answer.status == 422):
        slow.calm()
    expect(new.message("email")).to_contain_text("does not look like")
    expect(new.control("username")).to_have_value(typed)
    expect(new.control("password")).to_have_value(PASSWORD)
    assert new.caret() == ["username", 7, 7]


def test_the_button_says_that_it_is_saving(member, slow):
    ana = member("ana", slow)
    ana.edit("location").fill("Bergen")
    width = ana.block("location").locator(".button--primary").bounding_box()
    ana.save("location")
    button = ana.block("location").locator(".button--primary")
    expect(button).to_be_disabled()
    expect(button.locator(".button__busy")).to_be_visible()
    expect(button.locator(".button__idle")).to_be_hidden()
    assert button.bounding_box() == width, "nothing jumps"
    slow.calm()
    expect(ana.toast("Location saved.")).to_be_visible()


def test_a_dot_tells_that_the_name_is_being_checked(member, slow):
    ana = member("ana", slow)
    control = ana.edit("username")
    control.press_sequentially("x")
    dot = ana.block("username").locator(".control__checking")
    expect(dot).to_have_css("opacity", re.compile(r"^(1|0\.[3-9].*)$"))
    slow.calm()
    expect(ana.message("username")).to_have_text("This name is free.")
    expect(dot).to_have_css("opacity", "0")
