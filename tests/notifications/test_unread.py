"""The badge counts what the list shows, whatever becomes of it."""

import pytest
from sqlalchemy import select, update

from microblog.extensions import db, writing
from microblog.models import Notification, Post, User, news, relations
from microblog.models.moderation import Decision
from tests.relations.pressing import press


@pytest.fixture
def unread(app):
    """The badge of a member, which is as many as their list has of new ones."""

    def count(member):
        with app.app_context():
            listed = sum(one.read_at is None for one in db.session.scalars(news.shown_to(member.id)))
            counted = db.session.scalar(select(User.unread).where(User.id == member.id))
        assert counted == listed
        return counted

    return count


@pytest.fixture
def decide(app):
    """As whoever sits at the machine: ``decide("hide", bo, post)``."""

    def make(verb, member, post=None):
        with app.app_context(), writing():
            person = db.session.get(User, member.id)
            assert getattr(Decision(None, person, db.session.get(Post, post) if post else None), verb)()
            db.session.commit()

    return make


def read_all(browser, member):
    press(browser.sign_in(member), "/notifications", "/notifications/read")


def test_it_works(browser, another_browser, ana, bo, write, unread):
    kept, number = write(bo, "hello @ana"), write(bo, "hello again @ana")
    assert unread(ana) == 2
    page = browser.sign_in(bo).hx_post(f"/post/{number}/delete", data={})
    assert unread(ana) == 1
    read_all(another_browser, ana)
    assert unread(ana) == 0
    undo = page.one("form[data-undo]")
    browser.hx_post(str(undo["action"]), data=page.values("form[data-undo]"))
    assert unread(ana) == 1, "they have not read it"
    assert f"/post/{number}" in (text := another_browser.get("/notifications").text)
    assert f"/post/{kept}" in text


def test_a_hidden_post(ana, bo, person, write, unread, decide):
    cy = person("cy_")
    first = write(ana)
    number = write(bo, "hello @cy_", reply_to=first)
    assert (unread(ana), unread(cy)) == (1, 1)
    decide("hide", bo, number)
    assert (unread(ana), unread(cy)) == (0, 0)
    decide("unhide", bo, number)
    assert (unread(ana), unread(cy)) == (1, 1)


def test_hidden_and_deleted_it_is_gone_twice(app, ana, bo, write, unread, decide):
    number = write(bo, "hello @ana")
    decide("hide", bo, number)
    for verb, shown in (("delete", 0), ("restore", 0)):
        with app.app_context(), writing():
            getattr(db.session.get(Post, number), verb)()
            db.session.commit()
        assert unread(ana) == shown
    decide("unhide", bo, number)
    assert unread(ana) == 1


def test_a_suspended_member(ana, bo, person, write, unread, decide):
    write(bo, "hello @ana")
    write(person("cy_"), "hello @ana")
    decide("suspend", bo)
    assert unread(ana) == 1
    decide("lift", bo)
    assert unread(ana) == 2


@pytest.mark.parametrize("verb", ["block", "mute"])
def test_whom_one_does_not_want_to_meet(app, ana, bo, write, unread, verb):
    write(bo, "hello @ana")
    for name in (verb, f"un{verb}"):
        with app.app_context(), writing():
            getattr(relations, name)(ana.id, db.session.get(User, bo.id))
            db.session.commit()
        assert unread(ana) == 0


@pytest.mark.parametrize("hx", [True, False])
def test_reading_sets_a_wrong_number_right(app, browser, ana, unread, hx):
    with app.app_context(), writing():
        db.session.execute(update(User).where(User.id == ana.id).values(unread=1))
        db.session.commit()
    press(browser.sign_in(ana), "/notifications", "/notifications/read", hx=hx)
    assert unread(ana) == 0
    assert not browser.get("/notifications").all("#news-read form")


def test_a_post_that_many_like_costs_the_same(app, browser, ana, bo, person, write, unread, records):
    number = write(ana, "hello @bo_")
    fans = [person(f"name_{index}").id for index in range(30)]
    with app.app_context(), writing():
        for fan in fans:
            Notification.tell(ana.id, "like", actor_id=fan, post_id=number)
        db.session.commit()
    assert unread(ana) == 30
    page = browser.sign_in(ana).hx_post(f"/post/{number}/delete", data={})
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 12
    assert (unread(ana), unread(bo)) == (0, 0)
