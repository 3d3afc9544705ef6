"""Fragment addresses opened by hand, and the Back button."""

import re

from playwright.sync_api import expect


def test_a_fragment_address_opened_by_hand_is_a_whole_page(member):
    ana = member(about_me="old")
    ana.go(f"/user/{ana.name}/about_me")
    expect(ana.page.locator("nav")).to_be_visible()
    expect(ana.page.locator("h1")).to_have_text(ana.name)
    ana.go("/edit_profile/about_me")
    expect(ana.page.locator("nav")).to_be_visible()
    expect(ana.control("about_me")).to_be_focused()
    assert ana.caret() == ["about_me", 3, 3]
    ana.page.go_back()
    expect(ana.page.locator("nav")).to_be_visible()
    expect(ana.page.locator("h1")).to_have_text(ana.name)
    expect(ana.control("about_me")).to_have_count(0)


def test_back_after_a_fragment_came_from_the_same_address(member):
    """The browser must not show the fragment it has just got from there as the page."""
    ana = member(about_me="old")
    ana.edit("about_me")
    ana.page.get_by_role("link", name="Home").click()
    expect(ana.page.locator("h1")).to_contain_text("Hello")
    ana.go("/edit_profile/about_me")
    ana.page.go_back()
    ana.page.go_back()
    expect(ana.page).to_have_url(re.compile(f"/user/{ana.name}$"))
    expect(ana.page.locator("nav")).to_be_visible()


def test_an_error_page_on_the_way_back(member):
    ana = member()
    ana.allow(404)
    ana.go("/nothing-here")
    expect(ana.page.locator("h1")).to_have_text("There is nothing here")
    ana.at_home()
    ana.page.go_back()
    expect(ana.page.locator("nav")).to_be_visible()
    expect(ana.page).to_have_title(re.compile("^There is nothing here"))


def test_a_restored_entry_that_fails_is_a_whole_page(member, site):
    """htmx asks again for an entry that it pushed; the answer is an error by then."""
    ana = member()
    old, new = ana.name, f"new_{ana.name}"
    ana.allow(404, 500)
    push = "() => { history.pushState({ htmx: true }, '', '/user/nobody_is_called_so'); }"
    for address, title in (("/user/nobody_is_called_so", "There is nothing here"), (f"/user/{old}", "Something broke")):
        ana.at_home()
        ana.page.evaluate(push.replace("/user/nobody_is_called_so", address))
        ana.page.evaluate("() => { history.pushState({ htmx: true }, '', '/'); }")
        if title == "Something broke":
            site.stored("UPDATE users SET created_at = 'never' WHERE username = ?", old)
        ana.page.go_back()
        expect(ana.page).to_have_title(re.compile(f"^{title}"))
        expect(ana.page.locator("h1")).to_have_count(1)
        expect(ana.page.locator(".problem__status")).to_be_visible()
    site.stored("UPDATE users SET created_at = '2026-11-21 12:00:00.000000' WHERE username = ?", old)
    assert new
