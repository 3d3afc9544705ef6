"""Toasts: they come, stay as long as they are needed, and are never in the way."""

import itertools

import pytest
from playwright.sync_api import expect

from tests.support.budget import few

STAY = 8000


@pytest.fixture
def saved(member):
    """Somebody who has just saved their location, on a page whose clock the test moves."""

    def make(**options):
        ana = member("ana", **options)
        ana.page.clock.install()
        ana.stop_the_clock()
        ana.at_home()
        ana.edit("location").fill("Bergen")
        ana.page.clock.run_for(100)  # what htmx leaves for later
        ana.save("location")
        expect(ana.toast("Location saved.")).to_be_visible()
        ana.page.clock.run_for(100)
        return ana

    return make


def fail(ana, proxy, fault="502"):
    """Save into a bad gateway; the error toast."""
    ana.allow(502, 500, 503)
    proxy.rule("POST", "/edit_profile/about_me", fault)
    ana.save("about_me")
    expect(ana.toast("not answering properly")).to_be_visible()


def overlaps(ana, css):
    """Whether a toast covers the element at `css`."""
    return ana.page.evaluate(
        """(css) => {
          const field = document.querySelector(css).getBoundingClientRect();
          return [...document.querySelectorAll(".toast")].some((toast) => {
            const box = toast.getBoundingClientRect();
            const across = box.width && box.left < field.right && box.right > field.left;
            return across && box.top < field.bottom && box.bottom > field.top;
          });
        }""",
        css,
    )


def test_a_success_leaves_by_itself(saved):
    ana = saved()
    ana.page.clock.run_for(STAY - 500)
    expect(ana.toast("Location saved.")).to_be_visible()
    ana.page.clock.run_for(1000)
    expect(ana.toast()).to_have_count(0)


def test_hovering_stops_the_clock(saved):
    ana = saved()
    ana.toast("Location saved.").hover()
    ana.page.clock.run_for(3 * STAY)
    expect(ana.toast("Location saved.")).to_be_visible()
    ana.page.mouse.move(640, 10)
    ana.page.clock.run_for(STAY + 1000)
    expect(ana.toast()).to_have_count(0)


def test_reaching_for_it_by_keyboard_stops_the_clock_and_dismissing_gives_the_focus_back(saved):
    ana = saved()
    pencil = ana.block("location").locator(".field__edit")
    expect(pencil).to_be_focused()
    for _ in range(12):
        ana.page.keyboard.press("Tab")
        if ana.toast().get_by_role("button", name="Undo").evaluate("(button) => button === document.activeElement"):
            break
    else:
        pytest.fail("Undo is not reached by keyboard")
    ana.page.clock.run_for(3 * STAY)
    expect(ana.toast("Location saved.")).to_be_visible()
    ana.page.keyboard.press("Escape")
    ana.page.clock.run_for(1000)
    expect(ana.toast()).to_have_count(0)
    assert ana.page.evaluate("document.activeElement !== document.body")


def test_dismissing_gives_the_focus_back_to_the_field(member, proxy):
    ana = member("ana", proxy)
    ana.edit("about_me").fill("half a thought")
    fail(ana, proxy)
    ana.put_caret("about_me", 4)
    ana.toast().get_by_role("button", name="Dismiss").click()
    expect(ana.toast()).to_have_count(0)
    expect(ana.control("about_me")).to_be_focused()
    assert ana.caret() == ["about_me", 4, 4]


def test_an_error_stays_and_equal_ones_become_one(member, proxy):
    ana = member("ana", proxy)
    ana.page.clock.install()
    ana.at_home()
    ana.edit("about_me").fill("half a thought")
    for _ in range(3):
        fail(ana, proxy)
        expect(ana.block("about_me").get_by_role("button", name="Save")).to_be_enabled()
    expect(ana.toast()).to_have_count(1)
    expect(ana.toast()).to_contain_text("×3")
    assert ana.toast().get_attribute("role") == "alert"
    ana.page.clock.run_for(10 * STAY)
    expect(ana.toast()).to_be_visible()


