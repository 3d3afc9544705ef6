"""F30 a proxy's 502 page, an empty 500, a JSON 503, a captive portal: target, title and text untouched, and a toast."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_trouble import expect_saved_after_all, typing
from tests.support.budget import few

pytestmark = pytest.mark.fault(30)


@pytest.mark.parametrize(
    ("fault", "status"),
    few([("502", 502), ("500", 500), ("503", 503), ("portal", 200)], ("502", 502), ("portal", 200)),
)
def test_it_is_never_swapped(member, proxy, site, fault, status):
    ana = typing(member, proxy)
    ana.allow(status)
    title, before = ana.page.title(), ana.block("about_me").inner_text()
    proxy.rule("POST", "/edit_profile/about_me", fault)
    with ana.page.expect_response(lambda answer: answer.status == status and answer.request.method == "POST"):
        ana.save("about_me")
    expect(ana.toast("The site is not answering properly")).to_be_visible()
    assert ana.page.title() == title
    assert ana.block("about_me").inner_text() == before
    proxy.calm()
    expect_saved_after_all(ana, site)


@pytest.mark.parametrize("fault", few(["502", "500", "refuse"], "502", "refuse"))
def test_opening_and_cancelling_when_somebody_else_answers(member, proxy, fault):
    ana = member("ana", proxy, about_me="old")
    ana.allow(502, 500, "net")
    proxy.rule("GET", "/edit_profile/about_me", fault)
    ana.block("about_me").locator(".field__edit").click()
    expect(ana.toast(re.compile("not answering properly|cannot be reached"))).to_be_visible()
    expect(ana.block("about_me").locator(".field__value")).to_have_text("old")
    proxy.calm()
    ana.edit("about_me").fill("half a thought")
    proxy.rule("GET", f"/user/{ana.name}/about_me", fault)
    ana.page.keyboard.press("Escape")
    expect(ana.toast("×2")).to_be_visible()
    expect(ana.control("about_me")).to_have_value("half a thought")
