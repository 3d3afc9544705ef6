"""Two people in two browsers: what one of them does, the other sees without reloading, and without being disturbed."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_posts import fill, follow, write

NOW = "document.dispatchEvent(new Event('look'))"  # what the page does by itself every 30 seconds


@pytest.fixture
def two(member, site):
    """Ana and Bo read each other."""
    ana, bo = member("ana"), member("bo")
    follow(site, ana, bo)
    follow(site, bo, ana)
    return ana.go("/"), bo.go("/")


def look(visitor, status=200):
    with visitor.page.expect_response(re.compile("[?&]seen=")) as answered:
        visitor.page.evaluate(NOW)
    assert answered.value.status == status
    visitor.settle()


def post_of(visitor, text):
    return visitor.page.locator("[data-post]").filter(has_text=text)


def number_of(post):
    return post.get_attribute("id").removeprefix("post-")


def test_posts_likes_and_answers_appear(two):
    ana, bo = two
    write(bo, "Who is awake?")
    look(ana)
    ana.page.get_by_role("link", name="1 new post").click()
    post, seen = post_of(bo, "Who is awake?"), post_of(ana, "Who is awake?")
    seen.get_by_role("button", name="Like").click()
    expect(seen.locator(".act--like")).to_have_text("1")
    look(bo)
    expect(post.locator(".act--like")).to_have_text("1")
    expect(post.locator(".act--like")).to_have_attribute("aria-pressed", "false")
    look(bo, 204)

    bo.go(f"/post/{number_of(post)}")
    ana.go(f"/post/{number_of(post)}")
    expect(bo.page.get_by_text("Nobody has answered yet.")).to_be_visible()
    mine = bo.page.locator(".thread--here .composer__text")
    mine.fill("half a thought")
    mine.evaluate("control => control.setSelectionRange(4, 4)")
    top = mine.bounding_box()["y"]
    ana.page.locator(".composer__text").fill("I am, says Ana")
    ana.page.keyboard.press("Control+Enter")
    expect(ana.page.locator(".answers .post")).to_have_count(1)
    look(bo)
    expect(bo.page.locator(".answers .post")).to_contain_text("I am, says Ana")
    expect(bo.page.locator(".thread--here .act--reply")).to_have_text("1")
    expect(bo.page.get_by_text("Nobody has answered yet.")).to_be_hidden()
    assert mine.bounding_box()["y"] == top
    assert mine.input_value() == "half a thought"
    assert bo.caret() == [mine.get_attribute("id"), 4, 4]
    bo.page.locator(".answers .post").get_by_role("button", name="Like").click()
    expect(bo.page.locator(".answers .act--like")).to_have_text("1")
    look(ana)
    expect(ana.page.locator(".answers .act--like")).to_have_text("1")

    mine.focus()
    bo.page.keyboard.press("Control+Enter")
    expect(bo.page.locator(".answers .post")).to_have_count(2)
    look(bo)
    expect(bo.page.locator(".answers .post")).to_have_count(2)
    look(ana)
    expect(ana.page.locator(".answers .post")).to_have_count(2)
    assert ana.page.locator(".answers .post__text").all_inner_texts() == ["I am, says Ana", "half a thought"]


def test_what_is_changed_and_taken_away(two):
    ana, bo = two
    write(bo, "To be taken away")
    write(bo, "To be changed")
    ana.page.reload()
    changing, going = (post_of(bo, text) for text in ("To be changed", "To be taken away"))
    gone = ana.page.locator(f"#post-{number_of(going)}")
    for post, choice in ((going, "Delete"), (changing, "Edit")):
        post.get_by_label("More", exact=True).click()
        post.get_by_text(choice, exact=True).click()
    editor = bo.page.locator(".editor .composer__text")
    editor.fill("Changed, and about #gardens")
    bo.page.keyboard.press("Control+Enter")
    expect(bo.toast("Saved.")).to_be_visible()
    ana.page.locator(".act--like").first.focus()
    look(ana)
    seen = post_of(ana, "Changed, and about #gardens")
    expect(seen.get_by_role("link", name="#gardens")).to_be_visible()
    expect(seen.get_by_role("link", name="edited")).to_be_visible()
    expect(seen.locator(".act--like")).to_be_focused()
    expect(gone).to_have_text("Its author has deleted this post.")
    look(ana, 204)


def test_nothing_changes_under_what_is_being_done(two, site):
    """An editor, an answer being typed, an open menu: they stay; the rest of the page goes on."""
    ana, bo = two
    for text in ("One", "Two", "Three"):
        write(bo, text)
    ana.page.reload()
    one, two_, three = (ana.page.locator(f"#post-{number_of(post_of(ana, text))}") for text in ("One", "Two", "Three"))
    numbers = [number_of(post) for post in (one, two_, three)]
    one.get_by_role("link", name="Reply").click()
    one.locator("textarea").fill("half an answer")
    two_.get_by_role("link", name="Reply").click()
    expect(two_.locator("textarea")).to_be_focused()
    three.get_by_label("More", exact=True).click()
    site.stored("UPDATE posts SET deleted_at = '2026-11-20 10:00:00.000000' WHERE id = ?", numbers[0])
    for number in numbers[1:]:
        site.stored("UPDATE posts SET text = 'Changed', version = 2, likes_count = 7 WHERE id = ?", number)
    look(ana)
    expect(two_.locator(".post__text")).to_have_text("Changed")
    expect(two_.locator(".act--like")).to_have_text("7")
    expect(two_.locator("textarea")).to_be_visible()
    expect(one.locator("textarea")).to_have_value("half an answer")
    expect(one.locator(".post__text")).to_have_text("One")
    expect(three.get_by_role("link", name="Report")).to_be_visible()
    ana.page.keyboard.press("Escape")
    ana.page.locator("h1").click()
    look(ana)
    expect(three.locator(".post__text")).to_have_text("Changed")

    ana.allow(410)  # who sends it all the same is told, and keeps it
    one.locator("textarea").focus()
    ana.page.keyboard.press("Control+Enter")
    expect(ana.toast("gone")).to_be_visible()
    expect(one.locator("textarea")).to_have_value("half an answer")

    write(bo, "Mine")
    mine = bo.page.locator(f"#post-{number_of(post_of(bo, 'Mine'))}")
    mine.get_by_label("More", exact=True).click()
    mine.get_by_text("Edit", exact=True).click()
    mine.locator("textarea").fill("Mine, better")
    site.stored("UPDATE posts SET text = 'Theirs', version = 2 WHERE id = ?", number_of(mine))
    look(bo)
    expect(mine.locator("textarea")).to_have_value("Mine, better")
    bo.allow(409)
    bo.page.keyboard.press("Control+Enter")
    expect(mine.locator(".conflict__theirs")).to_have_text("Theirs")


def test_what_is_read_stays_where_it_is(two, site):
    """What grows above does not move it."""
    ana, bo = two
    fill(site, bo, 20)
    ana.page.reload()
    posts = ana.page.locator("[data-post]")
    read = posts.nth(8)
    read.evaluate("post => scrollTo({ top: scrollY + post.getBoundingClientRect().top - 100, behavior: 'instant' })")
    above = number_of(posts.nth(6))
    top = read.bounding_box()["y"]
    site.stored("UPDATE posts SET text = ?, version = 2 WHERE id = ?", "Longer\n" * 12, above)
    look(ana)
    expect(ana.page.locator(f"#post-{above} .post__text")).to_contain_text("Longer")
    assert abs(read.bounding_box()["y"] - top) < 2
    far = number_of(posts.nth(0))
    assert ana.page.evaluate("([id]) => document.getElementById(id).getBoundingClientRect().bottom < -innerHeight / 2",
                             [f"post-{far}"])  # fmt: skip


def test_it_asks_by_itself_and_fails_in_silence(member, site, proxy):
    ana = member("ana", proxy)
    fill(site, ana, 1)
    ana.page.clock.install()
    ana.stop_the_clock()
    asked = []
    ana.page.on("request", lambda request: "since=" in request.url and asked.append(request.url))
    ana.go("/")
    post = ana.page.locator("[data-post]")
    expect(post).to_have_count(1)
    site.stored("UPDATE posts SET likes_count = 3 WHERE id = ?", number_of(post))
    ana.page.clock.run_for(20_000)
    assert not asked
    ana.page.clock.run_for(11_000)
    expect(post.locator(".act--like")).to_have_text("3")
    assert len(asked) == 1

    ana.allow("net", 500, 502)
    for fault in ("502", "500", "refuse", "portal"):
        rule = proxy.rule("GET", "/", fault, times=1)
        ana.page.clock.run_for(31_000)
        ana.until(lambda rule=rule: rule.seen)
        ana.until(lambda: not ana.under_way)
    proxy.calm()
    site.stored("UPDATE posts SET likes_count = 4 WHERE id = ?", number_of(post))
    ana.page.clock.run_for(31_000)
    expect(post.locator(".act--like")).to_have_text("4")
    expect(ana.page.locator(".toast")).to_have_count(0)

    ana.page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    count = len(asked)
    ana.page.clock.run_for(120_000)
    assert len(asked) == count, "a page that nobody sees asks nothing"


def test_a_session_that_ended_takes_no_controls_away(two, site):
    ana, _ = two
    write(ana, "Still here")
    post = post_of(ana, "Still here")
    ana.go("/explore")
    site.stored("DELETE FROM sessions WHERE user_id = ?", site.profile(ana.name, "id"))
    site.stored("UPDATE posts SET text = 'Still here, changed', version = 2, likes_count = 9 WHERE text = 'Still here'")
    look(ana)
    expect(post.locator(".post__text")).to_have_text("Still here, changed")
    expect(post.get_by_role("button", name="Like")).to_be_visible()
    expect(ana.page.get_by_role("dialog")).to_have_count(0)
