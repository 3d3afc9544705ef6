"""Changing one's own post."""

import json

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Mention, Notification, Post, PostTag, PostVersion


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
