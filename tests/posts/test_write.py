"""Writing a post, and answering one."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Block, Mention, Mute, Notification, Post, PostTag, User
from microblog.models.notification import KINDS

HERE = {"HX-Current-URL": "http://localhost/"}


def form(browser, path="/post", page="/"):
    """What the form on the page sends."""
    return browser.get(page).values(f'form[action="{path}"]')


def test_it_works(browser, ana, stored, records):
    sent = form(browser.sign_in(ana))
    text = "  First!\r\n\r\n\r\n\r\nSecond line #Été  "
    page = browser.hx_post("/post", data=sent | {"text": text, "language": "de"}, headers=HERE)
    assert page.status == 200
    assert stored(select(Post.text)) == "First!\n\nSecond line #Été"
    assert stored(select(Post.language)) == "de"
    assert stored(select(PostTag.tag)) == "été"
    assert stored(select(Post.thread_id)) == stored(select(Post.id))
    assert page.one("#post-1 .post__text")["lang"] == "de"
    assert page.one("form#composer textarea").get_text().strip() == ""
    assert page.one("form#composer input[name=once]")["value"] != sent["once"]
    assert "Posted." in page.said(".toast")
    (record,) = records("post.written")
    assert record["post_id"] == 1
    assert "First!" not in str(records()), "what people write is in no log"
    assert browser.get("/").said("#post-1 .post__text") == "First! Second line #Été"


def test_it_works_without_javascript(browser, ana, stored):
    sent = form(browser.sign_in(ana), page="/post")
    page = browser.post("/post", data=sent | {"text": "First!"})
    assert (page.status, page.headers["Location"]) == (303, "/")
    assert "Posted." in browser.get("/").said(".toast")


@pytest.mark.parametrize("fragment", [True, False])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("  \n ", "Write something first."),
        ("x" * 501, "1 character too many: at most 500 fit."),
        ("👩‍🚀" * 503, "3 characters too many"),
        ("x" + "\u0301" * 6000, "far too long"),
        ("a\x00b", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
    ],
    ids=range(6),
)
def test_refusals(browser, ana, stored, text, why, fragment):
    sent = form(browser.sign_in(ana)) | {"text": text}
    page = browser.hx_post("/post", data=sent, headers=HERE) if fragment else browser.post("/post", data=sent)
    assert page.status == 422
    assert page.is_page != fragment
    assert why in page.said("#composer-text-message")
    assert page.one("form.composer textarea")["aria-invalid"] == "true"
    assert page.one("form.composer input[name=once]")["value"] == sent["once"]
    assert not stored(select(Post.id))


@pytest.mark.parametrize(
    "text", ["👩‍🚀" * 500, "\U0001faf8 emoji of the years after this Python", "x" * 500], ids=range(3)
)
def test_what_fits(browser, ana, stored, text):
    sent = form(browser.sign_in(ana)) | {"text": text, "language": "tlh"}
    assert browser.hx_post("/post", data=sent, headers=HERE).status == 200
    assert stored(select(Post.text)) == text
    assert stored(select(Post.language)) == "", "a language that the list does not offer is none"


def test_strangers_and_foreign_forms(browser, ana, bo, stored):
    assert browser.get("/post").headers["Location"].startswith("/login")
    sent = form(browser.sign_in(ana)) | {"text": "mine"}
    assert browser.hx_post("/post", data=sent | {"person": str(bo.id)}).status == 403
    assert not stored(select(Post.id))


def test_a_form_is_one_post_however_often_it_comes(browser, ana, stored):
    sent = form(browser.sign_in(ana)) | {"text": "once"}
    first = browser.hx_post("/post", data=sent, headers=HERE)
    again = browser.hx_post("/post", data=sent, headers=HERE)
    assert first.status == again.status == 200
    assert stored(select(func.count(Post.id))) == 1
    assert "posted already" in again.said(".toast")
    assert again.one("article#post-1"), "the first answer may have got lost"
    assert browser.post("/post", data=sent).status == 303
    assert stored(select(func.count(Post.id))) == 1


class TestThrottle:
    @pytest.fixture
    def settings(self, settings, changed):
        return changed(posts={"per_five_minutes": 2})

    def test_too_fast(self, browser, another_browser, ana, bo, stored):
        browser.sign_in(ana)
        for _ in range(2):
            assert browser.hx_post("/post", data=form(browser) | {"text": "again"}, headers=HERE).status == 200
        page = browser.hx_post("/post", data=form(browser) | {"text": "again"}, headers=HERE)
        assert page.status == 429
        assert 0 < int(page.headers["Retry-After"]) <= 300
        assert stored(select(func.count(Post.id))) == 2
        another_browser.sign_in(bo)
        sent = form(another_browser) | {"text": "somebody else"}
        assert another_browser.hx_post("/post", data=sent, headers=HERE).status == 200


def test_an_answer(browser, ana, bo, write, stored):
    parent = write(bo, "what is it?")
    sent = form(browser.sign_in(ana), f"/post/{parent}/reply", f"/post/{parent}/reply")
    headers = {"HX-Current-URL": "http://localhost/explore"}
    page = browser.hx_post(f"/post/{parent}/reply", data=sent | {"text": "a bird"}, headers=headers)
    assert page.status == 200
    post = stored(select(Post).order_by(Post.id.desc()))
    assert (post.reply_to_id, post.thread_id) == (parent, parent)
    assert stored(select(Post.replies_count).where(Post.id == parent)) == 1
    assert page.one(f'hx-partial[hx-target="#post-{parent}"]')["hx-swap"] == "afterend"
    assert page.said(f"#post-{parent}-actions .act--reply") == "1"
    assert stored(select(Notification.kind).where(Notification.user_id == bo.id)) == "reply"
    inside = {"HX-Current-URL": f"http://localhost/post/{parent}"}
    sent = form(browser, f"/post/{parent}/reply", f"/post/{parent}")
    page = browser.hx_post(f"/post/{parent}/reply", data=sent | {"text": "a plane"}, headers=inside)
    assert page.one('hx-partial[hx-target="#timeline"]')["hx-swap"] == "beforeend"
    assert page.one(f"form#composer-{parent}")
    page = browser.post(f"/post/{parent}/reply", data=sent | {"text": "no, a superman"})
    assert page.headers["Location"] == f"/post/{parent}"


def test_an_answer_to_what_is_gone(browser, ana, bo, app, write, stored):
    parent = write(bo, "what is it?")
    sent = form(browser.sign_in(ana), f"/post/{parent}/reply", f"/post/{parent}/reply") | {"text": "a bird"}
    with app.app_context(), writing():
        db.session.get(Post, parent).delete()
        db.session.commit()
    page = browser.hx_post(f"/post/{parent}/reply", data=sent)
    assert page.status == 410
    assert page.headers["HX-Retarget"] == "#toasts", "what was typed stays where it is"
    page = browser.post(f"/post/{parent}/reply", data=sent)
    assert page.status == 410
    assert "a bird" in page.text
    with app.app_context(), writing():
        db.session.get(Post, parent).restore()
        db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id))
        db.session.commit()
    assert browser.hx_post(f"/post/{parent}/reply", data=sent).status == 404
    assert stored(select(func.count(Post.id))) == 1


@pytest.mark.parametrize(
    ("unwanted", "kinds"),
    [([], ["reply"]), (["reply"], ["mention"]), (["mention"], ["reply"]), (["reply", "mention"], [])],
)
def test_an_answer_that_names_whom_it_answers_is_told_once(app, ana, bo, write, stored, unwanted, kinds):
    with app.app_context(), writing():
        Notification.choose(ana.id, set(KINDS) - set(unwanted))
        db.session.commit()
    write(bo, "hey @ana", reply_to=write(ana))
    with app.app_context():
        assert db.session.scalars(select(Notification.kind)).all() == kinds
    assert stored(select(User.unread).where(User.id == ana.id)) == len(kinds)


def test_who_is_mentioned_is_told(app, ana, bo, person, write, stored):
    cy, dee = person("cy_"), person("dee")
    with app.app_context(), writing():
        db.session.add(Block(blocker_id=cy.id, blocked_id=ana.id))
        db.session.add(Mute(muter_id=dee.id, muted_id=ana.id))
        db.session.commit()
    number = write(ana, "@BO_ @bo_ @cy_ @dee @ana and @nobody_here")
    with app.app_context():
        told = db.session.execute(select(Notification.user_id, Notification.kind)).all()
        assert told == [(bo.id, "mention")]
        assert set(db.session.scalars(select(Mention.user_id))) == {bo.id, dee.id, ana.id}
    assert stored(select(User.unread).where(User.id == bo.id)) == 1
    write(bo, "@ana thanks", reply_to=number)
    assert stored(select(Notification.kind).where(Notification.user_id == ana.id)) == "reply"
    write(ana, " ".join(f"@name_{n}" for n in range(40)))
