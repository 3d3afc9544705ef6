"""Signing out asks before it loses anything typed: keep it in this browser, discard it, or stay."""

import itertools
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENS
from tests.browser.test_drafts import BROKEN, THOUGHT, copies, end_session, expect_back, kept, note, sign_in, typing
from tests.browser.visitor import PASSWORD, sign_out_button
from tests.support.budget import few

POST = "Half a post, typed on the bus."
ANSWERS = ("Keep it on this device", "Discard and sign out", "Stay")
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine"


def button(visitor):
    return sign_out_button(visitor.page)


def question(visitor):
    return visitor.page.get_by_role("dialog", name="You have unsent text")


def answer(visitor, words):
    """Press Sign out, and one of the answers."""
    button(visitor).click()
    question(visitor).get_by_role("button", name=words).click()


def expect_signed_out(visitor):
    expect(visitor.toast("You are signed out.")).to_be_visible()
    expect(button(visitor)).to_have_count(0)


def composer(visitor):
    return visitor.page.locator("#composer-text")


@pytest.fixture
def writer(member):
    """Somebody at home with a post that is not sent."""

    def make(**options):
        ana = member("ana", **options).go("/")
        composer(ana).fill(POST)
        return ana

    return make


@pytest.mark.parametrize("screen", few(SCREENS, "desktop", "phone"))
def test_it_works(writer, screen):
    ana = writer(screen=screen)
    if screen != "desktop":
        expect(button(ana)).to_have_count(0)  # not in the bar, where a thumb hits it
        ana.page.locator(f'nav a[href="/user/{ana.name}"]').click()
        expect(ana.page).to_have_url(re.compile(f"/user/{ana.name}$"))
    button(ana).click()
    expect(question(ana)).to_contain_text("A post has not been sent.")
    expect(question(ana)).to_contain_text("Somebody else who uses this device could read it.")
    expect(question(ana).get_by_role("button")).to_have_text(ANSWERS)
    question(ana).get_by_role("button", name="Keep it on this device").click()
    expect_signed_out(ana)
    expect(question(ana)).to_have_count(0)
    sign_in(ana, ana.name)
    ana.go("/")
    expect(composer(ana)).to_have_value(POST)
    expect(note(ana)).to_be_visible()


def test_typed_at_this_very_moment(member):
    ana = member().go("/")
    ana.page.evaluate(
        """(text) => {
          const control = document.getElementById("composer-text");
          control.value = text;
          control.dispatchEvent(new Event("input", { bubbles: true }));
          document.getElementById("sign-out").requestSubmit();
        }""",
        POST,
    )
    expect(question(ana)).to_be_visible()
    question(ana).get_by_role("button", name="Keep it on this device").click()
    expect_signed_out(ana)
    assert POST in str(copies(ana))


def test_discard(writer):
    ana = writer()
    answer(ana, "Discard and sign out")
    expect_signed_out(ana)
    assert copies(ana) == {}
    sign_in(ana, ana.name)
    ana.go("/")
    expect(composer(ana)).to_have_value("")
    expect(note(ana)).to_have_count(0)


@pytest.mark.parametrize("way", ["Stay", "Escape"])
def test_stay(writer, way):
    ana = writer()
    for _ in range(2):  # it asks as often as it is pressed
        button(ana).focus()
        ana.page.keyboard.press("Enter")
        expect(question(ana).get_by_role("button", name="Stay")).to_be_focused()
        if way == "Stay":
            ana.page.keyboard.press("Enter")
        else:
            ana.page.keyboard.press("Escape")
        expect(question(ana)).to_have_count(0)
        expect(button(ana)).to_be_focused()
        expect(composer(ana)).to_have_value(POST)
    kept(ana, POST)
    ana.page.get_by_role("button", name="Post", exact=True).click()
    expect(ana.toast("Posted.")).to_be_visible()


def test_the_focus_stays_inside(writer):
    ana = writer()
    button(ana).click()
    for _ in range(6):
        ana.page.keyboard.press("Tab")
        assert ana.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )


def test_a_double_click_does_not_answer(writer):
    """The second click falls on whatever is there by then."""
    ana = writer()
    button(ana).evaluate("""(button) => button.addEventListener("click", () => setTimeout(() => {
      const { style } = document.querySelector("#unsent [value=discard]");
      const { x, y } = button.getBoundingClientRect();
      Object.assign(style, { position: "fixed", inset: `${y}px auto auto ${x}px` });
    }))""")
    button(ana).dblclick(delay=50)
    expect(question(ana)).to_be_visible()
    assert POST in str(copies(ana))


def test_another_member_neither_sees_it_nor_is_asked(writer, member):
    ana, bo = writer(), member("bo")
    answer(ana, "Keep it on this device")
    expect_signed_out(ana)
    sign_in(ana, bo.name)
    ana.go("/")
    expect(composer(ana)).to_have_value("")
    expect(note(ana)).to_have_count(0)
    button(ana).click()
    expect_signed_out(ana)
    sign_in(ana, ana.name)
    ana.go("/")
    expect(composer(ana)).to_have_value(POST)


@pytest.mark.parametrize("words", ANSWERS[:2])
def test_an_open_editor(member, words):
    ana = typing(member)
    answer(ana, words)
    expect_signed_out(ana)
    assert ana.asked_before_leaving == 0, "once is enough"
    if words == "Keep it on this device":
        sign_in(ana, ana.name)
        expect_back(ana)
    else:
        assert copies(ana) == {}


