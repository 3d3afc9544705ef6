"""The session ends under an open editor: signing in happens over the page, and nothing typed is lost or typed again."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_edit_in_place import png
from tests.browser.visitor import PASSWORD
from tests.support.budget import few


def end_session(ana, site):
    site.stored("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = ?)", ana.name)


def dialog(ana):
    return ana.page.get_by_role("dialog", name="Sign in")


def sign_in(ana, password=PASSWORD, name=""):
    if name:
        ana.control("here-username").fill(name)
    ana.control("here-password").fill(password)
    dialog(ana).get_by_role("button", name="Sign in").click()


@pytest.fixture
def interrupted(member, proxy, site):
    """Somebody who pressed Save after their session had ended; the dialog is open."""

    def make(**options):
        ana = member("ana", proxy, about_me="old", **options)
        ana.allow(401)
        ana.edit("about_me").fill("half a thought")
        expect(ana.message("about_me")).to_have_text("Fine.")
        end_session(ana, site)
        ana.save("about_me")
        expect(dialog(ana)).to_be_visible()
        return ana

    return make


@pytest.mark.parametrize("screen", few(["desktop", "phone", "narrow"], "desktop", "narrow"))
def test_it_works(interrupted, site, screen):
    """F19: 401, dialog, sign in, Send again, saved; nothing is typed twice but the password."""
    ana = interrupted(screen=screen)
    expect(ana.control("here-username")).to_have_value(ana.name)
    expect(ana.control("here-password")).to_be_focused()
    sign_in(ana)
    expect(dialog(ana)).to_be_hidden()
    expect(ana.control("about_me")).to_be_focused()
    expect(ana.control("about_me")).to_have_value("half a thought")
    expect(ana.toast("Please sign in")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "old", "nothing is sent unasked"

    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.toast("You are signed in again.")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "half a thought"
    expect(ana.page.locator(f'nav a[href="/user/{ana.name}"]')).to_have_attribute("aria-current", "page")
    ana.toast("About me saved.").get_by_role("button", name="Undo").click()
    expect(ana.toast("put back")).to_be_visible()


def test_by_keyboard_alone(interrupted, site):
    ana = interrupted()
    ana.page.keyboard.type(PASSWORD)
    ana.page.keyboard.press("Enter")
    expect(dialog(ana)).to_be_hidden()
    again = ana.toast("You are signed in again.").get_by_role("button", name="Send again")
    for _ in range(20):
        ana.page.keyboard.press("Tab")
        if again.evaluate("(button) => button === document.activeElement"):
            break
    else:
        pytest.fail("Send again is not reached by keyboard")
    ana.page.keyboard.press("Enter")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_the_focus_stays_inside_and_escape_closes_only_the_dialog(interrupted, site):
    ana = interrupted()
    focus, dialogs = [], "document.querySelector('dialog:modal')?.contains(document.activeElement)"
    for _ in range(12):
        ana.page.keyboard.press("Tab")
        focus.append(ana.page.evaluate(f"document.activeElement === document.body ? 'none' : {dialogs}"))
    assert set(focus) == {True, "none"}, "between the last and the first it is with the browser"
    ana.control("here-username").focus()
    ana.page.keyboard.press("Escape")
    expect(dialog(ana)).to_be_hidden()
    expect(ana.control("about_me")).to_be_focused()
    expect(ana.control("about_me")).to_have_value("half a thought")
    # The way back in stays in sight.
    ana.toast("Please sign in").get_by_role("button", name="Sign in").click()
    expect(dialog(ana)).to_be_visible()
    dialog(ana).get_by_role("button", name="Close").click()
    expect(dialog(ana)).to_be_hidden()
    expect(ana.control("about_me")).to_be_focused()
    expect(ana.toast("Please sign in")).to_be_visible()


def test_a_wrong_password_is_told_in_the_dialog(interrupted):
    ana = interrupted()
    sign_in(ana, "wrong one")
    expect(ana.message("here-password")).to_contain_text("wrong")
    expect(ana.control("here-password")).to_be_focused()
    expect(ana.control("about_me")).to_have_value("half a thought")
    sign_in(ana)
    expect(dialog(ana)).to_be_hidden()


@pytest.mark.parametrize(
    ("fault", "screen"),
    few(
        itertools.product(["refuse", "502", "throttled"], ["desktop", "phone"]),
        ("refuse", "desktop"),
        ("502", "phone"),
        ("throttled", "desktop"),
    ),
)
def test_trouble_while_signing_in_is_told_above_the_dialog(interrupted, proxy, site, fault, screen):
    ana = interrupted(screen=screen)
    ana.allow("net", 502, 429)
    key = f"login:{ana.name}"
    if fault == "throttled":
        site.stored("INSERT INTO throttle_buckets VALUES (?, 100, datetime('now', '+40 seconds'))", key)
    else:
        proxy.rule("POST", "/login", fault)
    sign_in(ana)
    toast = ana.toast(re.compile("cannot be reached|not answering properly|a little fast"))
    expect(toast).to_be_visible()
    seen = toast.evaluate("""(toast) => {
      const { x, y, width, height } = toast.getBoundingClientRect();
      return toast.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    }""")
    assert seen, "in front of the dialog"
    expect(ana.control("here-password")).to_have_value(PASSWORD)
    proxy.calm()
    if fault == "throttled":
        expect(toast).to_contain_text(re.compile(r"Try again in \d+ seconds\."))
        site.stored("DELETE FROM throttle_buckets WHERE key = ?", key)
        dialog(ana).get_by_role("button", name="Sign in").click()
    else:
        toast.get_by_role("button", name="Send again").click()
    expect(dialog(ana)).to_be_hidden()
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()


def test_escape_in_a_toast_closes_the_toast_alone(interrupted, proxy):
    ana = interrupted()
    ana.allow("net")
    proxy.rule("POST", "/login", "refuse")
    sign_in(ana)
    ana.toast("cannot be reached").get_by_role("button", name="Dismiss").focus()
    ana.page.keyboard.press("Escape")
    expect(ana.toast("cannot be reached")).to_have_count(0)
    expect(dialog(ana)).to_be_visible()


def test_the_form_does_not_come(member, proxy, site):
    """The server is gone just then: a toast says so, and the next try opens it."""
    ana = member("ana", proxy, about_me="old")
    ana.allow(401, "net")
    ana.edit("about_me").fill("half a thought")
    end_session(ana, site)
    proxy.rule("GET", "/login", "refuse")
    ana.save("about_me")
    expect(ana.toast("cannot be reached")).to_be_visible()
    expect(dialog(ana)).to_have_count(0)
    proxy.calm()
    ana.toast("cannot be reached").get_by_role("button", name="Try again").click()
    expect(dialog(ana)).to_be_visible()


def test_somebody_else_signs_in(interrupted, member, site):
    """The page says whose it is, what is sent is refused, and the words stay for their author."""
    ana, bo = interrupted(), member("bo")
    ana.allow(403)
    sign_in(ana, name=bo.name)
    toast = ana.toast(f"You are signed in as @{bo.name}")
    expect(toast).to_contain_text("belongs to another member")
    expect(ana.page.locator(f'nav a[href="/user/{bo.name}"]')).to_be_visible()
    ana.save("about_me")
    expect(ana.toast("This form belongs to another member.")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("half a thought")
    assert site.profile(bo.name, "about_me") == ""

    toast.get_by_role("button", name="Sign in as its owner").click()
    expect(ana.control("here-username")).to_have_value(ana.name)
    sign_in(ana)
    expect(toast).to_have_count(0)
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_signed_in_again_in_another_tab(interrupted, site):
    """Then there is nothing left to ask for, and the page is not left."""
    ana = interrupted()
    ana.page.keyboard.press("Escape")
    other = ana.context.new_page()
    other.goto(ana.base + "/login")
    other.locator("#username").fill(ana.name)
    other.locator("#password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(f"/user/{ana.name}$"))
    ana.toast("Please sign in").get_by_role("button", name="Sign in").click()
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_the_cookie_is_gone_too(member, proxy, site):
    """The token means nothing any more either; but nobody is told to send it once more when that cannot help."""
    ana = member("ana", proxy, about_me="old")
    ana.allow(401)
    ana.edit("about_me").fill("half a thought")
    expect(ana.message("about_me")).to_have_text("Fine.")
    ana.context.clear_cookies()
    ana.save("about_me")
    expect(dialog(ana)).to_be_visible()
    sign_in(ana)
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_a_live_check_does_not_open_it(member, proxy, site):
    ana = member("ana", proxy, about_me="old")
    ana.allow(401)
    control = ana.edit("about_me")
    end_session(ana, site)
    control.press_sequentially(" thought")
    toast = ana.toast("Please sign in")
    expect(toast).to_be_visible()
    ana.page.keyboard.type("!")
    expect(control).to_have_value("old thought!")
    expect(dialog(ana)).to_have_count(0)
    toast.get_by_role("button", name="Sign in").click()
    expect(dialog(ana)).to_be_visible()
    sign_in(ana)
    expect(ana.toast("You are signed in again.")).to_be_visible()
    expect(control).to_be_focused()


@pytest.mark.parametrize("slow", ["POST /edit_profile/about_me", "GET /login"])
def test_whoever_types_on_is_not_interrupted(member, proxy, site, slow):
    """Neither while the text is on its way nor while the form comes."""
    ana = member("ana", proxy, about_me="old")
    ana.allow(401)
    control = ana.edit("about_me")
    control.fill("half a thought")
    expect(ana.message("about_me")).to_have_text("Fine.")
    end_session(ana, site)
    proxy.rule("POST", "/edit_profile/about_me/check", held=True)
    proxy.rule(*slow.split(" "), held=True)
    with ana.page.expect_request(re.compile(slow.split(" ")[1])):
        ana.save("about_me")
    control.press_sequentially(" more")
    proxy.calm()
    expect(ana.toast("Please sign in")).to_be_visible()
    ana.settle()
    expect(control).to_have_value("half a thought more")
    expect(dialog(ana)).to_have_count(0)
    expect(control).to_be_focused()
    proxy.calm()
    ana.toast("Please sign in").get_by_role("button", name="Sign in").click()
    expect(dialog(ana)).to_be_visible()


def test_opening_an_editor_goes_on_by_itself(member, site):
    """Nothing is changed by it, so nothing needs to be asked."""
    ana = member("ana", about_me="old")
    ana.allow(401)
    end_session(ana, site)
    ana.block("about_me").locator(".field__edit").click()
    sign_in(ana)
    expect(ana.control("about_me")).to_be_focused()


def test_the_editor_of_the_name_under_the_dialog(member, site):
    """Both have a field for a username: each label, message and check keeps to its own."""
    ana = member("ana")
    ana.allow(401)
    new = f"new_{ana.name}"
    ana.edit("username").fill(new)
    expect(ana.message("username")).to_have_text("This name is free.")
    end_session(ana, site)
    ana.save("username")
    sign_in(ana, "wrong one")
    expect(ana.message("here-password")).to_contain_text("wrong")
    expect(ana.message("username")).to_have_text("This name is free.")
    sign_in(ana)
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("Username saved.")).to_be_visible()
    assert site.profile(new, "username") == new


def test_a_picture_stays_chosen(member, site):
    ana = member("ana")
    ana.allow(401)
    ana.edit("avatar").set_input_files(png("teal"))
    end_session(ana, site)
    ana.save("avatar")
    sign_in(ana)
    assert ana.control("avatar").evaluate("(input) => input.files[0].name") == "me.png"
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("Picture saved.")).to_be_visible()
    assert site.profile(ana.name, "avatar")


def test_an_undo_goes_on_after_signing_in(member, site):
    ana = member("ana", location="old")
    ana.allow(401)
    ana.edit("location").fill("new")
    ana.save("location")
    undo = ana.toast("Location saved.").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    end_session(ana, site)
    undo.click()
    sign_in(ana)
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("Location put back.")).to_be_visible()
    assert site.profile(ana.name, "location") == "old"


def test_the_form_of_everything(member, site):
    ana = member("ana", about_me="old")
    ana.go("/edit_profile").allow(401)
    ana.control("about_me").fill("half a thought")
    ana.control("location").fill("Bergen")
    end_session(ana, site)
    ana.page.get_by_role("button", name="Save").click()
    sign_in(ana)
    ana.toast("You are signed in again.").get_by_role("button", name="Send again").click()
    expect(ana.toast("Profile saved.")).to_be_visible()
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == ("half a thought", "Bergen")
