"""The drawer of debug mode: chooses what fails, never costs what was typed, covers no field, never fails itself."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENS
from tests.browser.site import debug_site
from tests.browser.test_looks import AXE, RUN_AXE
from tests.conftest import absent

pytestmark = pytest.mark.slow

COVERED = """() => {
  const box = document.querySelector(".faults").getBoundingClientRect();
  const under = ({ top, bottom, left, right }) =>
    box.top < bottom && box.bottom > top && box.left < right && box.right > left;
  return [...document.querySelectorAll("main input, main textarea, main button, main a")]
    .filter((control) => under(control.getBoundingClientRect())).map((control) => control.outerHTML);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with debug_site(tmp_path_factory.mktemp("debug")) as running:
        yield running


def choose(visitor, fault, where="save", *, each_time=False):
    panel = visitor.page.locator(".faults")
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()
    panel.get_by_label("What fails").select_option(fault)
    panel.get_by_label("Where").select_option(where)
    panel.get_by_label("Each time").set_checked(each_time)
    panel.get_by_role("button", name="Inject").click()
    return panel.get_by_role("status")


def test_it_works(member):
    ana = member()
    ana.allow(500)
    expect(ana.page.locator(".faults__form")).to_be_hidden()
    ana.edit("about_me").fill("half a thought")
    said = choose(ana, "500", "POST /edit_profile/about_me")
    expect(said).to_have_text("500 waits for POST /edit_profile/about_me.")
    expect(ana.control("about_me")).to_have_value("half a thought")
    ana.save("about_me")
    expect(ana.toast("Something broke on our side")).to_be_visible()
    expect(said).to_have_text("Nothing waits.")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()


def test_it_lists_what_the_page_can_send(member):
    ana = member(location="Bergen")
    options = ana.page.locator("[data-actions] option")
    expect(options).to_contain_text(["POST /logout", "GET /edit_profile/location"])
    ana.edit("location")
    expect(options.filter(has_text="POST /edit_profile/location")).to_have_count(2)  # Save, and while typing
    assert not [text for text in options.all_inner_texts() if "debug" in text]


def test_until_it_is_cleared(member):
    """Every request fails, but for the panel's own."""
    ana = member()
    ana.allow(503)
    said = choose(ana, "503", "any", each_time=True)
    expect(said).to_contain_text("each time until it is cleared")
    for _ in range(2):
        ana.at_home()
        expect(ana.page.locator("h1")).to_have_text("The site needs a moment")
    ana.page.locator(".faults summary").click()
    ana.page.get_by_role("button", name="Clear").click()
    expect(ana.page.locator("[data-armed]")).to_have_text("Nothing waits.")
    ana.at_home()
    expect(ana.page.locator("h1")).to_have_text(ana.name)


def test_after_a_fresh_token(member):
    """The page's forms get another token then; the panel has one of its own."""
    ana = member()
    ana.allow(400)
    ana.edit("about_me").fill("half a thought")
    expect(choose(ana, "csrf")).to_contain_text("csrf waits")
    ana.save("about_me")
    expect(ana.toast("did not make sense")).to_be_visible()
    expect(choose(ana, "404")).to_contain_text("404 waits")
    ana.page.get_by_role("button", name="Clear").click()
    expect(ana.page.locator("[data-armed]")).to_have_text("Nothing waits.")


def test_without_javascript(visit, site):
    ana = visit(javascript=False).register("ana_plain")
    ana.allow(507)
    ana.go("/edit_profile/about_me")
    choose(ana, "507", "POST /edit_profile/about_me")
    assert ana.page.url == f"{site.url}/edit_profile/about_me"
    expect(ana.page.locator("[data-armed]")).to_have_text("507 waits for POST /edit_profile/about_me.")
    ana.control("about_me").fill("half a thought")
    ana.save("about_me")
    expect(ana.page.locator("h1")).to_have_text("There is no room left")
    expect(ana.page.locator("main textarea")).to_have_value("half a thought")


@pytest.mark.parametrize("screen", SCREENS)
def test_it_covers_nothing(member, screen):
    if not AXE.is_file():
        absent("axe-core", "npm ci")
    ana = member(screen=screen, bypass_csp=True)  # axe styles what it measures
    ana.edit("about_me")
    for _ in range(2):
        assert ana.page.evaluate(COVERED) == []
        wide = "document.scrollingElement.scrollWidth <= document.documentElement.clientWidth"
        assert ana.page.evaluate(wide)
        ana.page.locator(".faults summary").click()
    ana.page.locator(".faults summary").click()
    ana.page.evaluate(AXE.read_text("utf-8"))
    for scheme in ("light", "dark"):
        ana.page.emulate_media(color_scheme=scheme)
        assert ana.page.evaluate(RUN_AXE) == []