def test_it_names_all_there_is_in_this_browser(writer):
    ana = writer()
    kept(ana, POST)
    ana.at_home().edit("about_me").fill(THOUGHT)
    kept(ana)
    ana.block("about_me").get_by_role("link", name="Cancel").click()
    expect(ana.control("about_me")).to_have_count(0)
    ana.edit("location").fill("Bergen")
    kept(ana, "Bergen")
    assert len(copies(ana)) == 3
    ana.go("/explore")
    button(ana).click()
    expect(question(ana)).to_contain_text("A post and 2 changes to your profile have not been sent.")
    question(ana).get_by_role("button", name="Discard and sign out").click()
    expect_signed_out(ana)
    assert copies(ana) == {}


def test_nothing_is_asked_where_nothing_is_unsent(member):
    ana = typing(member)
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    ana.page.evaluate(
        "(name) => (localStorage[name] = 'damaged')", f"draft:{ana.page.evaluate('document.body.dataset.person')}:/post"
    )
    button(ana).click()
    expect_signed_out(ana)
    assert copies(ana) == {}


@pytest.mark.parametrize("how", few(BROKEN, "forbidden", "full"))
def test_what_cannot_be_kept_is_not_said_to_be(visit, how):
    ana = visit().register(f"no_room_{how}")
    ana.context.add_init_script(BROKEN[how])
    ana.go("/")
    composer(ana).fill(POST)
    button(ana).click()
    expect(question(ana)).to_contain_text("A post has not been sent.")
    expect(question(ana)).to_contain_text("This browser cannot keep it: signing out loses it.")
    expect(question(ana).get_by_role("button")).to_have_text(ANSWERS[1:])
    question(ana).get_by_role("button", name="Stay").click()
    expect(composer(ana)).to_have_value(POST)
    answer(ana, "Discard and sign out")
    expect_signed_out(ana)


def test_a_text_that_has_no_copy(member, site):
    """The reason of a decision is in no form that is kept."""
    mo, bo = member("mo"), member("bo")
    site.stored("UPDATE users SET role = 'moderator' WHERE username = ?", mo.name)
    mo.go(f"/moderation/user/{site.profile(bo.name, 'id')}").page.get_by_label("Why").fill("After two warnings")
    button(mo).click()
    expect(question(mo)).to_contain_text("A note has not been sent.")
    expect(question(mo).get_by_role("button")).to_have_text(ANSWERS[1:])
    question(mo).get_by_role("button", name="Discard and sign out").click()
    expect_signed_out(mo)


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ended", "in another tab"])
def test_the_session_has_ended_already(writer, site, how):
    ana = writer()
    ana.allow(400)
    kept(ana, POST)
    if how == "ended":
        end_session(site, ana)
    else:
        page, ana.page = ana.page, ana.context.new_page()
        answer(ana.go("/explore"), "Keep it on this device")
        expect_signed_out(ana)
        ana.page = page
    expect(composer(ana)).to_have_value(POST)
    with ana.page.expect_navigation():
        answer(ana, "Keep it on this device")
    sign_in(ana, ana.name)
    ana.go("/")
    expect(composer(ana)).to_have_value(POST)


def test_the_server_is_down(member, proxy):
    ana = member("ana", proxy).go("/")
    ana.allow("net")
    composer(ana).fill(POST)
    proxy.rule("POST", "/logout", "refuse")
    answer(ana, "Keep it on this device")
    expect(ana.page).to_have_url("chrome-error://chromewebdata/")  # `wait_for_url` raises for a page that failed
    proxy.calm()
    ana.go("/")
    expect(composer(ana)).to_have_value(POST)
    expect(note(ana)).to_be_visible()
    expect(button(ana)).to_be_visible()


def test_after_signing_in_over_the_page(member, site):
    """The navigation, and its form with it, is another one then; the button on the profile sends that."""
    ana = member("ana", about_me="old", screen="phone")
    ana.allow(401)
    ana.edit("about_me").fill(THOUGHT)
    end_session(site, ana)
    ana.save("about_me")
    ana.control("here-password").fill(PASSWORD)
    ana.page.keyboard.press("Enter")
    expect(ana.toast("You are signed in again.")).to_be_visible()
    expect(ana.page.locator(".toast")).to_have_count(1)  # the other one has left, and lies over nothing
    answer(ana, "Keep it on this device")
    expect_signed_out(ana)


# --- where it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "javascript"),
    few(
        itertools.product(
            ["/edit_profile", "/settings/notifications", "/settings/locale", "/settings/people", ""], [True, False]
        ),
        ("/edit_profile", True),
        ("/settings/people", False),
        ("", True),
        ("", False),
    ),
)
def test_on_phones_it_is_in_the_settings_and_on_the_profile(member, path, javascript):
    ana = member("ana", screen="narrow", javascript=javascript)
    ana.go(path or f"/user/{ana.name}")
    button(ana).click()
    expect(ana.toast("You are signed out.")).to_be_visible()


@pytest.mark.parametrize(("role", "places"), [("member", 4), ("moderator", 5), ("administrator", 6)])
def test_the_bar_of_a_phone_holds_what_everybody_has(member, site, role, places):
    ana = member("ana", screen="phone", display_name=LONG_NAME)
    site.stored("UPDATE users SET role = ?, unread = 120 WHERE username = ?", role, ana.name)
    for width in (390, 320):
        ana.page.set_viewport_size({"width": width, "height": 640})
        boxes = [link.bounding_box() for link in ana.go("/").page.locator(".nav__item:visible").all()]
        assert len(boxes) == places
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes), boxes
        assert all(here["x"] + here["width"] <= there["x"] for here, there in pairwise(boxes)), boxes
        assert ana.page.evaluate("document.scrollingElement.scrollWidth") == width
