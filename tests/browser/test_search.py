"""Typing into the search field: people at once, the arrows, Escape, and never a lost letter."""

import re

from playwright.sync_api import expect


def field(window):
    return window.page.locator("#search-field")


def options(window):
    return window.page.get_by_role("option")


def test_people_are_shown_while_one_types_and_the_keyboard_is_enough(visit, member):
    person = member("quillon", display_name="Quillon Ålesund")
    window = visit()
    window.go("/")
    field(window).press_sequentially("alesund")
    expect(options(window)).to_have_count(2)
    expect(options(window).first).to_contain_text(f"@{person.name}")
    expect(window.page.get_by_role("combobox", name="Search")).to_have_attribute("aria-expanded", "true")
    expect(field(window)).to_have_value("alesund")

    field(window).press("ArrowDown")
    expect(options(window).first).to_have_attribute("aria-selected", "true")
    expect(field(window)).to_have_attribute("aria-activedescendant", "search-people-1")
    field(window).press("ArrowUp")
    expect(field(window)).not_to_have_attribute("aria-activedescendant", re.compile("."))
    field(window).press("Escape")
    expect(options(window)).to_have_count(0)
    expect(field(window)).to_have_attribute("aria-expanded", "false")
    expect(field(window)).to_have_value("alesund")

    field(window).press("Backspace")
    expect(options(window)).to_have_count(2)
    field(window).press("ArrowDown")
    field(window).press("Enter")
    expect(window.page).to_have_url(re.compile(f"/user/{person.name}$"))


def test_enter_opens_the_page_and_the_list_goes_with_the_focus(visit, member):
    member("quillon", display_name="Quillon")
    window = visit()
    window.go("/login")
    field(window).press_sequentially("quillon")
    expect(options(window).last).to_contain_text("Posts with")
    window.control("username").click()
    expect(options(window)).to_have_count(0)
    field(window).press("Enter")
    expect(window.page).to_have_url(re.compile(r"/search\?q=quillon$"))
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Search: quillon")
    expect(field(window)).to_have_value("quillon")


def test_a_server_that_fails_does_not_disturb_who_types(visit, member, proxy):
    member("quillon")
    window = visit(proxy)
    window.allow(502, "net")
    window.go("/")
    field(window).press_sequentially("q")
    expect(options(window).last).to_contain_text("Posts with “q”")
    for trouble in ("502", "refuse"):
        proxy.rule("GET", "/search/people", trouble)
        with window.page.expect_event(
            "response" if trouble == "502" else "requestfailed", lambda event: "/search/people" in event.url
        ):
            field(window).press_sequentially("an")
        expect(field(window)).to_have_value("qan" if trouble == "502" else "qanan")
        expect(options(window)).to_have_count(0)  # what was found before is of other letters
        expect(busy(window)).to_have_count(0)
    expect(window.toast()).to_have_count(0)
    proxy.calm()
    field(window).press_sequentially("x")
    expect(options(window).last).to_contain_text("Posts with “qananx”")


def busy(window):
    return window.page.locator('form.search[aria-busy="true"]')


def test_an_error_of_ours_is_told_with_its_reference(visit):
    window = visit()
    window.allow(500)
    window.go("/")
    toast = (
        '<div class="toast toast--problem" data-toast="unexpected" role="alert"><p class="toast__title">Broken</p>'
        '<span class="toast__count" hidden></span><code class="reference">ABCDE-FGHJK</code></div>'  # two letters, two
    )
    headers = {
        "Content-Type": "text/html",
        "X-Microblog": "1",
        "HX-Retarget": "#toasts",
        "HX-Reswap": "beforeend",
        "HX-Push-Url": "false",
    }
    window.page.route("**/search/people*", lambda route: route.fulfill(status=500, body=toast, headers=headers))
    field(window).press_sequentially("an")
    expect(window.toast("Broken")).to_contain_text("ABCDE-FGHJK")
    expect(field(window)).to_have_value("an")
    expect(field(window)).to_be_focused()
    expect(options(window)).to_have_count(0)


def test_a_slow_server_is_seen_to_be_busy_and_the_number_of_people_is_heard(visit, member, proxy):
    member("quillon")
    window = visit(proxy)
    window.go("/")
    proxy.rule("GET", "/search/people", held=True)
    field(window).press_sequentially("quillon")
    expect(busy(window)).to_have_count(1)
    proxy.calm()
    expect(window.page.get_by_role("status").filter(has_text="People: ")).to_have_count(1)
    expect(busy(window)).to_have_count(0)
    field(window).press_sequentially("zzz")
    expect(window.page.get_by_role("status").filter(has_text="No people")).to_have_count(1)
    expect(options(window)).to_have_count(1)


def write(site, person, text):
    site.stored(
        "INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count) "
        "SELECT id, ?, '', '2026-11-20 09:12:00.000000', 1, 0, 0 FROM users WHERE username = ?",
        text,
        person.name,
    )


def test_the_list_lies_above_the_posts(visit, member, site):
    person = member("quillon")
    for _ in range(3):
        write(site, person, "sesquipedalian " * 20)
    window = visit().go("/search?q=sesquipedalian")
    field(window).fill("quillon")
    for number in range(2):
        options(window).nth(number).click(position={"x": 320, "y": 22}, trial=True)  # which nothing may cover


def test_load_more_and_back_to_the_same_place(visit, member, site):
    person = member("quillon")
    for number in range(45):
        write(site, person, f"quixotic {number} " + "and long " * 30)
    window = visit(screen="phone").go("/search?q=quixotic")
    hits = window.page.locator(".hit")
    expect(hits).to_have_count(20)
    window.page.get_by_role("link", name="Load more").click()
    expect(hits).to_have_count(40)
    expect(window.page).to_have_url(re.compile("show=40$"))
    link = hits.nth(33).locator(".hit__time")
    link.scroll_into_view_if_needed()
    before = link.bounding_box()["y"]
    link.click()
    expect(window.page).to_have_url(re.compile("/post/"))
    window.page.go_back()
    expect(hits).to_have_count(40)
    expect(hits.nth(33)).to_be_in_viewport()
    assert abs(link.bounding_box()["y"] - before) < 3
    window.page.get_by_role("link", name="Load more").click()
    expect(hits).to_have_count(45)
    expect(window.page.get_by_text("That was all.")).to_be_visible()


def test_without_javascript(visit, member):
    person = member("quillon", display_name="Quillon")
    window = visit(javascript=False)
    window.go("/")
    field(window).fill(person.name)
    field(window).press("Enter")
    expect(window.page.get_by_role("link", name=f"@{person.name}")).to_be_visible()
