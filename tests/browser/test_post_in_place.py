"""What is done to a post where it stands: nothing typed is lost, and the keyboard goes on from there."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_posts import fill, follow, texts, write
from tests.support.budget import few


@pytest.fixture
def luc(member, site):
    """Somebody, and the number of a post of Ruth's, the newest."""
    ruth, luc = member("ruth"), member("luc")
    fill(site, ruth, 1)
    luc.number = site.stored("SELECT max(id) FROM posts")
    return luc


def delete(site, number):
    """Elsewhere, and this page has not heard of it."""
    site.stored("UPDATE posts SET deleted_at = '2026-11-20 10:00:00.000000' WHERE id = ?", number)


@pytest.mark.parametrize(
    ("path", "button"),
    few(
        itertools.product(["/explore", "/post/{}"], ["Like", "Bookmark"]),
        ("/explore", "Like"),
        ("/post/{}", "Bookmark"),
    ),
)
def test_an_answer_stays_when_its_post_is_gone(luc, site, path, button):
    page = luc.go(path.format(luc.number)).page
    post = page.locator(f"#post-{luc.number}")
    if path == "/explore":
        post.get_by_role("link", name="Reply").click()
    answer = post.locator("textarea")
    answer.fill("Half an answer")
    delete(site, luc.number)
    luc.allow(410)
    post.get_by_role("button", name=button).click()
    expect(luc.toast("This is gone")).to_contain_text("Its author has deleted this post.")
    expect(answer).to_have_value("Half an answer")

    answer.fill("")
    post.get_by_role("button", name=button).click()
    expect(post).to_have_text("Its author has deleted this post.")


@pytest.fixture
def ana(member, site):
    """Somebody with three posts, at home."""
    ana = member("ana")
    fill(site, ana, 3)
    return ana.go("/")


def choose(post, choice):
    post.get_by_label("More", exact=True).click()
    post.get_by_text(choice, exact=True).click()


@pytest.mark.parametrize("way", ["Control+Enter", "Escape", "Save", "Cancel"])
def test_the_focus_stays_at_a_post_that_was_edited(ana, way):
    page = ana.page
    posts = page.locator("#timeline > .post")
    choose(posts.nth(1), "Edit")
    expect(posts.nth(1).locator("textarea")).to_be_focused()
    page.keyboard.type("More. ")
    if way in {"Save", "Cancel"}:
        posts.nth(1).get_by_text(way, exact=True).click()
    else:
        page.keyboard.press(way)
    expect(posts.nth(1).locator("textarea")).to_have_count(0)
    expect(posts.nth(1)).to_be_focused()
    page.keyboard.press("j")
    expect(posts.nth(2)).to_be_focused()


@pytest.mark.parametrize(("key", "neighbour"), [("j", 2), ("k", 0)])
def test_the_focus_stays_where_a_post_was_deleted(ana, key, neighbour):
    posts = ana.page.locator("#timeline > .post")
    choose(posts.nth(1), "Delete")
    expect(posts.nth(1)).to_contain_text("You have deleted this post.")
    expect(posts.nth(1)).to_be_focused()
    ana.page.keyboard.press(key)
    expect(posts.nth(neighbour)).to_be_focused()


@pytest.mark.parametrize("way", ["Escape", "Cancel"])
def test_an_editor_closes_when_its_post_was_deleted_elsewhere(ana, site, way):
    page = ana.page
    post = page.locator("#timeline > .post").nth(1)
    number = post.get_attribute("id").removeprefix("post-")
    choose(post, "Edit")
    post.locator("textarea").fill("Second thoughts")
    delete(site, number)
    ana.allow(410)
    post.get_by_text("Cancel", exact=True).click() if way == "Cancel" else page.keyboard.press(way)
    expect(post).to_contain_text("You have deleted this post.")
    expect(post).to_be_focused()
    expect(ana.toast("Put aside.")).to_contain_text("should the post come back")

    site.stored("UPDATE posts SET deleted_at = NULL WHERE id = ?", number)
    page.reload()
    choose(post, "Edit")
    post.get_by_role("button", name="Use it").click()
    expect(post.locator("textarea")).to_have_value("Second thoughts")


