"""`run --debug`: Werkzeug's debugger for requests of htmx, in the real server and a real browser."""

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from microblog.config.settings import ROOT
from tests.support.site import Site

PIN = "123-456-789"
TYPED = "typed, and never lost"
OVERLAY = "dialog.debugger-overlay"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """While this file is there, whatever is sent fails."""
    return tmp_path / "broken"


@pytest.fixture
def debugged(tmp_path: Path, broken: Path) -> Iterator[Callable[..., Site]]:
    started: list[Site] = []

    program = tmp_path / "debugged_site.py"  # a copy, to be changed while it runs
    shutil.copy(Path(__file__).with_name("debugged_site.py"), program)

    def start(*words: str) -> Site:
        variables = {"WERKZEUG_DEBUG_PIN": PIN, "BROKEN_FILE": str(broken)}
        started.append(Site(tmp_path, "--debug", *words, program=program, **variables).start())
        return started[-1]

    start.program = program
    yield start
    for site in started:
        site.stop()


@pytest.fixture
def ana(debugged, visit, broken):
    """A member who has typed into "About me" of a site that fails from now on: ``ana("--show-error-pages")``."""

    def make(*words, field="about_me", **options):
        ana = visit(debugged(*words), **options).register("ana").at_home()
        ana.allow(500)
        ana.edit(field).fill(TYPED)
        expect(ana.message(field)).to_have_attribute("data-state", "fine")  # the live check has been answered
        broken.write_text("on purpose")
        return ana

    return make


def frame_of(ana):
    expect(ana.page.locator(OVERLAY)).to_be_visible()
    return ana.page.frame_locator(f"{OVERLAY} iframe")


def ask(frame, command, answer):
    """Type `command` into the open console."""
    frame.locator("pre.console input").fill(command)
    frame.locator("pre.console input").press("Enter")
    expect(frame.locator("pre.console .output > div").last).to_contain_text(answer)


def test_it_works(ana, broken):
    ana = ana()
    ana.save("about_me")

    frame = frame_of(ana)
    expect(frame.locator("h1")).to_have_text("RuntimeError")
    expect(ana.page.locator(OVERLAY).locator("h2")).to_have_text("POST /edit_profile/about_me")
    ours = frame.locator(".frame", has_text="fail_on_purpose").last
    lines = ours.locator("pre.line:not(.current)").first
    expect(lines).to_be_hidden()
    ours.click()
    expect(lines).to_be_visible()  # it expands

    ours.locator("pre.line.current").hover()
    ours.locator("pre.line.current img").click()
    expect(frame.locator(".pin-prompt")).to_have_css("opacity", "1")  # Werkzeug's fading in would undo its fading out
    frame.locator('.pin-prompt input[name="pin"]').fill(PIN)
    frame.locator('.pin-prompt input[name="btn"]').click()
    expect(frame.locator(".pin-prompt")).to_be_hidden()
    ask(frame, "1+1", "2")
    ask(frame, "hidden", "treasure treasure")
    ask(frame, "request.method", "POST")
    assert ana.control("about_me").input_value() == TYPED

    broken.unlink()
    with ana.page.expect_request("**/edit_profile/about_me") as sent:
        ana.page.get_by_role("button", name="Repeat this request").click()
    assert sent.value.method == "POST"
    assert "typed%2C+and+never+lost" in sent.value.post_data
    assert sent.value.headers["hx-request"] == "true"
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.block("about_me")).to_contain_text(TYPED)
    expect(ana.page.locator(OVERLAY)).to_have_count(0)


def test_it_can_be_closed_and_opened_again(ana):
    ana = ana()
    ana.save("about_me")
    frame_of(ana)
    ana.page.get_by_role("button", name="Close").click()
    expect(ana.page.locator(OVERLAY)).to_have_count(0)
    assert ana.control("about_me").input_value() == TYPED
    toast = ana.toast("RuntimeError")
    expect(toast).to_contain_text("on purpose")
    expect(toast).to_contain_text(re.compile("Reference [0-9A-Z]{5}-[0-9A-Z]{5}"))

    toast.get_by_role("link", name="Open the debugger").click()
    expect(frame_of(ana).locator("h1")).to_have_text("RuntimeError")
    frame_of(ana).locator("h1").click()
    ana.page.keyboard.press("Escape")  # the focus is inside
    expect(ana.page.locator(OVERLAY)).to_have_count(0)


