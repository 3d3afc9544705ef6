"""What is typed has a copy in this browser: there again after a closed tab, a crash, an ended session, a deploy."""

import json
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.browser.conftest import QUIET, chromium_path
from tests.browser.site import VisitedSite
from tests.browser.test_edit_in_place import png
from tests.browser.visitor import PASSWORD, Visitor, sign_out_button
from tests.support.budget import few

RESTORED = "Restored what you typed at"
THOUGHT = "half a thought"


def copies(visitor):
    """Everything the browser's storage holds."""
    return visitor.page.evaluate("({ ...localStorage })")


def kept(visitor, text=THOUGHT):
    """Wait until a copy of `text` is in storage."""
    visitor.page.wait_for_function(
        "(text) => Object.values(localStorage).some((kept) => kept.includes(JSON.stringify(text)))", arg=text
    )


def note(visitor, words=RESTORED):
    """The line in a form that tells of a draft."""
    return visitor.page.locator(".draft").filter(has_text=words)


def typing(member, field="about_me", text=THOUGHT, **options):
    ana = member("ana", **options)
    ana.edit(field).fill(text)
    kept(ana, text)
    return ana


def another_tab(visitor, path):
    """Close the tab as a crash does, and come back in a new one."""
    visitor.page.close(run_before_unload=False)
    visitor.page = visitor.context.new_page()
    return visitor.go(path)


def expect_back(visitor, field="about_me", text=THOUGHT):
    expect(visitor.control(field)).to_have_value(text)
    expect(note(visitor)).to_be_visible()


def test_it_works(member, site):
    ana = typing(member, about_me="old")
    another_tab(ana, f"/user/{ana.name}")
    expect_back(ana)
    assert ana.page.evaluate("document.activeElement.tagName") == "BODY", "it opened by itself, and took no focus"
    expect(ana.page.locator("[data-counter=about_me]")).to_have_text(str(140 - len(THOUGHT)))
    expect(ana.message("about_me")).to_have_text("Fine.")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == THOUGHT
    assert copies(ana) == {}
    ana.at_home()
    expect(ana.control("about_me")).to_have_count(0)
    assert ana.asked_before_leaving == 0


