"""Back leads to the very place: wherever a list goes on, two pages further, after following what stands there."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_posts import follow
from tests.support.budget import few

POSTS, HITS, NEWS, PEOPLE = "#timeline > .post", ".hits > .hit", ".news__item", ".listed"
PLACES = {
    "home": ("/", POSTS, ".post__time"),
    "explore": ("/explore", POSTS, ".post__time"),
    "tag": ("/tag/backtag", POSTS, ".post__time"),
    "posts": ("/user/{writer}", POSTS, ".post__time"),
    "replies": ("/user/{writer}?tab=replies", POSTS, ".post__time"),
    "likes": ("/user/{reader}?tab=likes", POSTS, ".post__time"),
    "bookmarks": ("/bookmarks", POSTS, ".post__time"),
    "search": ("/search?q=backward", HITS, ".hit__time"),
    "notifications": ("/notifications", NEWS, ".news__what a[href^='/post/']"),
    "followers": ("/user/{writer}/followers", PEOPLE, "a.person"),
}
MORE = "#older a, #more a, #search-older a"
DAY = "2026-11-01 12:00:00.000000"
COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)"


@pytest.fixture
def reader(member, site):
    """A reader, and `writer` with 130 of everything."""

    def join(**options):
        writer, visitor = member("writer"), member("reader", **options)
        follow(site, visitor, writer)
        author, me = [site.profile(one.name, "id") for one in (writer, visitor)]
        site.stored(
            f"{COUNT} INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count) "
            "SELECT ?, 'Backward and #backtag, number ' || i || char(10) || substr('more and more', 1, i % 7), "
            "'', ?, 1, 0, 0 FROM n",
            author,
            DAY,
        )
        site.stored(
            "INSERT INTO posts (author_id, text, language, created_at, version, likes_count, replies_count, "
            "reply_to_id) SELECT author_id, 'To number ' || id, '', created_at, 1, 0, 0, id FROM posts "
            "WHERE author_id = ? AND reply_to_id IS NULL",
            author,
        )
        mine = "FROM posts WHERE author_id = ? AND reply_to_id IS NULL"
        site.stored(f"INSERT INTO post_tags (tag, post_id) SELECT 'backtag', id {mine}", author)
        for table in ("likes", "bookmarks"):
            site.stored(
                f"INSERT INTO {table} (user_id, post_id, created_at) SELECT ?, id, ? {mine}",
                me,
                DAY,
                author,
            )
        site.stored(
            "INSERT INTO notifications (user_id, kind, actor_id, post_id, created_at) "
            f"SELECT ?, 'mention', author_id, id, ? {mine}",
            me,
            DAY,
            author,
        )
        columns = "password_hash, role, display_name, about_me, location, website, avatar, created_at, updated_at, "
        columns += "last_seen_at, version, edits, unread, notify, time_zone, language"
        site.stored(
            f"{COUNT} INSERT INTO users (username, username_key, email, {columns}) "
            f"SELECT 'fan_' || id || '_' || i, 'fan_' || id || '_' || i, id || i || '@example.com', {columns} "
            "FROM n, users WHERE id = ?",
            author,
        )
        site.stored(
            "INSERT INTO follows (follower_id, followed_id, created_at) "
            "SELECT id, ?, ? FROM users WHERE username LIKE 'fan_' || ? || '_%'",
            author,
            DAY,
            author,
        )
        visitor.names = {"writer": writer.name, "reader": visitor.name}
        return visitor

    return join


def place(page, items):
    """Which item is at the top of the window, where, and how many there are."""
    return page.evaluate(
        """(items) => {
          const all = [...document.querySelectorAll(items)];
          const at = all.findIndex((one) => one.getBoundingClientRect().bottom > 0);
          const top = Math.round(all[at]?.getBoundingClientRect().top);
          return [all.length, at, top, all[at]?.innerText.split("\\n").slice(-2).join()];
        }""",
        items,
    )


def same(ana, items, before):
    """Comes to be as it was."""
    now = []

    def is_same():
        now[:] = place(ana.page, items)
        return now[:2] == before[:2] and abs(now[2] - before[2]) <= 3 and now[3] == before[3]

    try:
        ana.until(is_same)
    except AssertionError as error:
        error.add_note(f"{now} instead of {before}")
        raise


@pytest.mark.parametrize("name", few(PLACES, "home", "replies", "search"))
def test_it_works(reader, name):
    path, items, link = PLACES[name]
    ana = reader()
    page = ana.go(path.format(**ana.names)).page
    for _ in range(2):
        count = page.locator(items).count()
        page.locator(MORE).scroll_into_view_if_needed()
        if name in {"search", "notifications", "followers"}:
            page.locator(MORE).click()
        expect(page.locator(items).nth(count + 5)).to_be_attached()
    target = page.locator(items).nth(page.locator(items).count() - 12)
    target.evaluate("item => scrollTo({ top: scrollY + item.getBoundingClientRect().top - 150, behavior: 'instant' })")
    ana.settle()  # what comes into sight is loaded first
    before = place(page, items)
    assert before[1] > 35
    target.locator(link).first.click()
    page.wait_for_url("**/post/*" if "post" in link or "hit" in link else "**/user/fan_*")
    page.go_back()
    same(ana, items, before)


@pytest.mark.parametrize("name", few(PLACES, "home", "search"))
def test_without_javascript(reader, name):
    """Each page has an address of its own; the browser finds the place on it."""
    path, items, link = PLACES[name]
    ana = reader(javascript=False)
    page = ana.go(path.format(**ana.names)).page
    for _ in range(2):
        first = page.locator(items).first.inner_text()
        page.locator(MORE).click()
        page.wait_for_url("**before=*")
        assert page.locator(items).first.inner_text() != first
    target = page.locator(items).nth(8)
    target.scroll_into_view_if_needed()
    address, first = page.url, page.locator(items).first.inner_text()
    top = target.bounding_box()["y"]
    target.locator(link).first.click()
    page.wait_for_url("**/post/*" if "post" in link or "hit" in link else "**/user/fan_*")
    page.go_back()
    assert page.url == address
    assert page.locator(items).first.inner_text() == first
    ana.until(lambda: abs(target.bounding_box()["y"] - top) <= 3)
