"""Too fast, too busy, too slow: the page says how long, and sends the very request again at the press of a button."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.site import VisitedSite
from tests.browser.test_edit_in_place import png
from tests.browser.visitor import PASSWORD

ABOUT = "/edit_profile/about_me"
# Every change that a screen reader would read out: text in a live region that is not hidden from it.
LISTEN = """() => {
  window.heard = [];
  const at = (node, css) => (node.nodeType === 1 ? node : node.parentElement)?.closest(css);
  const silent = (node) => at(node, "[aria-hidden=true], [hidden]") || !node.textContent.trim();
  new MutationObserver((records) => {
    for (const { target, addedNodes, type } of records) {
      if (!at(target, "[role=alert], [role=status], #toasts")) continue;
      const nodes = type === "characterData" ? [target] : [...addedNodes];
      heard.push(...nodes.filter((node) => !silent(node)).map((node) => node.textContent.trim()));
    }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


def again(ana, text=""):
    return ana.toast(text).get_by_role("button", name=re.compile("^(Try|Send) again$"))


def primary(ana, field="about_me"):
    return ana.block(field).locator(".button--primary")


@pytest.fixture
def typing(member, proxy):
    """Somebody with half a thought in the editor, on a page whose clock the test moves."""

    def make(*allowed, **options):
        ana = member("ana", proxy, about_me="old", **options)
        ana.allow(*allowed)
        ana.page.clock.install()
        ana.at_home()
        ana.edit("about_me").fill("half a thought")
        expect(ana.message("about_me")).to_have_text("Fine.")  # no check is under way when the clock jumps
        return ana

    return make


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_a_countdown_and_then_the_very_request(typing, proxy, site, screen):
    ana = typing(503, screen=screen)
    proxy.rule("POST", ABOUT, "busy:85")
    box = primary(ana).bounding_box()
    ana.page.evaluate(LISTEN)
    ana.save("about_me")
    toast = ana.toast("not answering properly")
    expect(toast).to_contain_text(re.compile(r"Try again in [78]\d seconds\."))
    expect(again(ana)).to_be_hidden()
    expect(primary(ana)).to_have_attribute("data-wait", re.compile(r"^\d\d s$"))
    expect(ana.block("about_me").get_by_role("button", name="Save", exact=True)).to_be_enabled()
    assert primary(ana).bounding_box() == box, "nothing jumps"
    expect(ana.page.locator("[aria-busy]")).to_have_count(0)

    ana.page.clock.run_for(20_000)
    expect(toast).to_contain_text(re.compile(r"Try again in [1-6]\d seconds\."))
    heard = ana.page.evaluate("heard.length")
    ana.page.clock.run_for(15_000)
    assert ana.page.evaluate(f"heard.slice({heard})") == [], "counting is not read out"
    ana.page.clock.run_for(50_000)
    expect(toast).to_contain_text("You can try again now.")
    assert ana.page.evaluate(f"heard.slice({heard})") == ["You can try again now."]
    expect(primary(ana)).to_have_attribute("data-wait", "ready")
    expect(ana.control("about_me")).to_have_value("half a thought")

    proxy.calm()
    again(ana).click()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(toast).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_minutes_are_told_as_minutes(typing, proxy):
    ana = typing(503)
    proxy.rule("POST", ABOUT, "busy:900")
    ana.save("about_me")
    expect(ana.toast()).to_contain_text("Try again in 15 minutes.")
    expect(primary(ana)).to_have_attribute("data-wait", "15 min")
    ana.page.clock.fast_forward(13 * 60_000 + 45_000)
    expect(ana.toast()).to_contain_text(re.compile(r"Try again in \d\d seconds\."))


def test_the_database_is_busy(typing, site):
    """Ours: 503 with its Retry-After and a reference, then saved by the button."""
    ana = typing(503)
    with site.locked():
        with ana.page.expect_response(f"**{ABOUT}") as answered:
            ana.save("about_me")
        assert answered.value.headers["retry-after"] == "2"
        toast = ana.toast("The site needs a moment")
        expect(toast.locator("[data-reference]")).to_be_visible()
    expect(toast).to_contain_text("You can try again now.")
    again(ana).click()
    expect(ana.toast("About me saved.")).to_be_visible()


def test_the_real_throttle(visit, site):
    """F52 in the browser: after too many wrong passwords the button waits; then it is the same form that is sent."""
    name = visit().register("throttled_one").name
    new = visit()
    new.allow(401, 429)
    new.page.clock.install()
    new.go("/login")
    site.stored("INSERT INTO throttle_buckets VALUES (?, 99, datetime('now', '+10 minutes'))", f"login:{name}")
    new.control("username").fill(name)
    new.control("password").fill("wrong one")
    new.page.keyboard.press("Enter")
    expect(new.message("password")).to_contain_text("wrong")  # that was the hundredth
    new.page.keyboard.press("Enter")
    toast = new.toast("That was a little fast")
    expect(toast).to_contain_text("too many wrong passwords for this name")
    expect(toast).to_contain_text("Try again in 10 minutes.")
    new.control("password").fill(PASSWORD)
    new.page.clock.fast_forward(8 * 60_000)
    expect(toast).to_contain_text(re.compile("Try again in 2 minutes."))
    new.page.clock.fast_forward(3 * 60_000)
    expect(toast).to_contain_text("You can try again now.")
    site.stored("DELETE FROM throttle_buckets WHERE key = ?", f"login:{name}")  # as time has, on its own clock
    again(new).click()
    expect(new.page).to_have_url(re.compile(f"/user/{name}$"))
    assert "wrong one" not in site.log_text()


def test_guessing_until_the_limit(visit, tmp_path):
    """F52 with the limit as it is by default: the words are real, only the clock of the page is turned."""
    own = VisitedSite(tmp_path, MICROBLOG_SECURITY__LOGIN_ATTEMPTS="10", MICROBLOG_SERVER__WORKERS="4").start()
    try:
        ana, bo = (visit(own).register(name).name for name in ("ana", "bob"))
        new = visit(own)
        new.allow(401, 429)
        new.page.clock.install()
        new.go("/login").control("username").fill(ana)
        for number in range(11):
            new.control("password").fill(f"canary-guess-{number}")
            with new.page.expect_response(re.compile("/login$")):
                new.page.keyboard.press("Enter")
            expect(new.page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
        toast = new.toast("That was a little fast")
        expect(toast).to_contain_text("Try again in 15 minutes.")
        expect(again(new)).to_be_hidden()
        new.page.clock.fast_forward(14 * 60_000)
        expect(toast).to_contain_text(re.compile(r"Try again in \d\d seconds\."))
        # The limit is ana's: somebody else at the same screen is let in meanwhile.
        new.control("username").fill(bo)
        new.control("password").fill(PASSWORD)
        new.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(new.page).to_have_url(re.compile(f"/user/{bo}$"))
        assert (len(own.records("sign_in.failed")), len(own.records("sign_in.throttled"))) == (10, 1)
        assert "canary-guess" not in own.log_text()
    finally:
        own.stop()


def test_a_failure_of_ours_offers_it_too(typing, site):
    ana = typing(500)
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    expect(ana.toast("Something broke on our side")).to_be_visible()
    with ana.page.expect_response(lambda answer: answer.status == 500):
        again(ana).click()
    expect(ana.toast("Something broke on our side")).to_be_visible()
    site.stored("UPDATE users SET edits = json('{}') WHERE username = ?", ana.name)
    again(ana).focus()
    ana.page.keyboard.press("Enter")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_what_went_through_needs_no_button(typing, proxy):
    ana = typing("net")
    proxy.rule("POST", ABOUT, "refuse")
    ana.save("about_me")
    expect(again(ana, "cannot be reached")).to_be_visible()
    proxy.calm()
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(again(ana)).to_have_count(0)


def test_offline_and_online_again(typing, site):
    ana = typing("net")
    ana.context.set_offline(True)
    ana.save("about_me")
    expect(again(ana, "You are offline")).to_be_visible()
    ana.context.set_offline(False)
    expect(ana.toast("You are online again")).to_contain_text("Now it can be sent.")
    again(ana, "online again").click()
    expect(ana.toast("About me saved.")).to_be_visible()


def test_a_picture_stays_chosen(typing, proxy, site):
    ana = typing("net", 502)
    ana.edit("avatar").set_input_files(png("teal"))
    proxy.rule("POST", "/edit_profile/avatar", "502", times=2)
    ana.save("avatar")
    again(ana, "not answering").click()
    expect(again(ana, "not answering")).to_be_visible()
    assert ana.control("avatar").evaluate("(input) => input.files[0].name") == "me.png"
    again(ana).click()
    expect(ana.toast("Picture saved.")).to_be_visible()
    assert site.profile(ana.name, "avatar")


def test_the_button_that_was_pressed_is_the_one_that_is_sent(typing, proxy, site):
    ana = typing(502)
    ana.edit("avatar").set_input_files(png("teal"))
    ana.save("avatar")
    expect(ana.toast("Picture saved.")).to_be_visible()
    ana.edit("avatar")
    proxy.rule("POST", "/edit_profile/avatar/remove", "502", times=1)
    ana.block("avatar").get_by_role("button", name="Remove").click()
    again(ana, "not answering").click()
    expect(ana.block("avatar").locator("img")).to_have_attribute("src", re.compile(r"\.svg$"))
    assert not site.profile(ana.name, "avatar")


def test_an_undo_waits_for_as_long_as_it_is_needed(typing, proxy, site):
    ana = typing("net")
    ana.save("about_me")
    undo = ana.toast("About me saved.")
    expect(undo).to_be_visible()
    proxy.rule("POST", ABOUT, "refuse")
    undo.get_by_role("button", name="Undo").click()
    expect(again(ana, "cannot be reached")).to_be_visible()
    ana.page.mouse.move(640, 10)  # who points at it keeps it anyway
    ana.page.clock.run_for(30_000)
    expect(undo).to_be_visible()
    proxy.calm()
    again(ana).click()
    expect(ana.toast("About me put back.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == "old"


def test_two_that_failed_alike_are_both_sent(typing, proxy, site):
    ana = typing(502)
    ana.edit("location").fill("Bergen")
    for field in ("about_me", "location"):
        proxy.rule("POST", f"/edit_profile/{field}", "502")
        ana.save(field)
        expect(ana.toast("not answering")).to_be_visible()
    expect(ana.toast("×2")).to_be_visible()
    proxy.calm()
    again(ana).click()
    expect(ana.toast("Location saved.")).to_be_visible()
    expect(ana.toast("About me saved.")).to_be_visible()
    assert (site.profile(ana.name, "about_me"), site.profile(ana.name, "location")) == ("half a thought", "Bergen")


def test_an_editor_that_did_not_open(typing, proxy):
    ana = typing(502)
    proxy.rule("GET", "/edit_profile/location", "502", times=1)
    ana.block("location").locator("a[hx-get]").click()
    again(ana, "not answering").click()
    expect(ana.control("location")).to_be_focused()


def test_nothing_left_to_send(typing, proxy):
    ana = typing(502)
    proxy.rule("POST", ABOUT, "502", times=1)
    ana.save("about_me")
    expect(again(ana)).to_be_visible()
    ana.block("about_me").get_by_role("link", name="Cancel").click()
    expect(ana.control("about_me")).to_have_count(0)
    again(ana).click()
    expect(ana.toast("There is nothing left to send")).to_be_visible()


# Slow answers


def test_quick_answers_say_nothing(typing):
    ana = typing()
    ana.stop_the_clock()
    ana.page.evaluate(LISTEN)
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    ana.page.clock.run_for(6_000)
    assert [text for text in ana.page.evaluate("heard") if "…" in text or text == "Done."] == []


def test_slow_then_long_then_saved(typing, proxy, site):
    ana = typing()
    ana.stop_the_clock()
    proxy.rule("POST", ABOUT, held=True)
    block, line = ana.block("about_me"), ana.page.locator(".is-slow")
    box = block.bounding_box()
    ana.page.evaluate(LISTEN)
    ana.save("about_me")
    expect(block).to_have_attribute("aria-busy", "true")
    expect(line).to_have_count(0)
    ana.page.clock.run_for(1_100)
    expect(line).to_have_count(1)
    assert block.bounding_box() == box, "nothing jumps"
    assert line.evaluate("(block) => getComputedStyle(block, '::before').animationName") == "none", "reduced motion"
    expect(ana.page.get_by_role("status")).to_have_text("Saving …")
    expect(primary(ana)).to_have_text(re.compile("Saving …"))
    ana.page.clock.run_for(4_000)
    expect(ana.toast("Still working …")).to_contain_text("What you typed is safe here.")
    ana.page.clock.run_for(3_000)
    expect(ana.toast("Still working …")).to_be_visible()
    heard = ana.page.evaluate("heard")
    assert heard.count("Saving …") == 1
    assert len([text for text in heard if "Still working" in text]) == 1

    ana.page.clock.resume()
    proxy.calm()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.toast("Still working …")).to_have_count(0)
    expect(line).to_have_count(0)
    expect(ana.page.locator("[aria-busy]")).to_have_count(0)
    expect(ana.page.get_by_role("status")).to_have_text("")
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_a_slow_editor_tells_its_end(typing, proxy):
    """No toast comes with it, so the region says it."""
    ana = typing()
    proxy.rule("GET", "/edit_profile/location", held=True)
    ana.page.evaluate(LISTEN)
    ana.block("location").locator("a[hx-get]").click()
    ana.page.clock.run_for(1_100)
    expect(ana.page.get_by_role("status")).to_have_text("Loading …")
    proxy.calm()
    expect(ana.control("location")).to_be_visible()
    expect(ana.page.get_by_role("status")).to_have_text("Done.")
    assert [text for text in ana.page.evaluate("heard") if text in ("Loading …", "Done.")] == ["Loading …", "Done."]


def test_a_live_check_is_not_busy(typing, proxy):
    ana = typing()
    proxy.rule("POST", f"{ABOUT}/check", held=True)
    ana.control("about_me").press_sequentially("!")
    ana.page.clock.run_for(400)
    expect(ana.page.locator(".control__input.htmx-request")).to_have_count(1)
    ana.page.clock.run_for(1_100)
    expect(ana.page.locator("[aria-busy], .is-slow")).to_have_count(0)
