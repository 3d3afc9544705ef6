"""Changing one's own post."""

import json

import pytest
from sqlalchemy import delete, event, func, insert, select

from microblog.extensions import db, writing
from microblog.models import Mention, Notification, Post, PostTag, PostVersion, User
from microblog.models.columns import now
from microblog.models.post import MENTIONS
from microblog.models.throttle import ThrottleBucket


@pytest.fixture
def post(browser, ana, write):
    browser.sign_in(ana)
    return write(ana, "first #one", language="en")


def form(browser, number):
    return browser.get(f"/post/{number}/edit").values(f'form[action="/post/{number}/edit"]')


def test_it_works(browser, ana, bo, post, stored, records):
    sent = form(browser, post)
    assert (sent["text"], sent["version"]) == ("first #one", "1")
    page = browser.hx_post(f"/post/{post}/edit", data=sent | {"text": "second #two @bo_", "language": "de"})
    assert page.status == 200
    assert page.one(f"#post-{post} .post__text")["lang"] == "de"
    assert page.one(".post__edited")["href"] == f"/post/{post}/history"
    carried = json.loads(page.headers["HX-Trigger"])["field:saved"]
    assert carried == {"field": f"post-{post}", "version": 2, "was": {}}
    assert stored(select(PostVersion.text)) == "first #one"
    assert stored(select(PostTag.tag)) == "two"
    assert stored(select(Notification.kind).where(Notification.user_id == bo.id)) == "mention"
    assert records("post.edited")
    again = browser.hx_post(f"/post/{post}/edit", data=form(browser, post) | {"text": "third @bo_"})
    assert again.status == 200
    assert stored(select(func.count(Notification.id))) == 1, "told once"
    assert stored(select(func.count(Mention.post_id))) == 1


def test_everybody_reads_what_it_said(browser, another_browser, post):
    browser.post(f"/post/{post}/edit", data=form(browser, post) | {"text": "second"})
    browser.post(f"/post/{post}/edit", data=form(browser, post) | {"text": "third"})
    page = another_browser.get(f"/post/{post}/history")
    assert [version.get_text(strip=True) for version in page.all(".post__text")] == ["third", "second", "first#one"]
    assert another_browser.get(f"/post/{post}").said(".post__edited") == "edited"


def test_only_the_author(browser, another_browser, bo, post, stored):
    sent = form(browser, post)
    other = another_browser.sign_in(bo)
    assert other.get(f"/post/{post}/edit").status == 403
    assert other.hx_post(f"/post/{post}/edit", text="hacked", version="1").status == 403
    assert other.hx_post(f"/post/{post}/delete").status == 403
    assert other.hx_post(f"/post/{post}/restore").status == 403
    assert other.post(f"/post/{post}/edit", data=sent | {"text": "x", "csrf_token": other.token}).status == 403
    assert stored(select(Post.text)) == "first #one"
    choices = [choice.get_text(strip=True) for choice in other.get(f"/post/{post}").all(".post__choice")]
    assert choices == ["Report"], "neither Edit nor Delete"


@pytest.mark.parametrize("version", ["0", "7", "x", ""])
def test_a_version_that_never_was(browser, post, stored, version):
    """A form that was tampered with: a conflict, although the post was never changed."""
    sent = form(browser, post) | {"text": "second", "version": version}
    page = browser.hx_post(f"/post/{post}/edit", data=sent)
    assert page.status == 409
    assert page.said(".conflict__theirs") == "first #one"
    assert page.one("textarea").get_text().strip() == "second"


@pytest.mark.parametrize("fragment", [True, False])
def test_two_tabs(browser, post, stored, fragment):
    one, other = form(browser, post), form(browser, post)
    send = browser.hx_post if fragment else browser.post
    assert send(f"/post/{post}/edit", data=one | {"text": "from one tab"}).status in {200, 303}
    page = send(f"/post/{post}/edit", data=other | {"text": "from the other"})
    assert page.status == 409
    assert page.said(".conflict__theirs") == "from one tab"
    assert page.one("textarea").get_text().strip() == "from the other"
    assert stored(select(Post.text)) == "from one tab"
    kept = page.values(f'form[action="/post/{post}/edit"]')
    assert kept["version"] == "2"
    assert send(f"/post/{post}/edit", data=kept).status in {200, 303}
    assert stored(select(Post.text)) == "from the other"
    same = send(f"/post/{post}/edit", data=one | {"text": "from the other", "once": "x" * 30})
    assert same.status in {200, 303}, "the same text is no conflict"


def test_one_s_own_lost_answer_is_no_conflict(browser, post, stored):
    sent = form(browser, post)
    browser.hx_post(f"/post/{post}/edit", data=sent | {"text": "second"})
    page = browser.hx_post(f"/post/{post}/edit", data=sent | {"text": "second, and more"})
    assert page.status == 200
    assert stored(select(Post.text)) == "second, and more"
    assert browser.hx_post(f"/post/{post}/edit", data=sent | {"text": "second"}).status == 200
    assert stored(select(Post.text)) == "second, and more", "a repeat changes nothing"


def test_refused(browser, post):
    page = browser.hx_post(f"/post/{post}/edit", data=form(browser, post) | {"text": ""})
    assert page.status == 422
    assert page.said(f"#post-{post}-text-message") == "Write something first."


def test_gone_meanwhile(browser, app, post):
    sent = form(browser, post) | {"text": "second"}
    browser.hx_post(f"/post/{post}/delete")
    page = browser.hx_post(f"/post/{post}/edit", data=sent)
    assert page.status == 410
    assert page.headers["HX-Retarget"] == "#toasts"
    assert browser.get(f"/post/{post}/edit").status == 410
    with app.app_context(), writing():
        db.session.delete(db.session.get(Post, post))
        db.session.commit()
    assert browser.hx_post(f"/post/{post}/edit", data=sent).status == 404