@pytest.mark.parametrize("choice", ["Edit", "Reply"])
def test_edit_and_reply_of_a_post_deleted_elsewhere(ana, site, choice):
    post = ana.page.locator("#timeline > .post").nth(1)
    delete(site, post.get_attribute("id").removeprefix("post-"))
    ana.allow(410)
    if choice == "Edit":
        choose(post, "Edit")
    else:
        post.get_by_role("link", name="Reply").click()
    expect(post).to_contain_text("You have deleted this post.")
    expect(post).to_be_focused()
    expect(ana.toast("This is gone")).to_be_visible()


def test_cancel_leaves_the_page_of_an_answer(luc):
    page = luc.go(f"/post/{luc.number}/reply").page
    page.locator(".composer__text").fill("Half an answer")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"**/post/{luc.number}")
    expect(page.locator(".composer__text")).to_have_value("Half an answer")


def test_new_posts_go_below_what_was_written_since(member, site):
    ana, bo = member("ana"), member("bo")
    follow(site, ana, bo)
    fill(site, bo, 2)
    ana.go("/")
    for writer, text in ((bo, "First"), (ana, "Second"), (bo, "Third"), (ana, "Fourth")):
        write(writer.go("/") if writer is bo else writer, text)
        if writer is bo:
            ana.page.evaluate("document.dispatchEvent(new Event('look'))")
            expect(ana.page.locator("[data-take]")).to_be_visible()
    ana.page.get_by_role("link", name="2 new posts").click()
    expect(ana.page.locator("#timeline > .post")).to_have_count(6)
    assert texts(ana)[:4] == ["Fourth", "Third", "Second", "First"]
    shown = texts(ana)
    ana.page.reload()
    assert texts(ana) == shown


def test_new_posts_come_while_an_answer_is_being_typed(luc, site):
    page = luc.go("/explore").page
    post = page.locator(f"#post-{luc.number}")
    post.get_by_role("link", name="Reply").click()
    post.locator("textarea").fill("Half an answer")
    site.stored("INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count) "
                "SELECT author_id, 'News', '', created_at, 1, 0, 0 FROM posts WHERE id = ?", luc.number)  # fmt: skip
    page.evaluate("document.dispatchEvent(new Event('look'))")
    page.locator("[data-take]").click()
    expect(page.locator("#timeline > .post").first).to_contain_text("News")
    expect(post.locator("textarea")).to_have_value("Half an answer")


def test_an_answer_that_the_page_hears_of_before_it_is_told_that_it_was_written(member, site, proxy):
    """Both bring it; it stands there once."""
    ruth, luc = member("ruth"), member("luc", proxy)
    write(ruth.go("/"), "Who is awake?")
    number = site.stored("SELECT max(id) FROM posts")
    page = luc.go(f"/post/{number}").page
    proxy.rule("POST", f"/post/{number}/reply", "later")
    page.locator(".composer__text").fill("Mine")
    page.keyboard.press("Control+Enter")
    luc.until(lambda: site.stored("SELECT 1 FROM posts WHERE reply_to_id = ?", number))
    page.evaluate("document.dispatchEvent(new Event('look'))")
    expect(page.locator(".answers .post")).to_have_text(re.compile("Mine"))
    proxy.calm()
    expect(luc.toast("Posted.")).to_be_visible()
    luc.settle()
    expect(page.locator(".answers .post")).to_have_count(1)


def test_delete_pressed_twice(ana):
    posts = ana.page.locator("#timeline > .post")
    posts.nth(1).get_by_label("More", exact=True).click()
    posts.nth(1).get_by_text("Delete", exact=True).evaluate("button => { button.click(); button.click(); }")
    expect(posts.nth(1)).to_contain_text("You have deleted this post.")
    ana.settle()
    expect(ana.toast("Post deleted.")).to_have_count(1)
