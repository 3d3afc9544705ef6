"""The page of notifications, the badge, and what marks them as read."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Notification, Post, User
from tests.relations.pressing import press


@pytest.fixture
def written(app):
    """A post: ``written("ana", "some words")``; its number."""

    def write(username, text="What I wrote", **values):
        with app.app_context(), writing():
            author = db.session.scalar(User.named(username))
            post = Post(author_id=author.id, text=text, **values)
            db.session.add(post)
            db.session.flush()
            number = post.id
            db.session.commit()
        return number

    return write


@pytest.fixture
def told(app):
    """Tell a member: ``told("ana", "like", by="bo_", post=1)``."""

    def tell(username, kind, *, by, post=None):
        with app.app_context(), writing():
            people = {user.username: user.id for user in db.session.query(User)}
            Notification.tell(people[username], kind, actor_id=people[by], post_id=post)
            db.session.commit()

    return tell


def unread(stored, user):
    return stored(select(User.unread).where(User.id == user.id))


def test_it_works(browser, ana, bo, written, told, stored):
    post = written("ana", "A walk <by> the sea")
    told("ana", "follow", by="bo_")
    told("ana", "like", by="bo_", post=post)
    told("ana", "reply", by="bo_", post=post)
    told("ana", "mention", by="bo_", post=post)
    browser.sign_in(ana)
    assert browser.get("/").one("#unread")["data-unread"] == "4"

    page = browser.get("/notifications")
    lines = [" ".join(line.get_text().split()) for line in page.all(".news__what > span:first-of-type")]
    assert lines == [
        "bo_ mentioned you new",
        "bo_ answered you new",
        "bo_ likes your post new",
        "bo_ follows you new",
    ]
    assert "A walk <by> the sea" in page.said("main")
    assert unread(stored, ana) == 4, "looking changes nothing"

    form = page.values("#news-read form")
    answer = browser.hx_post("/notifications/read", data=form)
    assert answer.one("hx-partial[hx-target='#unread'] #unread")["data-unread"] == "0"
    assert unread(stored, ana) == 0
    page = browser.get("/notifications")
    assert not page.all(".is-new")
    assert not page.all("#news-read form")
    assert page.one("#unread").has_attr("hidden")


def test_what_comes_while_one_reads_stays_unread(browser, ana, bo, person, told, stored):
    person("cy_")
    told("ana", "follow", by="bo_")
    form = browser.sign_in(ana).get("/notifications").values("#news-read form")
    told("ana", "follow", by="cy_")
    for _ in range(2):
        page = browser.hx_post("/notifications/read", data=form)
        assert page.one("#unread")["data-unread"] == "1"
    assert unread(stored, ana) == 1


def test_without_javascript(browser, ana, bo, told, stored):
    told("ana", "follow", by="bo_")
    page = press(browser.sign_in(ana), "/notifications", "/notifications/read", hx=False)
    assert (page.status, page.headers["Location"]) == (303, "/notifications")
    assert unread(stored, ana) == 0


def test_nobody_reads_anothers(browser, another_browser, ana, bo, person, told, stored):
    person("cy_")
    told("ana", "follow", by="cy_")
    told("bo_", "follow", by="cy_")
    form = browser.sign_in(ana).get("/notifications").values("#news-read form")
    page = another_browser.sign_in(bo)
    page.hx_post("/notifications/read", until=form["until"])
    assert unread(stored, ana) == 1


@pytest.mark.parametrize("until", ["x", "-5", "9" * 30, ""])
def test_what_is_no_place_reads_nothing_or_all(browser, ana, bo, told, stored, until):
    told("ana", "follow", by="bo_")
    assert browser.sign_in(ana).hx_post("/notifications/read", until=until).status == 200


def test_likes_of_a_day_are_one_line(browser, ana, person, written, told):
    post = written("ana")
    for name in ("one", "two", "three", "four"):
        person(name)
        told("ana", "like", by=name, post=post)
    page = browser.sign_in(ana).get("/notifications")
    said = " ".join(page.one(".news__what > span:first-of-type").get_text().split())
    assert said == "four, three and 2 others like your post new"


def test_what_is_gone_or_hidden_is_not_shown(app, browser, ana, person, written, told):
    from microblog.models.columns import now

    person("cy_")
    kept, deleted, hidden = (written("ana", f"post {number}") for number in range(3))
    for post in (kept, deleted, hidden):
        told("ana", "like", by="cy_", post=post)
    with app.app_context(), writing():
        db.session.get(Post, deleted).deleted_at = now()
        db.session.get(Post, hidden).hidden_at = now()
        db.session.commit()
    page = browser.sign_in(ana).get("/notifications")
    assert "post 0" in page.said("main")
    assert "post 1" not in page.said("main")
    assert "post 2" not in page.said("main")


def test_nothing_yet(browser, ana):
    page = browser.sign_in(ana).get("/notifications")
    assert "Nothing yet." in page.said("main")
    assert browser.get("/notifications?before=5").status == 200


def test_strangers_sign_in(browser):
    assert browser.get("/notifications").headers["Location"] == "/login?next=/notifications"
    assert browser.get("/settings/notifications").status == 302


def test_costs_the_same_for_any_length(browser, ana, person, written, told, records):
    for number in range(45):
        person(f"name_{number}")
        told("ana", "mention", by=f"name_{number}", post=written(f"name_{number}"))
    page = browser.sign_in(ana).get("/notifications")
    assert len(page.all(".news__item")) == 40
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 2
    more = browser.hx_get(page.one("#more a")["hx-get"])
    assert len(more.all(".news__item")) == 5
    assert not more.is_page


def test_one_is_told_once_and_never_of_oneself(ana, bo, written, told, stored):
    post = written("ana")
    for _ in range(3):
        told("ana", "like", by="bo_", post=post)
        told("ana", "like", by="ana", post=post)
    assert stored(select(func.count(Notification.id))) == 1


# --- the badge of an open page ----------------------------------------------------------------------------------------
def test_an_open_page_asks_with_one_statement(browser, ana, bo, told, records, stored):
    browser.sign_in(ana)
    assert browser.get("/notifications/unread?seen=0").status == 204
    told("ana", "follow", by="bo_")
    page = browser.get("/notifications/unread?seen=0")
    assert page.json == {"unread": 1}
    assert browser.get("/notifications/unread?seen=1").status == 204
    assert not records("request.finished", path="/notifications/unread"), "asked often, so not logged"


def test_it_costs_one_statement(browser, ana, monkeypatch, records):
    from microblog.http import last_resort

    monkeypatch.setattr(last_resort, "ASKED_OFTEN", frozenset())
    page = browser.sign_in(ana).get("/notifications/unread?seen=0")
    assert records("request.finished", reference=page.reference)[0]["sql_count"] == 1


def test_an_open_page_is_nobody_who_is_here(app, browser, ana, stored):
    from datetime import timedelta

    from microblog.models import Session
    from microblog.models.columns import now

    browser.sign_in(ana)
    with app.app_context(), writing():
        long_ago = now() - timedelta(hours=1)
        db.session.query(Session).update({"last_seen_at": long_ago})
        db.session.query(User).update({"last_seen_at": long_ago})
        db.session.commit()
    browser.get("/notifications/unread?seen=0")
    assert stored(select(User.last_seen_at)) == long_ago
    browser.get("/")
    assert stored(select(User.last_seen_at)) > long_ago


def test_a_stranger_has_none(browser):
    assert browser.get("/notifications/unread?seen=0").status == 204


# --- settings ---------------------------------------------------------------------------------------------------------
def test_one_is_told_only_of_what_one_wants(browser, ana, bo, written, told, stored):
    page = browser.sign_in(ana).get("/settings/notifications")
    assert len(page.all("#notify-form input[checked]")) == 4
    post = written("ana")
    form = page.values("#notify-form")
    page = browser.hx_post("/settings/notifications", data=form | {"mention": "1", "reply": "1", "like": "1"})
    assert "Notifications saved." in page.text
    assert not page.one("input[name=follow]").has_attr("checked")
    told("ana", "follow", by="bo_")
    told("ana", "like", by="bo_", post=post)
    assert stored(select(Notification.kind)) == "like"
    assert stored(select(User.version).where(User.id == ana.id)) == 1, "no edit of the profile conflicts with it"

    again = browser.post("/settings/notifications", data=page.values("#notify-form"))
    assert again.status == 303
    page = browser.get("/settings/notifications")
    assert not page.all("#notify-form input[checked]")
    assert "Notifications saved." in page.said("#toasts")
