"""Taking a post away, and bringing it back."""

from datetime import timedelta

from sqlalchemy import func, select, update

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
    assert page.said(f"article#post-{number} p") == "You have deleted this post."
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


def test_it_waits_for_its_author(browser, another_browser, ana, bo, write, app):
    """Where it was, and on a page of its own, until it goes for good: a toast leaves after some seconds."""
    kept, first, second, hidden = write(ana, "kept"), write(ana, "first"), write(ana, "second"), write(ana, "hidden")
    write(bo, "a stranger's")
    browser.sign_in(ana).get("/")
    for number in (first, second, hidden):
        browser.hx_post(f"/post/{number}/delete")
    with app.app_context(), writing():
        db.session.get(Post, hidden).hidden_at = now()
        db.session.commit()
    page = browser.get("/post/deleted")
    assert [article["id"] for article in page.all("article")] == [f"post-{second}", f"post-{first}"]
    assert page.said(f"#post-{first} .post__text") == "first"
    gone = browser.get(f"/post/{first}")
    assert (gone.status, len(gone.all("button[formaction$=restore]"))) == (410, 1)
    assert not browser.get(f"/post/{hidden}").all("button[formaction$=restore]"), "a moderator has taken it away"
    button = page.one(f"#post-{first} button")
    back = browser.hx_post(str(button["hx-post"]), data=page.values("#acts"))
    assert (back.status, back.said(f"#post-{first} .post__text")) == (200, "first")
    assert [article["id"] for article in browser.get("/post/deleted").all("article")] == [f"post-{second}"]
    assert browser.get(f"/user/{ana.username}").all("a[href='/post/deleted']")
    other = another_browser.sign_in(bo)
    assert not other.get("/post/deleted").all("article")
    assert not other.get(f"/post/{second}").all("button[formaction$=restore]")
    assert other.hx_post(f"/post/{second}/restore").status == 403
    assert not browser.get(f"/post/{kept}").all("button[formaction$=restore]")


def test_its_author_pages_through_them(browser, ana, write, app, settings):
    size = settings.posts.page_size
    numbers = [write(ana, f"number {index}") for index in range(size + 2)]
    with app.app_context(), writing():
        db.session.execute(update(Post).values(deleted_at=now()))
        db.session.commit()
    page = browser.sign_in(ana).get("/post/deleted")
    assert len(page.all("article")) == size
    rest = browser.get(str(page.one(".timeline__older a")["href"]))
    assert [article["id"] for article in rest.all("article")] == [f"post-{numbers[1]}", f"post-{numbers[0]}"]
    assert not rest.all(".timeline__older")


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
    assert "Its author has deleted" in page.said(f"#post-{second}")
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


def test_what_a_moderator_hid_is_not_offered_back(browser, ana, write):
    mine, hidden = write(ana, deleted_at=now()), write(ana, deleted_at=now(), hidden_at=now())
    browser.sign_in(ana)
    assert browser.hx_post(f"/post/{mine}/like").all("[formaction$=restore]")
    page = browser.hx_post(f"/post/{hidden}/like")
    assert (page.status, page.all("[formaction$=restore]")) == (410, [])
    assert "You have deleted this post." in page.said(f"#post-{hidden}")


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
