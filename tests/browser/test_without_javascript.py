"""Everything works as plain forms."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_edit_in_place import TEXTS, png
from tests.browser.visitor import PASSWORD, sign_out_button


@pytest.fixture
def plain(visit):
    def join(name):
        return visit(javascript=False).register(name).at_home()

    return join


def test_register_sign_out_and_in(visit):
    new = visit(javascript=False).go("/register")
    new.allow(422)
    new.control("username").fill("plain_nora")
    new.control("email").fill("nobody")
    new.control("password").fill(PASSWORD)
    new.page.get_by_role("button", name="Create account").click()
    expect(new.message("email")).to_contain_text("does not look like")
    expect(new.control("username")).to_have_value("plain_nora")
    expect(new.control("email")).to_be_focused()
    new.control("email").fill("nora@example.org")
    new.control("password").fill(PASSWORD)
    new.page.get_by_role("button", name="Create account").click()
    expect(new.page).to_have_url(re.compile("/user/plain_nora$"))
    expect(new.toast("Welcome")).to_be_visible()

    sign_out_button(new.page).click()
    expect(new.toast("You are signed out.")).to_be_visible()
    new.go("/edit_profile/location")
    new.control("username").fill("plain_nora")
    new.control("password").fill(PASSWORD)
    new.page.get_by_role("button", name="Sign in").click()
    expect(new.control("location")).to_be_visible()


def test_edit_every_field_and_undo(plain, site):
    ana = plain("plain_ana")
    for field, text in TEXTS.items():
        ana.block(field).get_by_role("link").last.click()
        expect(ana.control(field)).to_be_focused()
        old = ana.control(field).input_value()
        ana.control(field).fill(text)
        ana.save(field)
        expect(ana.toast("saved.")).to_be_visible()
        expect(ana.block(field)).to_contain_text(text.split("\n")[-1])
        ana.toast().get_by_role("button", name="Undo").click()
        expect(ana.toast("put back.")).to_be_visible()
        assert site.profile("plain_ana", field) == old


def test_all_fields_on_one_page(plain, site):
    ana = plain("plain_all")
    ana.allow(422)
    ana.go("/edit_profile")
    ana.control("about_me").fill("x" * 141)
    ana.control("location").fill("Bergen")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.message("about_me")).to_contain_text("1 character too many")
    expect(ana.control("about_me")).to_be_focused()
    expect(ana.control("location")).to_have_value("Bergen")
    ana.control("about_me").fill("short")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Profile saved.")).to_be_visible()
    assert (site.profile("plain_all", "about_me"), site.profile("plain_all", "location")) == ("short", "Bergen")
    ana.toast("Profile saved.").get_by_role("button", name="Undo").click()
    expect(ana.toast("Profile put back.")).to_be_visible()
    assert (site.profile("plain_all", "about_me"), site.profile("plain_all", "location")) == ("", "")


def test_a_new_name_and_a_picture(plain, site):
    ana = plain("plain_bo")
    ana.block("username").get_by_role("link").click()
    ana.control("username").fill("plain_bob")
    ana.save("username")
    expect(ana.page).to_have_url(re.compile("/user/plain_bob$"))
    ana.block("avatar").get_by_role("link").click()
    ana.control("avatar").set_input_files(png("tomato"))
    ana.save("avatar")
    expect(ana.toast("Picture saved.")).to_be_visible()
    expect(ana.block("avatar").locator("img")).to_have_attribute("src", re.compile("webp$"))
    ana.block("avatar").get_by_role("link").click()
    ana.page.get_by_role("button", name="Remove").click()
    expect(ana.block("avatar").locator("img")).to_have_attribute("src", re.compile("svg$"))
    ana.toast().get_by_role("button", name="Undo").click()
    expect(ana.block("avatar").locator("img")).to_have_attribute("src", re.compile("webp$"))


def test_two_tabs(plain, site):
    ana = plain("plain_two")
    ana.allow(409)
    ana.go("/edit_profile/about_me")
    other = ana.context.new_page()
    other.goto(ana.base + "/edit_profile/about_me")
    other.locator("#about_me").fill("theirs")
    other.get_by_role("button", name="Save").click()
    ana.control("about_me").fill("mine")
    ana.save("about_me")
    expect(ana.page.locator(".conflict")).to_contain_text("theirs")
    expect(ana.control("about_me")).to_have_value("mine")
    ana.save("about_me")
    assert site.profile("plain_two", "about_me") == "mine"


def test_error_pages_offer_a_way_and_keep_what_was_typed(plain, site):
    ana = plain("plain_err")
    ana.allow(404, 401)
    ana.go("/nothing-here")
    expect(ana.page.locator("h1")).to_have_text("There is nothing here")
    expect(ana.page.get_by_role("button", name="Copy")).to_have_count(0)  # it needs a script
    ana.go("/edit_profile/about_me")
    ana.control("about_me").fill("half a thought")
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile("plain_err", "id"))
    ana.save("about_me")
    expect(ana.page.locator("h1")).to_have_text("Please sign in")
    expect(ana.page.locator("textarea")).to_have_value("half a thought")


@pytest.mark.fault(19)
def test_the_refusal_signs_in_and_what_was_typed_comes_along(plain, site):
    ana = plain("plain_back")
    ana.allow(401)
    ana.go("/edit_profile/about_me")
    ana.control("about_me").fill("half a thought")
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile("plain_back", "id"))
    ana.save("about_me")
    expect(ana.page.locator("h1")).to_have_text("Please sign in")
    for password in ("wrong", PASSWORD):
        ana.page.get_by_label("Username").fill("plain_back")
        ana.page.get_by_label("Password").fill(password)
        ana.page.keyboard.press("Enter")
        if password == "wrong":
            expect(ana.message("sign_in-password")).to_contain_text("wrong")
        expect(ana.page.locator("textarea")).to_have_value("half a thought")
    expect(ana.page.locator("h1")).to_have_text("You are signed in")
    ana.page.locator("textarea").fill("a whole thought")
    ana.page.get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile("plain_back", "about_me") == "a whole thought"
