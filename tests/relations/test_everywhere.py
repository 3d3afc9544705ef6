"""A block, and a suspension, hold wherever posts and people are shown; a mute where nobody asked for them."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Follow, Notification, Post, User
from microblog.models.columns import now
from tests.relations.pressing import press

PAGES = ("/", "/explore", "/tag/bread", "/search?q=bread", "/user/cy_?tab=likes")


@pytest.fixture
def world(app, ana, bo, person):
    """Ana and Bo each write, follow and mention the other; Cy likes both posts. The numbers of the posts."""
    cy = person("cy_")
    with app.app_context(), writing():
        people = {user.username: user for user in db.session.query(User)}
        numbers = {}
        for one, other in (("ana", "bo_"), ("bo_", "ana")):
            post = Post.write(people[one], f"words of {one}: #bread for @{other}", language="")
            db.session.flush()
            numbers[one] = post.id
        db.session.commit()
    return numbers, cy


def seen(browser, text):
    """The pages that show `text` as a post's."""
    return [path for path in PAGES if text in browser.get(path).said("#main")]


def told_by(browser):
    """Whose doings one is told."""
    return [tag.get_text() for tag in browser.get("/notifications").all(".news__name")]


@pytest.fixture
def everybody(browser, another_browser, world, ana, bo, app):
    from tests.support.client import Browser

    browser.sign_in(ana)
    another_browser.sign_in(bo)
    third = Browser(app).sign_in("cy_")
    press(browser, "/user/bo_", "/user/bo_/follow")
    press(another_browser, "/user/ana", "/user/ana/follow")
    for number in world[0].values():
        third.get(f"/post/{number}")
        assert third.hx_post(f"/post/{number}/like").status == 200
    return browser, another_browser, third


@pytest.mark.slow
def test_it_works(everybody, world, stored):
    ana, bo, cy = everybody
    numbers, _ = world
    assert seen(ana, "words of bo_") == list(PAGES)
    assert seen(bo, "words of ana") == list(PAGES)
    assert "bo_" in told_by(ana)
    press(ana, "/user/bo_", "/user/bo_/block")

    assert seen(ana, "words of bo_") == seen(bo, "words of ana") == []
    assert set(seen(cy, "words of bo_")) >= {"/explore", "/search?q=bread"}, "for others nothing has changed"
    for who, number in ((ana, numbers["bo_"]), (bo, numbers["ana"])):
        assert who.get(f"/post/{number}").status == 404
        assert who.hx_post(f"/post/{number}/like").status == 404
        assert who.hx_get(f"/post/{number}/reply").status == 404
    for who, name in ((ana, "bo_"), (bo, "ana")):
        assert name not in told_by(who)
        assert f"/user/{name}" not in who.get("/people/suggested").text
        assert f"@{name}" not in [tag.get_text() for tag in who.get("/search?q=bread").all(".person__username")]


def test_nobody_is_told_of_a_mention_by_who_is_blocked(app, everybody, stored):
    ana, _, _ = everybody
    press(ana, "/user/bo_", "/user/bo_/block")
    before = stored(select(func.count(Notification.id)))
    with app.app_context(), writing():
        author = db.session.scalar(User.named("bo_"))
        Post.write(author, "hello @ana", language="")
        db.session.commit()
    assert stored(select(func.count(Notification.id))) == before


def test_a_mute_is_for_what_nobody_asked_for(everybody, world):
    ana, bo, _ = everybody
    numbers, _ = world
    press(ana, "/user/bo_", "/user/bo_/mute")
    assert seen(ana, "words of bo_") == []
    assert ana.get(f"/post/{numbers['bo_']}").status == 200
    assert "words of bo_" in ana.get("/user/bo_").said("#main")
    assert seen(bo, "words of ana") == list(PAGES), "who is muted does not notice"


def test_a_suspension_is_for_everybody(app, everybody, world):
    ana, _, cy = everybody
    with app.app_context(), writing():
        db.session.scalar(User.named("bo_")).suspended_at = now()
        db.session.commit()
    assert seen(ana, "words of bo_") == seen(cy, "words of bo_") == []
    assert "words of bo_" not in ana.get("/user/bo_").said("#main")
    assert told_by(ana) == ["cy_"]


def test_a_post_of_another_can_be_reported_from_its_menu(everybody, world, person):
    ana, _, _ = everybody
    numbers, _ = world
    page = ana.get("/explore")
    assert page.one(f"#post-{numbers['bo_']} .post__choice")["href"] == f"/post/{numbers['bo_']}/report"
    assert not page.all(f"#post-{numbers['ana']} a[href$='/report']")
    assert "/moderation/" not in page.text


def numbers_on(browser, name, number):
    """What the site counts, as this browser's member reads it: followers, followed, likes and answers."""
    followers, following = (int(tag.get_text()) for tag in browser.get(f"/user/{name}").all(".counts strong"))
    likes, answers = browser.get("/explore").one(f"#post-{number}-actions")["data-counts"].split(".")
    return followers, following, int(likes), int(answers)


def test_nor_is_who_is_blocked_counted(app, everybody, world):
    """Bo answers, likes, follows Cy and is followed. Not for Ana, who has blocked Bo, and not for Bo where Ana does."""
    ana, bo, cy = everybody
    with app.app_context(), writing():
        people = {user.username: user for user in db.session.query(User)}
        of_cy = Post.write(people["cy_"], "words of cy_")
        for name in ("ana", "bo_"):
            of_cy.like(people[name].id)
            Post.write(people[name], "an answer", reply_to=of_cy)
        for one, other in (("bo_", "cy_"), ("cy_", "bo_"), ("ana", "cy_"), ("cy_", "ana")):
            db.session.add(Follow(follower_id=people[one].id, followed_id=people[other].id))
        db.session.commit()
        number = of_cy.id
    for browser in everybody:
        assert numbers_on(browser, "cy_", number) == (2, 2, 2, 2)
    press(ana, "/user/bo_", "/user/bo_/block")

    assert numbers_on(ana, "cy_", number) == (1, 1, 1, 1)
    assert len(ana.get("/user/cy_/followers").all("#main .person")) == 1, "as many as are listed"
    assert numbers_on(bo, "cy_", number) == (1, 1, 1, 1), "both ways"
    assert numbers_on(cy, "cy_", number) == (2, 2, 2, 2)
    assert ana.hx_post(f"/post/{number}/unlike").one(".post__actions")["data-counts"] == "0.1"
    assert not ana.get(f"/post/{number}").all(".branch__more"), "no answer is promised that nobody can show"

    press(ana, "/user/bo_", "/user/bo_/unblock")
    assert numbers_on(ana, "cy_", number) == (2, 2, 1, 2)