def test_a_repeated_request_is_the_old_one_and_what_was_typed_since_stays(ana, broken):
    ana = ana()
    ana.save("about_me")
    frame_of(ana)
    ana.page.get_by_role("button", name="Repeat this request").click()  # it still fails: the next traceback
    expect(frame_of(ana).locator("h1")).to_have_text("RuntimeError")
    expect(ana.toast("RuntimeError").locator(".toast__count")).to_have_text("×2")
    ana.page.get_by_role("button", name="Close").click()
    broken.unlink()
    ana.control("about_me").fill("typed since")
    expect(ana.message("about_me")).to_have_attribute("data-state", "fine")

    ana.toast("RuntimeError").get_by_role("link", name="Open the debugger").click()
    with ana.page.expect_request("**/edit_profile/about_me") as sent:
        ana.page.get_by_role("button", name="Repeat this request").click()
    assert "typed%2C+and+never+lost" in sent.value.post_data
    expect(ana.toast("About me saved.")).to_be_visible()
    assert ana.control("about_me").input_value() == "typed since"  # the editor stays, with it


def test_a_failing_live_check_does_not_take_the_keyboard(ana):
    ana = ana()
    with ana.page.expect_response("**/edit_profile/about_me/check"):
        ana.control("about_me").press_sequentially(" and on")
    expect(ana.toast("RuntimeError")).to_be_visible()
    expect(ana.page.locator(OVERLAY)).to_have_count(0)
    ana.control("about_me").press_sequentially(" and on")
    assert ana.control("about_me").input_value() == TYPED + " and on and on"


def test_a_repeated_request_whose_form_is_gone(ana, broken):
    ana = ana()
    ana.save("about_me")
    frame_of(ana)
    ana.page.get_by_role("button", name="Close").click()
    broken.unlink()
    ana.block("about_me").get_by_role("link", name="Cancel").click()
    expect(ana.control("about_me")).to_have_count(0)

    ana.toast("RuntimeError").get_by_role("link", name="Open the debugger").click()
    ana.page.get_by_role("button", name="Repeat this request").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.block("about_me")).to_contain_text(TYPED)


def test_a_picture_is_sent_again(ana, broken):
    ana = ana()
    ana.page.locator(".portrait, .field--avatar, #field-avatar").first.locator("a[hx-get]").first.click()
    broken.unlink()
    picture = ana.page.locator('input[type="file"]')
    expect(picture).to_be_visible()
    broken.write_text("on purpose")
    picture.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": drawn()})
    ana.page.locator("form", has=picture).get_by_role("button", name="Save").click()
    frame_of(ana)
    broken.unlink()
    ana.page.get_by_role("button", name="Repeat this request").click()
    expect(ana.toast("Picture saved.")).to_be_visible()


def drawn():
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_mend_the_code_and_repeat(ana, debugged, broken):
    """What it is for: the process that knew the traceback is gone, the request is not."""
    ana = ana()
    ana.save("about_me")
    old = frame_of(ana).locator("body").evaluate("body => body.ownerDocument.URL")
    broken.unlink()
    debugged.program.write_text(debugged.program.read_text() + "\n# mended\n")
    ana.until(lambda: ana.context.request.get(old).status == 404)
    assert "Repeat the request" in ana.context.request.get(old).text()
    ana.page.get_by_role("button", name="Repeat this request").click()
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.block("about_me")).to_contain_text(TYPED)


def test_a_navigation_has_werkzeugs_own_page(ana):
    ana = ana()
    ana.go("/index")
    expect(ana.page.locator("h1")).to_have_text("RuntimeError")
    expect(ana.page.locator("div.debugger")).to_be_visible()


def test_the_error_pages_instead(ana):
    ana = ana("--show-error-pages", "--no-reload")
    ana.save("about_me")
    expect(ana.toast("Something broke on our side")).to_be_visible()
    expect(ana.page.locator(OVERLAY)).to_have_count(0)
    assert not ana.page.locator('script[src*="debugger"]').count()
    assert ana.control("about_me").input_value() == TYPED


def test_without_the_debugger(ana):
    ana = ana("--no-debugger", "--no-reload")
    ana.save("about_me")
    expect(ana.toast("not answering properly")).to_be_visible()
    assert not ana.page.locator('script[src*="debugger"]').count()
    assert ana.control("about_me").input_value() == TYPED


def test_nothing_of_it_in_production(visit, site):
    member = visit().register("plain_member").at_home()
    member.allow(404)
    assert "debugger" not in member.page.content()
    for path in (
        "/__debugger__/overlay.js",
        "/__debugger__/overlay.css",
        "/?__debugger__=yes&cmd=resource&f=debugger.js",
    ):
        answer = member.context.request.get(site.url + path)
        assert "debugger" not in answer.text().replace("__debugger__", "")
        assert answer.status == (200 if path.startswith("/?") else 404)
    assert not [path for path in (ROOT / "static").rglob("*debugger*") if "vendor" not in path.parts]
