"""The log in a real browser: new records come by themselves until a pause; plain links do without JavaScript."""

from playwright.sync_api import expect


def chief(member, site, **options):
    window = member("chief", **options)
    site.stored("UPDATE users SET role = 'administrator' WHERE username = ?", window.name)
    window.allow(404)
    return window


def test_it_works(member, site):
    window = chief(member, site)
    rows = window.go("/admin/logs?q=status%3D404").page.locator(".log-row")
    before = rows.count()
    elsewhere = window.context.request
    elsewhere.get(f"{site.url}/a-page-that-is-not-here")
    expect(rows.first).to_contain_text("/a-page-that-is-not-here")
    expect(rows).to_have_count(before + 1)
    rows.first.locator("summary").click()
    elsewhere.get(f"{site.url}/another-page")
    expect(rows.first).to_contain_text("/another-page")
    expect(rows.nth(1).locator("dl")).to_be_visible()  # what was opened stays open

    window.page.get_by_role("link", name="Pause").click()
    expect(window.page.get_by_text("Paused.")).to_be_visible()
    assert window.page.locator("#log-live[hx-get]").count() == 0


def test_without_javascript(member, site):
    window = chief(member, site, javascript=False)
    window.go("/nope").go("/admin/logs")
    window.page.get_by_label("Look for").fill("status=404")
    window.page.get_by_role("button", name="Look").click()
    expect(window.page.locator(".log-chip").first).to_contain_text("status=404")
    window.page.locator(".log-row__ways a:has(code)").first.click()
    expect(window.page.locator(".log-story")).to_contain_text("There is nothing here")