def process_of(profile):
    """The browser's own process (its helpers have a --type) that uses the folder `profile`."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except OSError:
            continue
        if f"--user-data-dir={profile}".encode() in line and b"--type=" not in line:
            return int(entry.parent.name)
    raise AssertionError("the browser is not running")


def wait_until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_browser_is_killed(chromium, site, tmp_path):
    """Chromium itself writes its storage every few seconds; from then on, a crash costs nothing."""
    profile, options = tmp_path / "profile", {"executable_path": chromium_path(), "args": QUIET}
    launch = chromium.browser_type.launch_persistent_context
    ana = Visitor(launch(str(profile), **options), site.url).register("killed_ana").at_home()
    ana.edit("about_me").fill(THOUGHT)
    kept(ana)
    stored = profile / "Default/Local Storage/leveldb"
    wait_until(lambda: any(THOUGHT.encode() in file.read_bytes() for file in stored.glob("*.log")))
    cookies = ana.context.cookies()
    killed = process_of(profile)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{killed}/exe").exists())
    with suppress(PlaywrightError):  # it may know already that there is nothing to close
        ana.context.close()
    for lock in profile.glob("Singleton*"):
        lock.unlink()

    again = Visitor(launch(str(profile), **options), site.url)
    again.name = ana.name
    again.context.add_cookies(cookies)  # a session's cookie ends with the browser
    again.at_home()
    expect_back(again)
    expect_saved_after_all(again, site)
    assert not again.leave()


def end_session(site, visitor):
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile(visitor.name, "id"))


def sign_in(visitor, name=None):
    """Through the screen; a copy of the name may be in the field already."""
    visitor.go("/login")
    visitor.control("username").fill(name or visitor.name)
    visitor.control("password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page).to_have_url(re.compile("/user/"))


def expect_saved_after_all(visitor, site, text=THOUGHT):
    visitor.save("about_me")
    expect(visitor.toast(re.compile("About me (saved|is saved already)"))).to_be_visible()
    assert site.profile(visitor.name, "about_me") == text
    assert copies(visitor) == {}


# --- whatever happens to the request ----------------------------------------------------------------------------------


def test_the_session_ends(member, site):
    ana = typing(member)
    ana.allow(401)
    end_session(site, ana)
    ana.save("about_me")
    expect(ana.page.get_by_role("dialog")).to_be_visible()
    another_tab(ana, "/login")
    sign_in(ana)
    expect_back(ana)
    expect_saved_after_all(ana, site)


def test_a_bug_of_ours(member, site):
    ana = typing(member)
    ana.allow(500)
    site.stored("UPDATE users SET edits = json('[1]') WHERE username = ?", ana.name)
    ana.save("about_me")
    expect(ana.toast("Something broke")).to_be_visible()
    site.stored("UPDATE users SET edits = json('{}') WHERE username = ?", ana.name)
    another_tab(ana, f"/user/{ana.name}")
    expect_back(ana)
    expect_saved_after_all(ana, site)


def test_the_token_is_refused(member, site):
    ana = typing(member)
    ana.allow(400)
    expect(ana.message("about_me")).to_have_text("Fine.")  # the live check would be refused, and renew the token
    ana.page.evaluate("""() => {
      document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": "stale" }));
      document.querySelectorAll("input[name=csrf_token]").forEach((input) => (input.value = "stale"));
    }""")
    ana.save("about_me")
    expect(ana.toast("What you typed is still here.")).to_be_visible()
    another_tab(ana, f"/user/{ana.name}")
    expect_back(ana)
    expect_saved_after_all(ana, site)


UNANSWERED = ["refuse", "cut", "lost", "502", "500", "503", "portal"]


@pytest.mark.parametrize("fault", few(UNANSWERED, "refuse", "500", "portal"))
def test_the_answer_does_not_come(member, proxy, site, fault):
    ana = typing(member, server=proxy)
    ana.allow("net", 500, 502, 503)
    proxy.rule("POST", "/edit_profile/about_me", fault)
    ana.save("about_me")
    expect(ana.toast()).to_be_visible()
    proxy.calm()
    another_tab(ana, f"/user/{ana.name}")
    if site.profile(ana.name, "about_me") == THOUGHT:  # it had arrived: there is nothing to restore
        expect(ana.control("about_me")).to_be_visible()
        expect(note(ana)).to_have_count(0)
    else:
        expect_back(ana)
    expect_saved_after_all(ana, site)


def test_offline(member, site):
    ana = typing(member)
    ana.allow("net")
    ana.context.set_offline(True)
    ana.control("about_me").fill("typed in a tunnel")
    kept(ana, "typed in a tunnel")
    ana.save("about_me")
    expect(ana.toast("You are offline")).to_be_visible()
    ana.context.set_offline(False)
    another_tab(ana, f"/user/{ana.name}")
    expect_back(ana, text="typed in a tunnel")
    expect_saved_after_all(ana, site, "typed in a tunnel")


def test_the_site_is_restarted_in_between(visit, tmp_path):
    own = VisitedSite(tmp_path).start()
    try:
        ana = visit(own).register("ana").at_home()
        ana.allow("net")
        ana.edit("about_me").fill(THOUGHT)
        own.stop()
        ana.save("about_me")
        expect(ana.toast("The site cannot be reached")).to_be_visible()
        own.start()
        another_tab(ana, "/user/ana")
        expect_back(ana)
        expect_saved_after_all(ana, own)
    finally:
        own.stop()


def test_too_many_tries(visit, tmp_path):
    """A stranger's form: kept for an hour, by form alone, and never the password."""
    own = VisitedSite(tmp_path, MICROBLOG_SECURITY__LOGIN_ATTEMPTS="1").start()
    try:
        new = visit(own).go("/login")
        new.allow(401, 429)
        new.control("username").fill("ana_with_a_long_name")
        for told in (new.message("password"), new.toast("Too many")):
            new.control("password").fill("canary-password")
            new.page.keyboard.press("Enter")
            expect(told).not_to_have_text("")
        assert "canary" not in json.dumps(copies(new))
        another_tab(new, "/login")
        expect_back(new, "username", "ana_with_a_long_name")
        hour = 3_601_000
        new.page.evaluate(
            "(past) => { const key = 'draft::/login', draft = JSON.parse(localStorage[key]); "
            "localStorage[key] = JSON.stringify({ ...draft, at: draft.at - past }); }",
            hour,
        )
        another_tab(new, "/login")
        expect(new.page.locator("html.has-script")).to_have_count(1)
        new.page.wait_for_function("() => !localStorage.length")
        expect(new.control("username")).to_have_value("")
    finally:
        own.stop()