def test_unchanged(browser, post, stored):
    page = browser.hx_post(f"/post/{post}/edit", data=form(browser, post))
    assert "says so already" in page.said(".toast")
    assert stored(select(Post.edited_at)) is None


@pytest.fixture
def say(app, post):
    """Edit the post past the page, with as many edits as it takes and no pace: ``say("second", "third")``."""

    def edit(*texts):
        with app.app_context():
            for text in texts:
                with writing():
                    db.session.execute(delete(ThrottleBucket))
                    found = db.session.get(Post, post)
                    assert found.edit(text, language="", seen_version=found.version)
                    db.session.commit()

    return edit


class TestThrottle:
    @pytest.fixture
    def settings(self, settings, changed):
        return changed(posts={"per_five_minutes": 2})

    def test_too_fast(self, browser, post, stored):
        """An edit that changes nothing, a conflict and a repeat cost no turn; somebody who edits can still write."""
        old = form(browser, post)
        for text in ("second", "third"):
            sent = form(browser, post) | {"text": text}
            for _ in range(3):
                assert browser.hx_post(f"/post/{post}/edit", data=sent).status == 200, "repeats too"
            assert browser.hx_post(f"/post/{post}/edit", data=form(browser, post)).status == 200, "nothing changed"
            assert browser.hx_post(f"/post/{post}/edit", data=old | {"text": "conflict"}).status == 409
        sent = form(browser, post) | {"text": "fourth"}
        page = browser.hx_post(f"/post/{post}/edit", data=sent)
        assert page.status == 429
        assert 0 < int(page.headers["Retry-After"]) <= 300
        assert page.headers["HX-Retarget"] == "#toasts", "what was typed stays where it is"
        page = browser.post(f"/post/{post}/edit", data=sent)
        assert page.status == 429
        assert "fourth" in page.said(".kept")
        assert stored(select(Post.text)) == "third"
        assert stored(select(func.count(PostVersion.id))) == 2
        composer = browser.get("/post").values("#composer")
        assert browser.hx_post("/post", data=composer | {"text": "another"}).status == 200


class TestHistory:
    @pytest.fixture
    def settings(self, settings, changed):
        return changed(posts={"page_size": 5, "versions_kept": 8})

    def test_a_page_at_a_time(self, another_browser, post, say):
        say(*(f"version {number}" for number in range(1, 8)))
        page = another_browser.get(f"/post/{post}/history")
        texts = [version.get_text(strip=True) for version in page.all(".post__text")]
        assert texts == [f"version {number}" for number in (7, 6, 5, 4, 3, 2)]
        page = another_browser.get(str(page.one(".timeline__older a")["href"]))
        assert [version.get_text(strip=True) for version in page.all(".post__text")] == ["version 1", "first#one"]
        assert not page.all(".timeline__older")
        assert "gone" not in page.said(), "all are there"
        assert "nothing older" in another_browser.get(f"/post/{post}/history?before=1").said()

    def test_the_newest_are_kept(self, another_browser, app, post, say, write, ana, stored):
        other = write(ana, "another post")
        with app.app_context(), writing():
            rows = [{"post_id": number, "text": "old", "language": "", "written_at": now()} for number in (post, other)]
            db.session.execute(insert(PostVersion), rows * 20)
            db.session.commit()
        say(*(f"version {number}" for number in range(1, 10)))
        assert stored(select(func.count(PostVersion.id)).where(PostVersion.post_id == post)) == 8
        assert stored(select(func.count(PostVersion.id)).where(PostVersion.post_id == other)) == 20
        page = another_browser.get(f"/post/{post}/history")
        assert "gone" not in page.said(), "that stands at the end"
        page = another_browser.get(str(page.one(".timeline__older a")["href"]))
        assert [version.get_text(strip=True) for version in page.all(".post__text")] == [
            f"version {number}" for number in (3, 2, 1)
        ]
        assert "only the newest 8 are kept" in page.said()

    def test_no_more_are_read_than_are_shown(self, browser, app, post):
        """The page costs the same however many there are: of a database from before so few were kept."""
        with app.app_context(), writing():
            rows = [{"post_id": post, "text": f"{n}", "language": "", "written_at": now()} for n in range(40)]
            db.session.execute(insert(PostVersion), rows)
            db.session.commit()
        read = []
        count = event.listens_for(PostVersion, "load")(lambda version, _context: read.append(version.text))
        try:
            page = browser.get(f"/post/{post}/history")
        finally:
            event.remove(PostVersion, "load", count)
        assert len(page.all(".version")) == 1 + 5
        assert len(read) == 5 + 1, "one more, to know whether there is more"


def test_one_post_calls_so_many(person, say, stored):
    """However often it is edited: the page of each who is told would be full of it."""
    people = [person(f"someone_{number}").id for number in range(MENTIONS + 3)]
    called = select(func.count()).where(Notification.kind == "mention")
    say(*(f"Look @someone_{number}" for number in range(MENTIONS - 1)))
    assert stored(called) == MENTIONS - 1
    say("Look @someone_0 @someone_1", "Look @someone_1", "Look @someone_2")
    assert stored(called) == MENTIONS - 1, "each once"
    say(*(f"Look @someone_{number}" for number in range(MENTIONS - 1, MENTIONS + 3)))
    assert stored(called) == MENTIONS
    assert stored(select(User.unread).where(User.id == people[MENTIONS - 1])) == 1
    assert stored(select(User.unread).where(User.id == people[MENTIONS])) == 0
    assert stored(select(Mention.user_id)) == people[-1], "it is a link, and found as one"
    say(" ".join(f"@someone_{number}" for number in range(MENTIONS + 3)))
    assert stored(called) == MENTIONS