def test_different_ones_stand_together(member, proxy):
    ana = member("ana", proxy)
    ana.allow("net")
    ana.edit("about_me").fill("half a thought")
    fail(ana, proxy)
    proxy.rule("POST", "/edit_profile/about_me", "refuse")
    ana.save("about_me")
    expect(ana.toast("cannot be reached")).to_be_visible()
    expect(ana.toast()).to_have_count(2)
    ana.toast("cannot be reached").get_by_role("button", name="Dismiss").click()
    expect(ana.toast()).to_have_count(1)
    expect(ana.toast().get_by_role("button", name="Dismiss")).to_be_focused()


@pytest.mark.parametrize(
    ("edge", "screen"),
    few(
        itertools.product(["bottom", "middle", "top"], ["desktop", "phone"]),
        ("bottom", "phone"),
        ("middle", "desktop"),
        ("top", "phone"),
    ),
)
def test_it_never_covers_the_field_being_edited(member, proxy, screen, edge):
    """Wherever on the screen that field is."""
    ana = member("ana", proxy, screen=screen)
    ana.edit("about_me").fill("half a thought")
    ana.page.evaluate("""() => {
      const space = () => document.createElement("div");
      const [above, below] = [space(), space()];
      above.style.height = below.style.height = "1500px";
      document.querySelector(".profile").prepend(above);
      document.querySelector(".profile").append(below);
    }""")
    block = {"bottom": "end", "middle": "center", "top": "start"}[edge]
    ana.control("about_me").evaluate("(control, block) => control.scrollIntoView({ block })", block)
    fail(ana, proxy)
    assert not overlaps(ana, "#about_me")
    ana.control("about_me").click()
    assert not overlaps(ana, "form.editor")

    for other in ("start", "center", "end"):  # and goes out of the way of what is scrolled below it
        ana.control("about_me").evaluate("(control, block) => control.scrollIntoView({ block })", other)
        ana.page.wait_for_function(
            "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))))"
        )
        assert not overlaps(ana, "#about_me"), other


def push_down(ana):
    """Put so much space above the profile that it can be scrolled."""
    ana.page.evaluate("""() => {
      const above = document.createElement("div");
      above.style.height = "1500px";
      document.querySelector(".profile").prepend(above);
    }""")


def test_it_does_not_move_away_under_the_pointer(member, proxy):
    ana = member("ana", proxy, screen="phone")
    ana.edit("about_me").fill("half a thought")
    push_down(ana)
    fail(ana, proxy)
    ana.control("about_me").evaluate("(control) => control.scrollIntoView({ block: 'end' })")
    expect(ana.page.locator(".toasts")).to_have_attribute("data-edge", "top")
    before = ana.toast().bounding_box()
    ana.toast().get_by_role("button", name="Dismiss").focus()
    assert ana.toast().bounding_box() == before


def test_the_reference_can_be_copied(member, site):
    ana = member()
    ana.allow(500)
    ana.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ana.edit("about_me").fill("half a thought")
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    toast = ana.toast("Something broke")
    toast.get_by_role("button", name="Copy").click()
    expect(toast.get_by_role("button", name="Copied")).to_be_visible()
    reference = toast.locator("[data-reference]").inner_text()
    assert ana.page.evaluate("navigator.clipboard.readText()") == reference
    assert site.records_when(1, "request.failed", reference=reference)


def test_without_permission_the_reference_is_ready_to_be_copied_by_hand(visit):
    new = visit()
    new.allow(404)
    new.go("/nothing-here")
    new.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    new.page.get_by_role("button", name="Copy").click()
    expect(new.page.get_by_role("button", name="Selected")).to_be_visible()
    assert new.page.evaluate("getSelection().toString()") == new.page.locator("[data-reference]").inner_text()


