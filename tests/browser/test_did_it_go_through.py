"""After a silence the page asks what became of the form, and says it in the same toast."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.proxy import Proxy
from tests.browser.site import VisitedSite
from tests.browser.visitor import PASSWORD, sign_out_button

KEPT = "What you typed is still here."


def typing(member, proxy, text="half a thought"):
    ana = member("ana", proxy)
    ana.allow("net", 502)
    ana.edit("about_me").fill(text)
    expect(ana.message("about_me")).to_have_text("Fine.")
    return ana


def saves(site, ana):
    return len(site.records("profile.saved", user_id=site.profile(ana.name, "id")))


@pytest.mark.parametrize("fault", ["lost", "cut"])
def test_the_answer_was_lost(member, proxy, site, fault):
    ana = typing(member, proxy)
    proxy.rule("POST", "/edit_profile/about_me", fault)
    ana.save("about_me")
    expect(ana.toast("Looking whether it was saved")).to_contain_text(KEPT)
    proxy.calm()
    toast = ana.toast("About me saved.")
    expect(toast).to_contain_text("It was saved; only the answer had been lost.")
    expect(ana.toast()).to_have_count(1)
    expect(ana.control("about_me")).to_have_count(0)
    expect(ana.block("about_me").locator(".field__value")).to_have_text("half a thought")
    assert (saves(site, ana), site.profile(ana.name, "version")) == (1, 2)
    toast.get_by_role("button", name="Undo").click()
    expect(ana.toast("About me put back.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == ""


def test_what_was_typed_meanwhile_stays_and_is_no_conflict(member, proxy, site):
    ana = typing(member, proxy)
    proxy.rule("POST", "/edit_profile/about_me", "lost")
    ana.save("about_me")
    expect(ana.toast("Looking whether it was saved")).to_contain_text(KEPT)
    ana.control("about_me").press_sequentially(", and the rest")
    proxy.calm()
    expect(ana.toast("About me saved.")).to_contain_text("It was saved")
    expect(ana.control("about_me")).to_have_value("half a thought, and the rest")
    assert site.profile(ana.name, "about_me") == "half a thought"
    ana.save("about_me")
    expect(ana.control("about_me")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "half a thought, and the rest"
    assert (saves(site, ana), site.profile(ana.name, "version")) == (2, 3)


def test_answers_that_are_lost_again_and_again_leave_one_button(member, proxy, site):
    ana = typing(member, proxy)
    proxy.rule("POST", "/edit_profile/about_me", "lost")
    ana.save("about_me")
    ana.until(lambda: ana.asked.count("POST /edit_profile/about_me") > 2)
    ana.settle()
    expect(ana.toast("Looking whether it was saved").get_by_role("button", name="Send again")).to_have_count(1)
    proxy.calm()
    expect(ana.toast("About me saved.")).to_contain_text("It was saved")
    assert (saves(site, ana), site.profile(ana.name, "version")) == (1, 2)


@pytest.mark.parametrize("fault", ["refuse", "502"])
def test_the_request_was_lost(member, proxy, site, fault):
    ana = typing(member, proxy)
    proxy.rule("POST", "/edit_profile/about_me", fault)
    ana.save("about_me")
    toast = ana.toast("It was not saved.")
    expect(toast).to_contain_text(KEPT)
    expect(ana.control("about_me")).to_have_value("half a thought")
    assert site.profile(ana.name, "about_me") == ""
    proxy.calm()
    ana.control("about_me").press_sequentially(", whole now")
    toast.get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.toast()).to_have_count(1)
    expect(ana.control("about_me")).to_have_count(0)
    assert site.profile(ana.name, "about_me") == "half a thought, whole now"


def test_sent_again_by_hand_while_it_is_still_looking(member, proxy, site):
    ana = typing(member, proxy)
    proxy.rule("GET", "/outcome", "refuse")
    lost = proxy.rule("POST", "/edit_profile/about_me", "lost")
    ana.save("about_me")
    expect(ana.toast("Looking whether it was saved")).to_be_visible()
    lost.times = 0
    ana.control("about_me").fill("a whole thought")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.page.locator(".conflict")).to_have_count(0)
    expect(ana.toast()).to_have_count(1)
    assert site.profile(ana.name, "about_me") == "a whole thought"


def test_offline_and_back(member, proxy, site):
    ana = typing(member, proxy)
    ana.context.set_offline(True)
    ana.save("about_me")
    expect(ana.toast("You are offline")).to_contain_text(KEPT)
    ana.context.set_offline(False)
    expect(ana.toast("It was not saved.")).to_be_visible()
    ana.toast().get_by_role("button", name="Send again").click()
    expect(ana.toast("About me saved.")).to_be_visible()


@pytest.mark.parametrize("path", ["/register", "/login"])
def test_an_account_whose_answer_was_lost(visit, proxy, site, path):
    """The cookie was lost with the answer: asking ends signed in all the same, with one account and one session."""
    name = f"lost_{path.strip('/')}"
    new = visit(proxy)
    new.allow("net")
    if path == "/login":
        visit().register(name)
    proxy.rule("POST", path, "lost")
    new.go(path)
    new.control("username").fill(name)
    if path == "/register":
        new.control("email").fill("lost@example.org")
    new.control("password").fill(PASSWORD)
    sessions = site.stored("SELECT count(*) FROM sessions")
    new.page.get_by_role("button", name=re.compile("Create account|Sign in")).click()
    expect(new.toast("Looking whether it was saved")).to_be_visible()
    proxy.calm()
    expect(new.page).to_have_url(re.compile(f"/user/{name}$"))
    expect(sign_out_button(new.page)).to_be_visible()
    assert site.stored("SELECT count(*) FROM users WHERE username = ?", name) == 1
    assert site.stored("SELECT count(*) FROM sessions") == sessions + 1


def test_the_form_of_everything(member, proxy, site):
    ana = member("ana", proxy)
    ana.allow("net")
    ana.go("/edit_profile")
    ana.control("location").fill("Bergen")
    proxy.rule("POST", "/edit_profile", "lost")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Looking whether it was saved")).to_be_visible()
    proxy.calm()
    expect(ana.page).to_have_url(re.compile("/user/ana"))
    expect(ana.toast("Profile saved.")).to_be_visible()
    assert (saves(site, ana), site.profile(ana.name, "location")) == (1, "Bergen")


@pytest.mark.parametrize("arrived", [True, False])
def test_the_server_was_killed(visit, tmp_path, arrived):
    """SIGKILL between the change and its answer, or before the change; the page finds out once it is there again."""
    site = VisitedSite(tmp_path).start()
    proxy = Proxy(site.url)
    try:
        ana = visit(proxy).register("ana").at_home()
        ana.allow("net")
        ana.edit("about_me").fill("half a thought")
        proxy.rule("GET", "/outcome", held=True)  # refused at once, the page would give up while a slow site starts
        proxy.rule("POST", "/edit_profile/about_me", "lost" if arrived else "refuse")
        ana.save("about_me")
        expect(ana.toast("Looking whether it was saved")).to_be_visible()
        site.kill()
        proxy.calm()
        site.start()
        if arrived:
            expect(ana.toast("About me saved.")).to_contain_text("It was saved", timeout=120_000)
        else:
            expect(ana.toast("It was not saved.")).to_be_visible(timeout=120_000)
            ana.toast().get_by_role("button", name="Send again").click()
        expect(ana.control("about_me")).to_have_count(0)
        assert (site.profile("ana", "about_me"), site.profile("ana", "version")) == ("half a thought", 2)
    finally:
        proxy.close()
        site.stop()


@pytest.mark.parametrize("javascript", [True, False])
def test_back_and_the_same_form_again(member, site, javascript):
    """The form as the browser kept it, sent once more; and the answer reloaded, which sends it too."""
    ana = member("ana", javascript=javascript)
    ana.go("/edit_profile/location").control("location").fill("Bergen")
    form = ana.page.locator("form.editor")
    sent = form.evaluate("(form) => [...new FormData(form)]")
    ana.save("location")
    expect(ana.toast("Location saved.")).to_be_visible()
    for _ in range(2):
        # What a browser sends that restored the old page, whatever its cache does with no-store.
        answer = ana.context.request.post(
            f"{ana.base}/edit_profile/location",
            form=dict(sent),
            headers={"Referer": f"{ana.base}/edit_profile/location", "Origin": ana.base},
        )
        assert "Location saved." in answer.text()
    ana.page.go_back()
    assert (saves(site, ana), site.profile(ana.name, "version")) == (1, 2)


@pytest.mark.parametrize("way", ["double click", "enter"])
def test_impatience_without_javascript(member, proxy, site, way):
    """However many of them the browser sends."""
    ana = member("ana", proxy, javascript=False)
    ana.go("/edit_profile/location").control("location").fill("Bergen")
    proxy.rule("POST", "/edit_profile/location", held=True)
    if way == "enter":
        for _ in range(5):
            ana.page.keyboard.press("Enter")
    else:
        ana.block("location").get_by_role("button", name="Save").dblclick()
    proxy.calm()
    expect(ana.toast("Location saved.")).to_be_visible()
    assert (saves(site, ana), site.profile(ana.name, "version")) == (1, 2)