# --- changed elsewhere ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/edit_profile", ""], ids=["page", "in place"])
def test_changed_elsewhere_meanwhile(member, site, path):
    """What is restored over it meets the conflict; what was not touched is left alone."""
    ana = member("ana", about_me="old", location="Oslo")
    if path:
        ana.go(path)
        ana.control("about_me").fill(THOUGHT)
        kept(ana)
    else:
        ana.edit("about_me").fill(THOUGHT)
        kept(ana)
    other = ana.context.new_page()
    other.goto(ana.base + "/edit_profile")
    expect(other.locator("#location")).to_have_value("Oslo")
    other.evaluate("localStorage.clear()")
    other.reload()
    other.locator("#about_me").fill("theirs")
    other.locator("#location").fill("Bergen")
    other.get_by_role("button", name="Save").click()
    expect(other).to_have_url(re.compile("/user/"))
    ana.control("about_me").press_sequentially(".")
    kept(ana, THOUGHT + ".")

    ana.allow(409)
    another_tab(ana, path or f"/user/{ana.name}")
    expect_back(ana, text=THOUGHT + ".")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.page.locator(".conflict")).to_contain_text("theirs")
    assert site.profile(ana.name, "about_me") == "theirs"
    ana.page.get_by_role("button", name=re.compile("Save|Keep mine")).click()
    expect(ana.toast("saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == THOUGHT + "."
    assert site.profile(ana.name, "location") == "Bergen"
    assert copies(ana) == {}


def test_two_tabs(member, site):
    """Who saves clears; what the other types then has a copy again."""
    ana = member("ana")
    other = ana.context.new_page()
    other.goto(f"{ana.base}/edit_profile/location")
    ana.go("/edit_profile/location")
    ana.control("location").fill("Bergen")
    other.locator("#location").fill("Oslo")
    kept(ana, "Oslo")
    ana.save("location")
    expect(ana.toast("Location saved.")).to_be_visible()
    assert copies(ana) == {}
    other.locator("#location").press_sequentially("!")
    kept(ana, "Oslo!")


def without_scripts_yet(visitor, path):
    """A new tab at `path` whose scripts are still on their way; what lets them come."""
    waiting = []
    visitor.context.route("**/js/app.js", lambda route: waiting.append(route))
    another = visitor.context.new_page()
    visitor.page.close(run_before_unload=False)
    visitor.page = another
    with another.expect_request("**/js/app.js"):
        another.goto(visitor.base + path, wait_until="commit")
    expect(another.locator("[autofocus]")).to_be_focused()
    return lambda: waiting[0].continue_()


def test_typed_before_the_script_came(member):
    """A restore never overwrites what was typed since; the copy is offered beside it."""
    ana = typing(member)
    let_them_come = without_scripts_yet(ana, "/edit_profile/about_me")
    ana.control("about_me").fill("other words")
    let_them_come()
    expect(note(ana, "You typed something else here at")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("other words")
    kept(ana, "other words")
    note(ana, "something else").get_by_role("button", name="Use it").click()
    expect(ana.control("about_me")).to_have_value(THOUGHT)


def test_nothing_but_what_was_typed_before_the_script_came(member):
    ana = member("ana")
    let_them_come = without_scripts_yet(ana, "/edit_profile/about_me")
    ana.control("about_me").fill(THOUGHT)
    let_them_come()
    kept(ana)
    expect(note(ana, "")).to_have_count(0)


def test_what_is_selected_before_the_script_came_stays_selected(member):
    ana = member("ana", about_me="old")
    let_them_come = without_scripts_yet(ana, "/edit_profile/about_me")
    ana.page.keyboard.press("Control+a")
    let_them_come()
    expect(ana.page.locator("[data-counter=about_me]")).to_have_text("137")
    ana.page.wait_for_load_state()
    ana.page.keyboard.type("new")
    expect(ana.control("about_me")).to_have_value("new")


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_another_member_never_sees_it(member, site):
    ana, bo = typing(member), member("bo")
    end_session(site, ana)
    another_tab(ana, "/login")
    sign_in(ana, bo.name)
    ana.go(f"/user/{bo.name}")
    expect(ana.page.locator(".field__invite").first).to_be_visible()
    for path in ("/edit_profile/about_me", "/edit_profile", f"/user/{ana.name}"):
        ana.go(path).page.wait_for_load_state("networkidle")
        assert THOUGHT not in ana.page.content()
        expect(note(ana)).to_have_count(0)
    sign_out_button(ana.page).click()
    expect(ana.toast("You are signed out.")).to_be_visible()
    sign_in(ana, ana.name)
    expect_back(ana)


def test_never_a_password_a_file_or_a_token(visit, member):
    new = visit().go("/register")
    new.control("username").fill("canary_name")
    new.control("email").fill("canary-mail@example.org")
    new.control("password").fill("canary-password")
    kept(new, "canary_name")
    held = json.dumps(copies(new))
    token = new.page.locator("[name=csrf_token]").first.input_value()
    assert "canary-mail" in held
    assert "canary-password" not in held
    assert token not in held
    another_tab(new, "/register")
    expect_back(new, "username", "canary_name")
    expect(new.control("email")).to_have_value("canary-mail@example.org")
    expect(new.control("password")).to_have_value("")

    ana = typing(member)
    ana.edit("avatar").set_input_files(png("teal") | {"name": "canary-file.png"})
    ana.control("about_me").press_sequentially("!")
    kept(ana, f"{THOUGHT}!")  # the other form would have been copied before
    held = json.dumps(copies(ana))
    assert "canary" not in held
    assert ana.page.locator("[name=csrf_token]").first.input_value() not in held
    assert list(copies(ana)) == [
        f"draft:{ana.page.locator('[name=person]').first.input_value()}:/edit_profile/about_me"
    ]


# --- Cancel and Escape ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["button", "escape"])
def test_cancel_puts_aside(member, site, way):
    ana = typing(member, about_me="old")
    if way == "button":
        ana.block("about_me").get_by_role("link", name="Cancel").click()
    else:
        ana.page.keyboard.press("Escape")
    expect(ana.control("about_me")).to_have_count(0)
    expect(ana.toast("Put aside.")).to_be_visible()
    ana.toast("Put aside.").get_by_role("button", name="Bring it back").click()
    expect_back(ana)
    expect(ana.control("about_me")).to_be_focused()
    expect(ana.toast("Put aside.")).to_have_count(0)
    expect_saved_after_all(ana, site)


def test_put_aside_it_stays_available(member, site):
    ana = typing(member, about_me="old")
    ana.page.keyboard.press("Escape")
    expect(ana.toast("Put aside.")).to_be_visible()
    ana.at_home()
    expect(ana.block("about_me").locator(".field__value")).to_have_text("old")
    control = ana.edit("about_me")
    expect(control).to_have_value("old")
    control.fill("something new")
    kept(ana, "something new")
    line = note(ana, "You typed something else here at")
    line.get_by_role("button", name="Use it").click()
    expect(control).to_have_value(THOUGHT)
    expect(control).to_be_focused()
    kept(ana, "something new")  # put aside in its turn
    kept(ana)
    expect_saved_after_all(ana, site)


def test_brought_back_over_something_else(member):
    """The editor was opened again meanwhile, and typed into: the two change places."""
    ana = typing(member, about_me="old")
    ana.page.keyboard.press("Escape")
    expect(ana.toast("Put aside.")).to_be_visible()
    ana.edit("about_me").fill("other words")
    ana.toast("Put aside.").get_by_role("button", name="Bring it back").click()
    expect(ana.control("about_me")).to_have_value(THOUGHT)
    expect(ana.control("about_me")).to_be_focused()
    expect(note(ana, "")).to_have_count(0)
    kept(ana)
    kept(ana, "other words")


def test_cancel_with_nothing_typed_says_nothing(member):
    ana = member("ana", about_me="old")
    ana.edit("about_me")
    ana.page.keyboard.press("Escape")
    expect(ana.control("about_me")).to_have_count(0)
    expect(ana.toast()).to_have_count(0)
    assert copies(ana) == {}


def test_discard(member):
    ana = typing(member, about_me="old")
    another_tab(ana, f"/user/{ana.name}")
    expect_back(ana)
    note(ana).get_by_role("button", name="Discard").click()
    expect(ana.control("about_me")).to_have_value("old")
    expect(ana.control("about_me")).to_be_focused()
    expect(note(ana)).to_have_count(0)
    assert copies(ana) == {}
    ana.go("/").at_home()
    assert ana.asked_before_leaving == 0


def test_cancel_on_the_page_of_everything(member):
    ana = member("ana").go("/edit_profile")
    ana.control("location").fill("Bergen")
    kept(ana, "Bergen")
    ana.page.get_by_role("link", name="Cancel").click()
    expect(ana.page).to_have_url(re.compile("/user/"))
    ana.go("/edit_profile")
    expect(note(ana, "You typed something else here at")).to_be_visible()
    expect(ana.control("location")).to_have_value("")


# --- everything else --------------------------------------------------------------------------------------------------


def test_several_editors_at_once(member, site):
    ana = member("ana", location="Oslo")
    ana.edit("location").fill("Bergen")
    ana.edit("about_me").fill(THOUGHT)
    ana.edit("display_name")
    kept(ana)
    another_tab(ana, f"/user/{ana.name}")
    expect(ana.control("location")).to_have_value("Bergen")
    expect(note(ana)).to_have_count(2)
    expect(ana.control("about_me")).to_have_value(THOUGHT)
    expect(ana.control("display_name")).to_have_count(0)
    ana.go("/")
    assert ana.asked_before_leaving == 1, "what is restored is not saved"


BROKEN = {
    "forbidden": "Object.defineProperty(window, 'localStorage', "
    "{ get() { throw new DOMException('no', 'SecurityError') } })",
    "full": "Storage.prototype.setItem = () => { throw new DOMException('no', 'QuotaExceededError') }",
    "none": "Object.defineProperty(window, 'localStorage', { value: null })",
}


@pytest.mark.parametrize("how", BROKEN)
def test_without_storage_everything_works(visit, site, how):
    ana = visit().register(f"no_storage_{how}")
    ana.context.add_init_script(BROKEN[how])
    ana.at_home()
    ana.block("about_me").locator("a[hx-get]").click()
    ana.control("about_me").fill(THOUGHT)
    ana.page.keyboard.press("Escape")
    expect(ana.control("about_me")).to_have_count(0)
    ana.block("about_me").locator("a[hx-get]").click()
    ana.control("about_me").fill(THOUGHT)
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    assert site.profile(ana.name, "about_me") == THOUGHT
    sign_out_button(ana.page).click()
    expect(ana.toast("You are signed out.")).to_be_visible()


DAMAGED = ["", "null", "[]", "{", '"x"', '{"at": 9e99}', '{"at": "x", "texts": {}}']


@pytest.mark.parametrize("damage", few(DAMAGED, "null", "{", '{"at": "x", "texts": {}}'))
def test_a_damaged_copy_costs_nothing(member, site, damage):
    ana = member("ana")
    number = site.profile(ana.name, "id")
    ana.page.evaluate(
        "([key, text]) => { localStorage[`draft:${key}`] = text; localStorage[`aside:${key}`] = text; }",
        [f"{number}:/edit_profile/about_me", damage],
    )
    another_tab(ana, "/edit_profile/about_me")
    ana.control("about_me").fill(THOUGHT)
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()


@pytest.fixture
def plain(member, proxy):
    """A member whose browser has the site's scripts, but not htmx: forms lead to another page."""
    ana = member("ana", proxy)
    ana.allow(409, 422, 502, "net")
    ana.context.route("**/htmx.min.js", lambda route: route.abort())
    return ana


def test_without_htmx(plain, proxy, site):
    """Plain forms, and the script: gone when it has arrived, still there when it has not."""
    plain.go("/edit_profile/about_me").control("about_me").fill(THOUGHT)
    kept(plain)
    proxy.rule("POST", "/edit_profile/about_me", "502")
    plain.save("about_me")
    expect(plain.page.locator("h1")).to_have_text("502 Bad Gateway")
    plain.go("/")
    assert len(copies(plain)) == 1
    proxy.calm()
    plain.go("/edit_profile/about_me")
    expect_back(plain)
    plain.save("about_me")
    expect(plain.toast("About me saved.")).to_be_visible()
    plain.page.wait_for_function("() => !localStorage.length")
    assert site.profile(plain.name, "about_me") == THOUGHT
    assert plain.asked_before_leaving == 0, "whoever sends it does not lose it"


def answered(plain):
    """Send the form; before the page that answers has its scripts, every copy is taken away."""
    waiting = []
    plain.context.route("**/js/app.js", lambda route: waiting.append(route))
    plain.page.locator(".button--primary", has_text="Save").click()
    expect(plain.message("about_me").or_(plain.page.locator(".conflict")).first).to_be_visible()
    plain.page.evaluate("localStorage.clear()")
    plain.until(lambda: waiting)
    plain.context.unroute("**/js/app.js")
    waiting[0].continue_()


def test_refused_without_htmx(plain, site):
    """The page that says why holds what is stored nowhere else, in all its fields."""
    long = "x" * 141
    plain.go("/edit_profile").control("about_me").fill(long)
    plain.control("location").fill("Bergen")
    kept(plain, "Bergen")
    answered(plain)
    kept(plain, long)
    plain.control("location").fill("Oslo")
    kept(plain, "Oslo")
    expect(note(plain, "")).to_have_count(0)
    plain.go("/").go("/edit_profile")
    assert plain.asked_before_leaving == 1
    expect_back(plain, text=long)
    expect(plain.control("location")).to_have_value("Oslo")
    plain.control("about_me").fill(THOUGHT)
    plain.page.get_by_role("button", name="Save").click()
    expect(plain.toast("Profile saved.")).to_be_visible()
    plain.page.wait_for_function("() => !localStorage.length")
    assert (site.profile(plain.name, "about_me"), site.profile(plain.name, "location")) == (THOUGHT, "Oslo")


def test_what_the_server_tidied_is_nothing_else(plain):
    plain.go("/edit_profile").control("about_me").fill("x" * 141 + " ")
    kept(plain, "x" * 141 + " ")
    plain.page.get_by_role("button", name="Save").click()
    expect(plain.control("about_me")).to_have_value("x" * 141)
    plain.control("location").fill("Oslo")
    kept(plain, "Oslo")  # so the script has met the form
    expect(note(plain, "")).to_have_count(0)


def test_a_conflict_without_htmx(plain, site):
    plain.go("/edit_profile/about_me").control("about_me").fill(THOUGHT)
    kept(plain)
    site.edited_elsewhere(plain.name, "about_me", "theirs")
    answered(plain)
    expect(plain.page.locator(".conflict")).to_contain_text("theirs")
    kept(plain)
