"""F31, F32: the server stops, hangs, goes away in the middle, or somebody else answers for it: every word stays."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.site import VisitedSite
from tests.browser.visitor import Visitor


@pytest.fixture
def own_site(tmp_path):
    """One that may be stopped."""
    running = VisitedSite(tmp_path).start()
    yield running
    running.stop()


def expect_saved_after_all(ana, site, text="half a thought"):
    """What was typed is still there, and Save works now."""
    expect(ana.control("about_me")).to_have_value(text)
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == text


def typing(member, proxy):
    ana = member("ana", proxy)
    ana.edit("about_me").fill("half a thought")
    expect(ana.message("about_me")).to_have_text("Fine.")
    return ana


@pytest.mark.fault(31)
def test_stopped_and_started_again(visit, own_site):
    ana = visit(own_site).register("ana").at_home()
    ana.allow("net")
    ana.edit("about_me").fill("half a thought")
    title = ana.page.title()
    own_site.stop()
    ana.save("about_me")
    expect(ana.toast("The site cannot be reached")).to_contain_text("What you typed is still here.")
    expect(ana.block("about_me").get_by_role("button", name="Save")).to_be_enabled()
    expect(ana.control("about_me")).to_be_focused()
    assert ana.page.title() == title
    own_site.start()
    expect_saved_after_all(ana, own_site)


def test_offline(member, proxy, site):
    ana = typing(member, proxy)
    ana.allow("net")
    ana.context.set_offline(True)
    ana.save("about_me")
    expect(ana.toast("You are offline")).to_be_visible()
    ana.context.set_offline(False)
    expect_saved_after_all(ana, site)


@pytest.mark.parametrize("fault", ["refuse", "cut", "lost"])
def test_the_connection_breaks(member, proxy, site, fault):
    """And the question what became of it gets no answer either; see tests/browser/test_did_it_go_through.py."""
    ana = typing(member, proxy)
    ana.allow("net")
    title = ana.page.title()
    proxy.rule("POST", "/edit_profile/about_me", fault)
    asked = proxy.rule("GET", "/outcome", "refuse")
    ana.save("about_me")
    expect(ana.toast("The site cannot be reached")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("half a thought")
    assert ana.page.title() == title
    proxy.rules.remove(next(rule for rule in proxy.rules if rule is not asked))
    # The change may have arrived although its answer did not: saving it again is no conflict with oneself.
    ana.save("about_me")
    expect(ana.toast(re.compile("About me (saved|is saved already)"))).to_be_visible()
    expect(ana.toast("The site cannot be reached")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "half a thought"


def test_a_lost_answer_and_other_words_since(member, proxy, site):
    """The change had arrived, its answer had not: the next words are no conflict with oneself."""
    ana = typing(member, proxy)
    ana.allow("net")
    lost = proxy.rule("POST", "/edit_profile/about_me", "lost")
    proxy.rule("GET", "/outcome", "refuse")
    ana.save("about_me")
    expect(ana.toast("The site cannot be reached")).to_be_visible()
    proxy.rules.remove(lost)
    ana.control("about_me").fill("a whole thought")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.control("about_me")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "a whole thought"


def test_what_the_browser_sends_again_by_itself_is_saved_once(member, proxy, site):
    """Chromium repeats a request whose kept-alive connection breaks before any answer, a POST too."""
    ana = typing(member, proxy)
    rule = proxy.rule("POST", "/edit_profile/about_me", "lost", times=1)
    ana.save("about_me")
    expect(ana.toast("About me saved.").get_by_role("button", name="Undo")).to_be_visible()
    expect(ana.block("about_me").locator(".field__value")).to_have_text("half a thought")
    assert (rule.seen, site.profile(ana.name, "version")) == (1, 2)


@pytest.mark.fault(32)
@pytest.mark.slow
def test_hanging(member, proxy, site):
    ana = typing(member, proxy)
    ana.allow("net")
    proxy.rule("POST", "/edit_profile/about_me", "hang", times=1)
    ana.save("about_me")
    expect(ana.toast("That took too long")).to_be_visible()
    proxy.calm()
    expect_saved_after_all(ana, site)


def test_a_live_check_that_fails_says_nothing(member, proxy):
    """It is a courtesy; Save will tell."""
    ana = member("ana", proxy)
    ana.allow(502, "net")
    for fault in ("502", "refuse"):
        check = proxy.rule("POST", "/edit_profile/about_me/check", fault)
        control = ana.control("about_me") if ana.control("about_me").count() else ana.edit("about_me")
        control.press_sequentially("a")
        ana.until(lambda rule=check: rule.seen)
        ana.settle()
        expect(ana.toast()).to_have_count(0)
        expect(ana.message("about_me")).to_have_count(1)


def test_a_failure_of_ours_is_a_toast_with_its_reference(member, site: VisitedSite):
    """A real bug, in the middle of a save: the log's record bears the reference that the toast shows."""
    ana: Visitor = member("ana")
    ana.allow(500)
    ana.edit("about_me").fill("half a thought")
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    toast = ana.toast("Something broke on our side")
    expect(toast).to_be_visible()
    shown = toast.locator("[data-reference]").inner_text()
    assert [r["reference"] for r in site.records_when(1, "request.failed", reference=shown)] == [shown]
    site.stored("UPDATE users SET edits = json('{}') WHERE username = ?", ana.name)
    expect_saved_after_all(ana, site)
