"""F67, F68 in a real browser: everything that a member does to posts and people, offline and with a double click."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_posts import fill, write
from tests.support.budget import few

TYPED = "Typed in a tunnel"


@pytest.fixture
def two(member, site, proxy):
    """Ana, behind the proxy, on her home page with a post of hers; Bo, who has one too."""
    bo, ana = member("bo"), member("ana", proxy)
    fill(site, bo, 1)
    write(ana.go("/"), "Mine")
    return ana, bo


def numbers(site, *people):
    newest = "SELECT max(id) FROM posts WHERE author_id = ?"
    return [site.stored(newest, site.profile(one.name, "id")) for one in people]


class Doing:
    """One action: `start` leads up to its button, `button` is pressed, `count` says how often it is done."""

    def __init__(self, name, ana, bo, site):
        self.page, self.site, self.name = ana.page, site, name
        self.ana, self.bo = ana, bo
        self.mine, self.theirs = numbers(site, ana, bo)
        getattr(self, f"to_{name.replace(' ', '_')}")()

    def count(self):
        return self.site.stored(*self.counted)

    def post(self, number):
        return self.page.locator(f"#post-{number}")

    def to_write(self):
        self.page.locator("#composer-text").fill(TYPED)
        self.button = self.page.locator("#composer .button--primary")
        self.counted = "SELECT count(*) FROM posts WHERE text = ? AND author_id = ?", TYPED, self.me
        self.path, self.typed = "/post", self.page.locator("#composer-text")

    def to_reply(self):
        self.ana.go(f"/post/{self.theirs}")
        self.typed = self.page.locator(".thread--here .composer__text")
        self.typed.fill(TYPED)
        self.button = self.page.locator(".thread--here .composer .button--primary")
        self.counted = "SELECT count(*) FROM posts WHERE reply_to_id = ?", self.theirs
        self.path = f"/post/{self.theirs}/reply"

    def to_edit(self):
        post = self.post(self.mine)
        post.get_by_label("More", exact=True).click()
        post.get_by_text("Edit", exact=True).click()
        self.typed = post.locator("textarea")
        self.typed.fill(TYPED)
        self.button = post.get_by_role("button", name="Save")
        self.counted = "SELECT count(*) FROM post_versions WHERE post_id = ?", self.mine
        self.path = f"/post/{self.mine}/edit"

    def to_delete(self):
        post = self.post(self.mine)
        post.get_by_label("More", exact=True).click()
        self.button = post.get_by_role("button", name="Delete")
        self.counted = "SELECT count(*) FROM posts WHERE id = ? AND deleted_at IS NOT NULL", self.mine
        self.path = f"/post/{self.mine}/delete"

    def _mark(self, verb, table, label):
        self.ana.go("/explore")
        self.button = self.post(self.theirs).get_by_role("button", name=label)
        self.counted = f"SELECT count(*) FROM {table} WHERE post_id = ?", self.theirs
        self.path = f"/post/{self.theirs}/{verb}"

    def to_like(self):
        self._mark("like", "likes", "Like")

    def to_bookmark(self):
        self._mark("bookmark", "bookmarks", "Bookmark")

    def _relate(self, verb, table, column):
        self.ana.go(f"/user/{self.bo.name}")
        if verb != "follow":
            self.page.get_by_label(re.compile("^More about")).click()
        self.button = self.page.locator(f'form[action$="/{verb}"] button')
        self.counted = f"SELECT count(*) FROM {table} WHERE {column} = ?", self.me
        self.path = f"/user/{self.bo.name}/{verb}"

    def to_follow(self):
        self._relate("follow", "follows", "follower_id")

    def to_mute(self):
        self._relate("mute", "mutes", "muter_id")

    def to_block(self):
        self._relate("block", "blocks", "blocker_id")

    def to_report(self):
        self.ana.go(f"/post/{self.theirs}/report")
        self.page.get_by_label("Spam or advertising").check()
        self.typed = self.page.locator("#note")
        self.typed.fill(TYPED)
        self.button = self.page.get_by_role("button", name="Report")
        self.counted = "SELECT count(*) FROM reports WHERE reporter_id = ?", self.me
        self.path = f"/post/{self.theirs}/report"

    @property
    def me(self):
        return self.site.profile(self.ana.name, "id")


ACTIONS = ["write", "reply", "edit", "delete", "like", "bookmark", "follow", "mute", "block", "report"]


def expect_done(doing, count=1):
    """It becomes so, and stays so."""
    doing.ana.until(lambda: doing.count() == count)
    doing.ana.settle()
    assert doing.count() == count


@pytest.mark.fault(67)
@pytest.mark.parametrize("name", few(ACTIONS, "write", "delete", "like", "follow"))
def test_offline(two, site, proxy, name):
    ana, bo = two
    doing = Doing(name, ana, bo, site)
    ana.allow("net")
    address, shown = ana.page.url, doing.button.inner_html()
    proxy.rule("POST", doing.path, "refuse")
    doing.button.click()
    told = ana.toast(re.compile("cannot be reached|offline"))
    expect(told).to_be_visible()
    assert doing.count() == 0
    assert ana.page.url == address
    if hasattr(doing, "typed"):
        expect(doing.typed).to_have_value(TYPED)
    if name in {"like", "bookmark", "follow"}:
        assert doing.button.inner_html() == shown, "the page shows what is stored"
    proxy.calm()
    told.get_by_role("button", name=re.compile("again")).click()
    expect_done(doing)


@pytest.mark.fault(68)
@pytest.mark.parametrize("name", few(ACTIONS, "reply", "edit", "bookmark", "block", "report"))
def test_double_click(two, site, proxy, name):
    ana, bo = two
    doing = Doing(name, ana, bo, site)
    proxy.rule("POST", doing.path, held=True)
    doing.button.dblclick()
    proxy.calm()
    expect_done(doing)


@pytest.mark.fault(67)
def test_marked_read_when_the_network_is_back(two, site, proxy):
    ana, bo = two
    ana.allow("net")
    mine = site.stored("SELECT max(id) FROM posts WHERE text = 'Mine'")
    bo.go("/explore").page.locator(f"#post-{mine}").get_by_role("button", name="Like").click()
    expect(bo.page.locator(f"#post-{mine} .act--like")).to_have_text("1")
    proxy.rule("POST", "/notifications/read", "refuse")
    ana.go("/notifications")
    expect(ana.toast("cannot be reached")).to_be_visible()
    assert site.profile(ana.name, "unread") == 1
    proxy.calm()
    ana.page.get_by_role("button", name="Mark all as read").click()
    expect(ana.page.get_by_role("button", name="Mark all as read")).to_have_count(0)
    assert site.profile(ana.name, "unread") == 0
