"""Taking a post away, and bringing it back."""

from datetime import timedelta

from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Like, Post
from microblog.models.columns import now


def test_it_works(browser, ana, bo, write, stored, records):
    parent = write(bo)
    number = write(ana, "oh no", reply_to=parent)
    browser.sign_in(ana).get("/")
    page = browser.hx_post(f"/post/{number}/delete")
    assert page.status == 200
    assert page.headers["HX-Retarget"] == f"#post-{number}"
    assert page.said(f"article#post-{number}") == "You deleted this post."
    assert stored(select(Post.replies_count).where(Post.id == parent)) == 0
    assert browser.get(f"/post/{number}").status == 410
    assert not browser.get("/").all(f"#post-{number}")
    undo = page.one("form[data-undo]")
    back = browser.hx_post(str(undo["action"]), data=page.values("form[data-undo]"))
    assert back.status == 200
    assert back.said(f"#post-{number} .post__text") == "oh no"
    assert stored(select(Post.replies_count).where(Post.id == parent)) == 1
    assert stored(select(Post.version).where(Post.id == number)) == 1, "nobody's edit conflicts with it"
    assert [record["event"] for record in records() if record["event"].startswith("post.")] == [
        "post.deleted",
        "post.restored",
    ]


def test_repeats_change_nothing(browser, ana, bo, write, stored):
    parent = write(bo)
    number = write(ana, reply_to=parent)
    browser.sign_in(ana).get("/")
    for _ in range(2):
        assert browser.hx_post(f"/post/{number}/delete").status == 200
        assert stored(select(Post.replies_count).where(Post.id == parent)) == 0
    for _ in range(2):
        assert browser.hx_post(f"/post/{number}/restore").status == 200
        assert stored(select(Post.replies_count).where(Post.id == parent)) == 1


def test_without_javascript(browser, ana, write):
    number = write(ana, "oh no")
    browser.sign_in(ana).get("/")
    page = browser.post(f"/post/{number}/delete", headers={"Referer": f"http://localhost/post/{number}"})
    assert (page.status, page.headers["Location"]) == (303, "/")
    home = browser.get("/")
    assert "Post deleted." in home.said(".toast")
    page = browser.post(f"/post/{number}/restore", data=home.values("form[data-undo]"))
    assert page.headers["Location"] == f"/post/{number}"


def test_a_gone_one_keeps_its_place_in_the_conversation(browser, ana, bo, write, app):
    first = write(ana, "first")
    second = write(bo, "secret second", reply_to=first)
    third = write(ana, "third", reply_to=second)
    with app.app_context(), writing():
        db.session.get(Post, second).delete()
        db.session.commit()
    page = browser.get(f"/post/{third}")
    assert [str(post["id"]) for post in page.all("article.post")] == [f"post-{n}" for n in (first, second, third)]
    assert "deleted by its author" in page.said(f"#post-{second}")
    page = browser.get(f"/post/{second}")
    assert page.status == 410
    assert "secret" not in page.text
    assert page.said(f"#post-{third} .post__text") == "third"
    page = browser.get(f"/post/{first}")
    assert page.said(f"#post-{second}"), "somebody answered it"


def test_hidden_by_a_moderator(browser, ana, write, app):
    number = write(ana, "bad words", hidden_at=now())
    page = browser.sign_in(ana).get(f"/post/{number}")
    assert page.status == 410
    assert "bad words" not in page.text
    assert browser.hx_post(f"/post/{number}/delete").status == 410
    assert browser.hx_post(f"/post/{number}/like").status == 410


def test_a_button_of_what_is_gone_meanwhile(browser, ana, bo, write, app):
    number = write(bo)
    browser.sign_in(ana).get("/explore")
    with app.app_context(), writing():
        db.session.get(Post, number).delete()
        db.session.commit()
    page = browser.hx_post(f"/post/{number}/like")
    assert page.status == 410
    assert page.headers["HX-Retarget"] == f"#post-{number}"
    assert page.said(f"article#post-{number}") == "Its author has deleted this post."
    assert page.reference in page.said(".toast")
    assert browser.post(f"/post/{number}/like").status == 410
    for path in ("/post/99", "/post/99/edit", "/post/99/history", f"/post/{2**40}", f"/post/{'9' * 5000}"):
        assert browser.get(path).status == 404
    for path in ("/post/99/like", "/post/99/delete", f"/post/{2**40}/unlike", f"/post/{2**40}/edit"):
        assert browser.hx_post(path, text="x").status == 404


def test_purged_after_30_days(app, ana, bo, write, stored):
    old, young, kept = write(ana, "old @bo_ #tag"), write(ana), write(ana)
    with app.app_context(), writing():
        db.session.get(Post, old).like(bo.id)
        db.session.commit()
    with app.app_context(), writing():
        for number, days in ((old, 31), (young, 29)):
            db.session.get(Post, number).deleted_at = now() - timedelta(days=days)
        db.session.commit()
    for _ in range(16):
        write(bo)
    with app.app_context():
        assert set(db.session.scalars(select(Post.id).where(Post.author_id == ana.id))) == {young, kept}
    assert stored(select(func.count(Like.id))) == 0
