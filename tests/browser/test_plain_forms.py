"""The whole of posts, people, search, notifications and moderation by plain forms: JavaScript is off."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_posts import fill


@pytest.fixture
def plain(member):
    return lambda stem, **options: member(stem, javascript=False, **options)


def menu(place):
    place.get_by_label("More", exact=True).click()


def write(visitor, text):
    visitor.go("/").page.get_by_label("What is new?").fill(text)
    visitor.page.get_by_role("button", name="Post", exact=True).click()
    expect(visitor.toast("Posted.")).to_be_visible()
    return visitor.page.locator("article.post").filter(has_text=text).first


def test_posts(plain, site):
    ana, bo = plain("ana"), plain("bo")
    post = write(ana, "First, with #plainly and @" + bo.name)
    number = post.get_attribute("id").removeprefix("post-")
    menu(post)
    post.get_by_role("link", name="Edit").click()
    expect(ana.page.locator("h1")).to_have_text("Edit your post")
    ana.page.locator(f"#post-{number}-text").fill("Second, with #plainly")
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Saved.")).to_be_visible()
    ana.page.get_by_role("link", name="edited").click()
    expect(ana.page.locator(".version")).to_have_count(2)

    page = bo.go("/tag/plainly").page
    post = page.locator(f"#post-{number}")
    for label, name in (("Like", "likes"), ("Bookmark", "bookmarks")):
        for pressed in ("true", "false", "true"):
            post.get_by_role("button", name=label).click()
            expect(post.get_by_role("button", name=label)).to_have_attribute("aria-pressed", pressed)
            assert "/tag/plainly" in page.url
        assert site.stored(f"SELECT count(*) FROM {name} WHERE post_id = ?", number) == 1
    expect(bo.go("/bookmarks").page.locator(f"#post-{number}")).to_be_visible()
    page.locator(f"#post-{number}").get_by_role("link", name="Reply").click()
    expect(page.locator("h1")).to_have_text("Answer")
    bo.allow(422)
    page.get_by_label("Your answer").fill("x" * 501)
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_text("1 character too many")).to_be_visible()
    expect(page.get_by_label("Your answer")).to_have_value("x" * 501)
    page.get_by_label("Your answer").fill("An answer")
    page.get_by_role("button", name="Reply").click()
    expect(page.locator(".answers .post")).to_contain_text("An answer")

    post = ana.go(f"/post/{number}").page.locator(f"#post-{number}")
    expect(ana.page.locator(".answers .post")).to_contain_text("An answer")
    menu(post)
    post.get_by_role("button", name="Delete").click()
    expect(ana.toast("Post deleted.")).to_be_visible()
    bo.allow(410)
    expect(bo.go(f"/post/{number}").page.get_by_text("Its author has deleted")).to_be_visible()
    ana.toast("Post deleted.").get_by_role("button", name="Undo").click()
    expect(ana.page.locator(f"#post-{number}")).to_contain_text("Second")
    expect(bo.go(f"/post/{number}").page.locator(f"#post-{number} .post__text")).to_contain_text("Second")


def test_people(plain, site):
    ana, bo = plain("ana"), plain("bo")
    page = ana.go(f"/user/{bo.name}").page
    page.get_by_role("button", name=re.compile("^Follow ")).click()
    expect(ana.toast("You follow")).to_be_visible()
    write(bo, "For whoever follows me")
    expect(ana.go("/").page.locator("article.post")).to_contain_text("For whoever follows me")
    expect(ana.go(f"/user/{bo.name}/followers").page.locator(".listed")).to_contain_text(ana.name)
    for verb, said, list_ in (("Mute", "is muted.", "muted"), ("Block", "is blocked.", "blocked")):
        ana.go(f"/user/{bo.name}").page.get_by_label(re.compile("^More about")).click()
        page.get_by_role("button", name=re.compile(f"^{verb}")).click()
        expect(ana.toast(said)).to_be_visible()
        expect(ana.go("/").page.locator("article.post")).to_have_count(0)
        ana.go("/settings/people" + ("?list=muted" if list_ == "muted" else ""))
        page.get_by_role("button", name=re.compile(f"^Un{verb.lower()}")).click()
        expect(ana.toast("any more.")).to_be_visible()
        expect(page.get_by_text(re.compile("^Nobody. You"))).to_be_visible()
    ana.go(f"/user/{bo.name}").page.get_by_role("button", name=re.compile("^Follow ")).click()
    page.locator(".follow button").click()
    expect(ana.toast("You no longer follow")).to_be_visible()
    assert site.stored("SELECT count(*) FROM follows WHERE follower_id = ?", site.profile(ana.name, "id")) == 0


def test_search_and_load_more(plain, site):
    ana, bo = plain("ana"), plain("bo")
    fill(site, bo, 60)
    write(bo, "A needle_" + bo.name)
    page = ana.go("/explore").page
    page.get_by_label("Search").fill("needle_" + bo.name)
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(1)
    page.locator(".hit__time").click()
    expect(page.locator(".thread--here")).to_contain_text("needle_")
    ana.go(f"/user/{bo.name}")
    seen = []
    while True:
        seen += page.locator("article.post").evaluate_all("posts => posts.map(({ id }) => id)")
        if not page.get_by_role("link", name="Load more").count():
            break
        page.get_by_role("link", name="Load more").click()
        page.wait_for_url(re.compile("before="))
    assert len(seen) == len(set(seen)) == 61


def test_notifications(plain, site):
    ana, bo = plain("ana"), plain("bo")
    post = write(ana, "Read me")
    number = post.get_attribute("id")
    bo.go("/explore").page.locator(f"#{number}").get_by_role("button", name="Like").click()
    ana.go("/").page.get_by_role("link", name=re.compile("Notifications 1 unread")).click()
    expect(ana.page.locator(".news__item.is-new")).to_contain_text("likes your post")
    assert site.profile(ana.name, "unread") == 1
    ana.page.get_by_role("button", name="Mark all as read").click()
    expect(ana.page.locator(".news__item.is-new")).to_have_count(0)
    assert site.profile(ana.name, "unread") == 0
    ana.page.get_by_role("link", name="Choose what to be told").click()
    ana.page.get_by_label("Somebody likes a post of mine").uncheck()
    ana.page.get_by_role("button", name="Save").click()
    expect(ana.toast("Notifications saved.")).to_be_visible()
    expect(ana.page.get_by_label("Somebody likes a post of mine")).not_to_be_checked()


def test_moderation(plain, site):
    """Reported, hidden, shown again; suspended, told so at the next click, let in again; all in the trail."""
    ana, bo, mo = plain("ana"), plain("bo"), plain("mo")
    site.stored("UPDATE users SET role = 'moderator' WHERE username = ?", mo.name)
    post = write(bo, "Buy my watches " + bo.name)
    number = post.get_attribute("id").removeprefix("post-")
    post = ana.go(f"/post/{number}").page.locator(f"#post-{number}")
    menu(post)
    post.get_by_role("link", name="Report").click()
    ana.page.get_by_label("Spam or advertising").check()
    ana.page.locator("#note").fill("Every day")
    ana.page.get_by_role("button", name="Report").click()
    expect(ana.toast("Reported.")).to_be_visible()

    page = mo.go("/").page
    page.get_by_role("link", name="Reports").click()
    case = page.locator(".case").filter(has_text=bo.name)
    expect(case).to_contain_text("Every day")
    case.get_by_label(re.compile("^Why")).fill("Spam indeed")
    case.get_by_role("button", name="Hide the post").click()
    expect(page.locator(".case").filter(has_text=bo.name)).to_have_count(0)
    expect(mo.toast(re.compile("hidden", re.IGNORECASE))).to_be_visible()
    bo.allow(410, 403)
    expect(bo.go(f"/post/{number}").page.get_by_text("A moderator has taken this post away.")).to_be_visible()
    mo.toast(re.compile("hidden", re.IGNORECASE)).get_by_role("button", name="Undo").click()
    expect(bo.go(f"/post/{number}").page.locator(f"#post-{number} .post__text")).to_contain_text("Buy my watches")

    mo.go(f"/user/{bo.name}").page.get_by_label(re.compile("^More about")).click()
    page.get_by_role("link", name=re.compile("^Moderate")).click()
    page.get_by_label(re.compile("^Why")).fill("Enough")
    page.get_by_role("button", name="Suspend the member").click()
    expect(mo.toast(re.compile("suspended", re.IGNORECASE))).to_be_visible()
    bo.page.locator(f"#post-{number}").get_by_label("More", exact=True).click()
    bo.page.locator(f"#post-{number}").get_by_role("link", name="Edit").click()
    expect(bo.page.locator("h1")).to_have_text("Your account is suspended")
    mo.go("/moderation/log")
    expect(page.locator("main")).to_contain_text("Enough")
    mo.go(f"/moderation/user/{site.profile(bo.name, 'id')}")
    page.get_by_role("button", name="Lift the suspension").click()
    expect(page.get_by_role("button", name="Suspend the member")).to_be_visible()
    assert site.profile(bo.name, "suspended_at") is None
