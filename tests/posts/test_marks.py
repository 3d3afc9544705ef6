"""Liking and keeping."""

from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Block, Bookmark, Like, Notification, Post


def test_it_works(browser, ana, bo, write, stored, records):
    number = write(bo)
    browser.sign_in(ana).get("/explore")
    page = browser.hx_post(f"/post/{number}/like")
    assert page.status == 200
    button = page.one(f"#post-{number}-actions .act--like")
    assert button["aria-pressed"] == "true"
    assert button["hx-post"] == f"/post/{number}/unlike"
    assert button.get_text(strip=True) == "1"
    assert stored(select(Notification.kind).where(Notification.user_id == bo.id)) == "like"
    page = browser.hx_post(f"/post/{number}/unlike")
    assert page.one(".act--like")["aria-pressed"] == "false"
    assert stored(select(Post.likes_count)) == 0
    assert [record["verb"] for record in records("post.marked")] == ["like", "unlike"]


def test_pairs_may_be_repeated(browser, ana, bo, write, stored):
    number = write(bo)
    browser.sign_in(ana).get("/explore")
    for _ in range(3):
        assert browser.hx_post(f"/post/{number}/like").status == 200
        assert browser.hx_post(f"/post/{number}/bookmark").status == 200
    assert stored(select(Post.likes_count)) == stored(select(func.count(Like.id))) == 1
    assert stored(select(func.count(Bookmark.id))) == 1
    for _ in range(3):
        assert browser.hx_post(f"/post/{number}/unlike").status == 200
        assert browser.hx_post(f"/post/{number}/unbookmark").status == 200
    assert stored(select(Post.likes_count)) == 0
    assert stored(select(func.count(Bookmark.id))) == 0
    browser.hx_post(f"/post/{number}/like")
    assert stored(select(func.count(Notification.id))) == 1, "told once, however often one changes one's mind"


def test_the_same_form_twice(browser, ana, bo, write, stored):
    number = write(bo)
    sent = browser.sign_in(ana).get("/explore").values("#acts")
    assert browser.hx_post(f"/post/{number}/like", data=sent).status == 200
    assert browser.hx_post(f"/post/{number}/unlike", data=sent).status == 200
    again = browser.hx_post(f"/post/{number}/like", data=sent)
    assert again.status == 200
    assert again.one(".act--like")["aria-pressed"] == "false", "a late repeat undoes nothing"
    assert stored(select(Post.likes_count)) == 0


def test_without_javascript(browser, ana, bo, write, stored):
    number = write(bo)
    browser.sign_in(ana).get("/explore")
    page = browser.post(f"/post/{number}/like", headers={"Referer": "http://localhost/explore"})
    assert (page.status, page.headers["Location"]) == (303, f"/explore#post-{number}")
    assert stored(select(Post.likes_count)) == 1


def test_the_address_of_a_button_opened_by_hand(browser, ana, write):
    number = write(ana)
    page = browser.get(f"/post/{number}/like")
    assert page.status == 405
    assert page.one(f'main a[href="/post/{number}"]').get_text() == "The post"


def test_refusals(browser, ana, bo, write, app, stored):
    number = write(bo)
    page = browser.get("/explore")
    assert not page.all(".post__actions button"), "a stranger gets no buttons"
    assert browser.hx_post(f"/post/{number}/like").status in {400, 401}
    browser.sign_in(ana)
    with app.app_context(), writing():
        db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id))
        db.session.commit()
    assert browser.hx_post(f"/post/{number}/like").status == 404
    assert stored(select(Post.likes_count)) == 0
