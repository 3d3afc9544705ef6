"""Script, markup and template syntax are words like any other. (The visitor's own checks see to CSP and errors.)"""

import pytest
from playwright.sync_api import expect

from tests.support.budget import few

HOSTILE = [
    "<script>document.title='x'</script>",
    "<img src=x onerror=document.title='x'>",
    "{{ 7*7 }}{% raw %}${7*7}",
    "\"'><svg onload=alert(1)>",
    "</textarea><b>bold</b>",
    "<hx-partial hx-target=body>x",
]


@pytest.mark.parametrize("text", few(HOSTILE, HOSTILE[0], HOSTILE[2], HOSTILE[4], HOSTILE[5]))
def test_it_is_inert_in_every_field(member, site, text):
    ana = member("ana", display_name=text, about_me=text, location=text)
    expect(ana.page.locator("h1")).to_have_text(text)
    for field in ("about_me", "location"):
        expect(ana.block(field).locator(".field__value")).to_have_text(text)
    assert ana.page.title().startswith(text)
    control = ana.edit("about_me")
    expect(control).to_have_value(text)
    control.fill(text + "!")
    ana.save("about_me")
    expect(ana.toast("About me saved.")).to_be_visible()
    expect(ana.block("about_me").locator(".field__value")).to_have_text(text + "!")
    ana.edit("display_name").fill(text + "?")
    ana.save("display_name")
    expect(ana.page.locator("nav .nav__name")).to_have_text(text + "?")
    ana.toast("Display name").get_by_role("button", name="Undo").click()
    expect(ana.page.locator("h1")).to_have_text(text)
    ana.go("/")
    expect(ana.page.locator("h1")).to_have_text(f"Hello, {text}")
    ana.go("/edit_profile")
    expect(ana.control("location")).to_have_value(text)
    assert ana.page.locator("main script, main img[onerror], main svg[onload], main b").count() == 0


@pytest.mark.parametrize("text", few(HOSTILE[:2], HOSTILE[1]))
def test_refused_and_conflicting_texts_are_inert_too(member, site, text):
    ana = member(about_me="old")
    ana.allow(409, 422)
    ana.edit("username").fill(text)
    ana.save("username")
    expect(ana.message("username")).to_have_attribute("data-state", "refused")
    expect(ana.control("username")).to_have_value(text)
    ana.edit("website").fill(f"javascript:alert(1)//{text}")
    ana.save("website")
    expect(ana.message("website")).to_have_attribute("data-state", "refused")
    ana.edit("about_me").fill("mine")
    site.edited_elsewhere(ana.name, "about_me", text)
    ana.save("about_me")
    expect(ana.page.locator(".conflict__theirs")).to_have_text(text)
