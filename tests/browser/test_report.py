"""Reporting, in a real browser."""

from playwright.sync_api import expect

from tests.browser.test_posts import fill


def test_without_a_reason_the_focus_is_on_the_reasons(member, site):
    ana, bo = member("ana"), member("bo")
    fill(site, bo, 1)
    number = site.stored("SELECT max(id) FROM posts")
    ana.allow(422)
    page = ana.go(f"/post/{number}/report").page
    page.get_by_label("What should the moderators know?").fill("Typed")
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_text("Choose what is wrong.")).to_be_visible()
    expect(page.get_by_role("radio").first).to_be_focused()
    expect(page.get_by_label("What should the moderators know?")).to_have_value("Typed")