def test_too_many_for_a_small_screen_are_folded(member, proxy, site):
    """All of them would cover what is being typed: the newest is in sight, the others when it is dismissed."""
    ana = member("ana", proxy, screen="narrow")
    ana.allow("net", 500)
    ana.edit("about_me").fill("half a thought")
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    expect(ana.toast("Something broke")).to_be_visible()
    fail(ana, proxy)
    proxy.rule("POST", "/edit_profile/about_me", "refuse")
    ana.save("about_me")
    expect(ana.toast("cannot be reached")).to_be_visible()
    assert not overlaps(ana, "#about_me")
    expect(ana.toast("Something broke")).to_be_hidden()
    expect(ana.page.locator(".toasts")).to_have_attribute("data-folded", "+2")
    for text in ("cannot be reached", "not answering", "Something broke"):
        ana.toast(text).get_by_role("button", name="Dismiss").click()
    expect(ana.toast()).to_have_count(0)
    expect(ana.control("about_me")).to_be_focused()


def test_equal_ones_that_come_at_the_same_moment_are_one(member):
    """As when a check while typing and the save itself are refused at once: neither takes the other along."""
    ana = member()
    ana.page.evaluate("""() => {
      const shape = document.getElementById("toast-shape").content.firstElementChild;
      const toasts = [shape.cloneNode(true), shape.cloneNode(true)];
      for (const toast of toasts) {
        toast.dataset.toast = "alike";
        toast.querySelector(".toast__words").textContent = "Please sign in";
      }
      document.getElementById("toasts").append(...toasts);
    }""")
    expect(ana.toast("Please sign in")).to_have_count(1)
    expect(ana.toast("×2")).to_be_visible()


@pytest.mark.parametrize("kind", ["another", "an equal one"])
def test_a_toast_that_comes_while_a_button_is_pressed_does_not_take_the_click_away(member, kind):
    ana = member()
    ana.edit("about_me").fill("half a thought")
    ana.page.evaluate("""() => {
      window.say = (code) => {
        const toast = document.getElementById("toast-shape").content.firstElementChild.cloneNode(true);
        toast.dataset.toast = code;
        toast.querySelector(".toast__words").textContent = code;
        document.getElementById("toasts").append(toast);
      };
      say("first");
      document.querySelector(".toast [data-dismiss]").addEventListener("click", () => (window.clicked = true));
    }""")
    ana.toast("first").get_by_role("button", name="Dismiss").hover()
    ana.page.mouse.down()
    ana.page.evaluate("say", "first" if kind == "an equal one" else "second")
    ana.page.evaluate("dispatchEvent(new Event('resize'))")
    ana.page.mouse.up()
    assert ana.page.evaluate("window.clicked"), "the click counts"
    expect(ana.toast("first" if kind == "an equal one" else "second")).to_be_visible()
    expect(ana.toast()).to_have_count(1)


def test_the_stack_keeps_its_edge_while_a_button_is_pressed(member, proxy):
    """Also where a pressed button takes no focus, as in Safari."""
    ana = member("ana", proxy, screen="phone")
    ana.edit("about_me").fill("half a thought")
    push_down(ana)
    ana.page.evaluate(
        "document.getElementById('toasts').addEventListener('mousedown', (event) => event.preventDefault())"
    )
    fail(ana, proxy)
    ana.control("about_me").focus()
    ana.control("about_me").evaluate("(control) => control.scrollIntoView({ block: 'start', behavior: 'instant' })")
    expect(ana.page.locator(".toasts")).to_have_attribute("data-edge", "bottom")
    ana.toast().get_by_role("button", name="Dismiss").hover()
    ana.page.mouse.down()
    ana.control("about_me").evaluate("(control) => control.scrollIntoView({ block: 'end', behavior: 'instant' })")
    ana.settle()
    ana.page.mouse.up()
    expect(ana.toast()).to_have_count(0)
