"""Atom: valid, for strangers, and not sent twice."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import update
from werkzeug.http import http_date

from microblog.extensions import db, writing
from microblog.feeds.atom import LONG_AGO
from microblog.feeds.views import NEWEST
from microblog.models import User
from microblog.models.columns import now

NS = {"a": "http://www.w3.org/2005/Atom", "thr": "http://purl.org/syndication/thread/1.0"}
FEEDS = ("/user/ana/feed.atom", "/tag/garden/feed.atom", "/explore/feed.atom")


def read(page):
    """The feed, held to what RFC 4287 asks for."""
    assert (page.status, page.headers["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    feed = ET.fromstring(page.data)
    entries = feed.findall("a:entry", NS)
    ids = [node.findtext("a:id", "", NS) for node in (feed, *entries)]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("tag:127.0.0.1,2026") for name in ids), ids
    for node in (feed, *entries):
        assert node.findtext("a:title", "", NS)
        assert node.findtext("a:updated", "", NS).endswith("Z")
        assert node.findall("a:link[@rel='alternate']", NS)
    assert all(entry.findtext("a:author/a:name", "", NS) for entry in entries)
    assert all(entry.find("a:content", NS).get("type") == "html" for entry in entries)
    return feed, entries


def texts(page):
    return ["".join(entry.find("a:content", NS).itertext()) for entry in read(page)[1]]


def test_it_works(browser, ana, bo, said):
    first = said(ana, "The garden\nin the rain: https://example.org/a?b=1&c=2. #moss", tags=("garden",), language="en")
    said(bo, "Bread <b>&</b> butter")
    said(ana, "An answer", reply_to_id=first, thread_id=first, tags=("garden",))
    feed, (entry,) = read(browser.get("/user/ana/feed.atom"))
    assert feed.findtext("a:title", "", NS) == "ana · Microblog"
    assert feed.find("a:link[@rel='self']", NS).get("href") == "http://127.0.0.1:5000/user/ana/feed.atom"
    assert entry.findtext("a:title", "", NS) == "The garden in the rain: https://example.org/a?b=1&c=2. #moss"
    assert feed.get("{http://www.w3.org/XML/1998/namespace}base") == "http://127.0.0.1:5000/"
    assert entry.findtext("a:id", "", NS) == f"tag:127.0.0.1,2026:post/{first}"
    assert entry.find("a:link", NS).get("href") == f"http://127.0.0.1:5000/post/{first}"
    html = entry.findtext("a:content", "", NS)
    assert html.startswith("The garden<br>\nin the rain: <a ")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    assert '<a class="tag" href="/tag/moss">#moss</a>' in html
    assert texts(browser.get("/explore/feed.atom"))[0] == "Bread &lt;b&gt;&amp;&lt;/b&gt; butter"
    _, tagged = read(browser.get("/tag/garden/feed.atom"))
    assert tagged[0].find("thr:in-reply-to", NS).get("ref") == f"tag:127.0.0.1,2026:post/{first}"
    assert tagged[0].findtext("a:content", "", NS) == "An answer"


def test_pages_lead_to_their_feed(browser, ana):
    for path in (*FEEDS, "/tag/%D8%B3%D9%81%D8%B1/feed.atom"):
        link = browser.get(path.removesuffix("/feed.atom")).one('link[rel="alternate"]')
        assert (link["type"], link["href"]) == ("application/atom+xml", path)
        assert read(browser.get(link["href"]))


def test_empty_feeds_are_feeds(browser, ana):
    for path in FEEDS:
        assert texts(browser.get(path)) == []


def test_the_newest_ones(browser, ana, said):
    numbers = [said(ana, f"number {n}", tags=("garden",)) for n in range(NEWEST.limit + 5)]
    for path in FEEDS:
        found = [int(e.findtext("a:id", "", NS).rpartition("/")[2]) for e in read(browser.get(path))[1]]
        assert found == numbers[::-1][: NEWEST.limit]


def test_what_strangers_must_not_read_is_in_no_feed(app, browser, ana, bo, said, change):
    kept = said(ana, "kept", tags=("garden",))
    for column in ("deleted_at", "hidden_at"):
        number = said(ana, "gone", tags=("garden",))
        assert len(texts(browser.get(FEEDS[0]))) == 2
        change(number, **{column: now()})
    said(bo, "suspended", tags=("garden",))
    with app.app_context(), writing():
        db.session.execute(update(User).where(User.id == bo.id).values(suspended_at=now()))
        db.session.commit()
    for path in FEEDS:
        assert texts(browser.get(path)) == ["kept"], kept
    assert texts(browser.get("/user/bo_/feed.atom")) == []


def test_members_get_what_strangers_get(browser, another_browser, ana, said, statements):
    said(ana, "kept", tags=("garden",))
    browser.sign_in(ana)
    for path in FEEDS:
        statements.clear()
        mine = browser.get(path)
        assert 1 <= len(statements) <= 2, "and nobody asks who they are"
        assert mine.data == another_browser.get(path).data
        assert "Set-Cookie" not in mine.headers
        assert mine.headers["Cache-Control"] == "public, max-age=120"


def test_it_is_sent_once(browser, ana, said, change):
    number = said(ana, "first", tags=("garden",))
    for path in FEEDS:
        page = browser.get(path)
        etag = page.headers["ETag"]
        same = browser.get(path, headers={"If-None-Match": etag})
        assert (same.status, same.data) == (304, b"")
        assert same.headers["ETag"] == etag
        both = {"If-None-Match": etag, "If-Modified-Since": http_date(LONG_AGO)}
        assert browser.get(path, headers=both).status == 304
        assert browser.get(path, headers=both | {"If-None-Match": '"other"'}).status == 200
    change(number, text="second", edited_at=now())
    for path in FEEDS:
        assert texts(browser.get(path, headers={"If-None-Match": etag, "If-Modified-Since": http_date()})) == ["second"]


@pytest.mark.parametrize("later", [0, 1])
def test_a_moment_cannot_tell_that_nothing_has_changed(app, browser, ana, said, change, later):
    """For programs that know only when they asked: what is gone, or has another name, leaves no later moment behind."""
    number, _ = said(ana, "first"), said(ana, "second")
    page = browser.get(FEEDS[0])
    known = page.headers.get("Last-Modified", http_date(now() + timedelta(days=later)))

    def ask():
        return browser.get(FEEDS[0], headers={"If-Modified-Since": known})

    assert texts(ask()) == ["second", "first"]
    change(number, deleted_at=now())
    assert texts(ask()) == ["second"]
    with app.app_context(), writing():
        db.session.execute(update(User).where(User.id == ana.id).values(display_name="Ana Berg"))
        db.session.commit()
    assert read(ask())[0].findtext("a:title", "", NS).startswith("Ana Berg")
    with app.app_context(), writing():
        db.session.execute(update(User).where(User.id == ana.id).values(suspended_at=now()))
        db.session.commit()
    assert texts(ask()) == []


@pytest.mark.parametrize(
    "text", ["]]>", "<script>alert(1)</script>", "\x0b\x1f\ufffe\uffff", "&#0;", "\u202e😀", "\n\n"]
)
def test_any_text_is_well_formed(browser, person, said, text):
    author = person("ana", display_name=f"A {text}")
    said(author, f"x{text}", tags=("garden",), language='"><')
    for path in FEEDS:
        (html,) = texts(browser.get(path))
        assert "<script" not in html


def test_a_former_name_leads_on(app, browser, ana, said):
    said(ana, "kept")
    with app.app_context(), writing():
        user = db.session.get(User, ana.id)
        user.change({"username": "berta"}, seen_version=user.version)
        db.session.commit()
    page = browser.get("/user/ana/feed.atom")
    assert (page.status, page.headers["Location"]) == (302, "/user/berta/feed.atom")
    assert texts(browser.get("/user/berta/feed.atom")) == ["kept"]


def test_what_is_no_feed(browser, ana):
    assert browser.get("/user/nobody/feed.atom").status == 404
    assert browser.get("/user/../feed.atom").status == 404
    assert browser.get("/tag/a b/feed.atom").status == 404
    assert browser.get(f"/tag/{'x' * 101}/feed.atom").status == 404
    page = browser.get("/tag/Garden/feed.atom")
    assert (page.status, page.headers["Location"]) == (301, "/tag/garden/feed.atom")
    assert read(browser.get("/tag/سفر/feed.atom"))
