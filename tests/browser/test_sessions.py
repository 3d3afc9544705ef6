"""The session ends, or its token changes, under an open editor: nothing typed is lost, and Save works again."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import PASSWORD, sign_out_button


def test_signing_in_again_in_another_tab(member, site):
    ana = member(about_me="old")
    ana.allow(401)
    ana.edit("about_me").fill("half a thought")
    expect(ana.message("about_me")).to_have_text("Fine.")
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile(ana.name, "id"))
    ana.save("about_me")
    ana.page.get_by_role("dialog").get_by_role("button", name="Close").click()  # not here: test_sign_in_dialog.py
    toast = ana.toast("Please sign in")
    expect(toast).to_contain_text("What you typed is still here.")
    expect(ana.control("about_me")).to_have_value("half a thought")

    with ana.context.expect_page() as opened:
        toast.get_by_role("link", name="Sign in in a new tab").click()
    other = opened.value
    other.locator("#username").fill(ana.name)
    other.locator("#password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(f"/user/{ana.name}$"))

    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_a_stale_token_is_renewed_and_save_once_more_works(member, site):
    ana = member(about_me="old")
    ana.allow(400)
    ana.edit("about_me").fill("half a thought")
    # Signed out and in again elsewhere: another session, another token.
    other = ana.context.new_page()
    other.goto(ana.base + "/")
    sign_out_button(other).click()
    other.get_by_role("button", name="Keep it on this device").click()
    expect(other.get_by_text("You are signed out.")).to_be_visible()
    other.goto(ana.base + "/login")
    other.locator("#username").fill(ana.name)
    other.locator("#password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(f"/user/{ana.name}$"))

    ana.save("about_me")
    expect(ana.toast("nothing was sent yet")).to_contain_text("Send it once more.")
    expect(ana.control("about_me")).to_have_value("half a thought")
    assert site.profile(ana.name, "about_me") == "old"
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"
    # and so do the forms that have been on the page all the while
    ana.toast("About me").get_by_role("button", name="Undo").click()
    expect(ana.toast("put back")).to_be_visible()


def test_somebody_else_signed_in_meanwhile(member, site):
    """The form knows whose it is: bo's profile does not get ana's words."""
    ana, bo = member("ana"), member("bo")
    ana.allow(403)
    ana.edit("about_me").fill("half a thought")
    other = ana.context.new_page()
    other.goto(ana.base + "/")
    sign_out_button(other).click()
    other.get_by_role("button", name="Keep it on this device").click()
    expect(other.get_by_text("You are signed out.")).to_be_visible()
    other.goto(ana.base + "/login")
    other.locator("#username").fill(bo.name)
    other.locator("#password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(f"/user/{bo.name}$"))
    ana.save("about_me")
    expect(ana.toast("belongs to another member")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("half a thought")
    assert site.profile(bo.name, "about_me") == ""


def test_a_live_check_tells_too_that_the_session_has_ended(member, site):
    ana = member(about_me="old")
    ana.allow(401)
    control = ana.edit("about_me")
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile(ana.name, "id"))
    control.press_sequentially(" thought")
    expect(ana.toast("Please sign in")).to_be_visible()
    expect(control).to_have_value("old thought")
    expect(control).to_be_focused()
