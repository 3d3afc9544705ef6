"""Blocking works both ways and everywhere; muting is not noticed."""

from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Block, Follow, Mute, Notification, User, relations
from tests.relations.pressing import press


def follow(browser, name):
    assert press(browser, f"/user/{name}", f"/user/{name}/follow").status == 200


def test_it_works(browser, another_browser, ana, bo, stored, records):
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    follow(browser, "bo_")
    follow(another_browser, "ana")
    page = press(browser, "/user/bo_", "/user/bo_/block")

    assert (page.status, page.headers["HX-Redirect"]) == (204, "/user/bo_")
    assert stored(select(func.count(Follow.id))) == 0, "both follows end"
    assert stored(select(func.sum(User.unread))) == 0, "and are no news any more"
    assert records("relation.changed", verb="block", other_id=bo.id)
    mine = browser.get("/user/bo_")
    assert "You have blocked" in mine.said(".bond__note")
    assert "bo_ is blocked." in mine.said("#toasts")
    assert not mine.all("form.follow")

    undo = mine.values("#toasts form[data-undo]")
    browser.hx_post(mine.one("#toasts form[data-undo]")["action"], data=undo)
    assert stored(select(func.count(Block.id))) == 0
    assert stored(select(func.count(Follow.id))) == 2, "as it was before the slip"
    assert stored(select(func.sum(User.unread))) == 0, "which is no news"
    assert records("relation.changed", verb="undo_block")


def test_who_followed_before_follows_anew(browser, another_browser, ana, bo, stored, records):
    """Unblocked on purpose, not by Undo; and Undo brings back only what this block ended."""
    follow(browser.sign_in(ana), "bo_")
    press(browser, "/user/bo_", "/user/bo_/block")
    press(browser, "/user/bo_", "/user/bo_/unblock")
    assert stored(select(func.count(Follow.id))) == 0
    assert records("relation.changed", verb="unblock")

    follow(another_browser.sign_in(bo), "ana")
    press(browser, "/user/bo_", "/user/bo_/block")
    page = browser.get("/user/bo_")
    address, undo = page.one("#toasts form[data-undo]")["action"], page.values("#toasts form[data-undo]")
    assert browser.hx_post(address, data=undo).status == 204
    assert stored(select(Follow.follower_id)) == bo.id, "only their follow"
    assert browser.hx_post(address, data=undo).status == 204
    assert "It is so already." in browser.get("/").said("#toasts")
    assert stored(select(func.count(Follow.id))) == 1


def test_undo_brings_no_follow_back_through_the_block_of_the_other_one(app, ana, bo, stored):
    """Both at the same moment."""
    with app.app_context(), writing():
        for one, other in ((ana, bo), (bo, ana)):
            db.session.add(Follow(follower_id=one.id, followed_id=other.id))
        db.session.flush()
        assert relations.block(ana.id, db.session.get(User, bo.id))
        assert relations.block(bo.id, db.session.get(User, ana.id))
        assert relations.undo_block(ana.id, db.session.get(User, bo.id))
        db.session.commit()
    assert stored(select(Block.blocker_id)) == bo.id
    assert stored(select(func.count(Follow.id))) == 0


def test_the_blocked_one_sees_that_it_is_not_available(browser, another_browser, ana, bo, stored):
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    form = another_browser.get("/user/ana").values(f"#follow-{ana.id}")
    press(browser, "/user/bo_", "/user/bo_/block")

    page = another_browser.get("/user/ana")
    assert page.status == 404
    assert page.said("h1") == "This is not available to you"
    assert another_browser.hx_get("/user/ana/about_me").status == 404
    assert another_browser.hx_get("/user/ana/card").status == 404
    assert another_browser.get("/user/ana/followers").status == 404
    page = another_browser.hx_post("/user/ana/follow", data=form)
    assert page.status == 404
    assert "not available" in page.said()
    assert stored(select(func.count(Follow.id))) == 0


def test_nor_can_who_blocked_follow(browser, ana, bo, stored):
    form = browser.sign_in(ana).get("/user/bo_").values(f"#follow-{bo.id}")
    press(browser, "/user/bo_", "/user/bo_/block")
    assert browser.hx_post("/user/bo_/follow", data=form).status == 404
    assert stored(select(func.count(Follow.id))) == 0


def test_who_is_blocked_cannot_even_block_back(browser, another_browser, ana, bo, stored):
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    form = another_browser.get("/user/ana").values('form[action="/user/ana/block"]')
    press(browser, "/user/bo_", "/user/bo_/block")
    assert another_browser.hx_post("/user/ana/block", data=form).status == 404, "it is not available any more"


def test_lists_leave_out_who_is_blocked(browser, another_browser, ana, bo, person):
    person("cy_")
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    follow(another_browser, "cy_")
    follow(browser, "cy_")
    assert "bo_" in browser.get("/user/cy_/followers").said(".listing")
    press(browser, "/user/bo_", "/user/bo_/block")
    assert "bo_" not in browser.get("/user/cy_/followers").said(".listing")
    assert "ana" not in another_browser.get("/user/cy_/followers").said(".listing")
    assert "ana" not in another_browser.get("/people/suggested").said("#main")
    assert "bo_" not in browser.get("/people/suggested").said("#main")


def test_muting_is_not_noticed(browser, another_browser, ana, bo, stored, records):
    browser.sign_in(ana)
    another_browser.sign_in(bo)
    follow(another_browser, "ana")
    assert stored(select(User.unread).where(User.id == ana.id)) == 1
    page = press(browser, "/user/bo_", "/user/bo_/mute")
    assert page.headers["HX-Redirect"] == "/user/bo_"
    assert records("relation.changed", verb="mute")
    assert stored(select(User.unread).where(User.id == ana.id)) == 0
    assert "bo_" not in browser.get("/notifications").said("main")
    page = another_browser.get("/user/ana")
    assert page.status == 200
    assert "Following" in page.said(f"#follow-{ana.id}")
    assert browser.get("/user/bo_").said(".bond__muted") == "Muted"
    press(browser, "/user/bo_", "/user/bo_/unmute")
    assert stored(select(func.count(Mute.id))) == 0
    assert "bo_" in browser.get("/notifications").said("main")


def test_twice_is_once(browser, ana, bo, stored):
    form = browser.sign_in(ana).get("/user/bo_").values('form[action="/user/bo_/block"]')
    for _ in range(2):
        assert browser.post("/user/bo_/block", data=form).status == 303
    assert "is so already" in browser.get("/user/bo_").said("#toasts")
    assert stored(select(func.count(Block.id))) == 1


def test_the_lists_of_the_settings(browser, ana, bo, person, stored):
    person("cy_")
    browser.sign_in(ana)
    assert "Nobody." in browser.get("/settings/people").said("main")
    press(browser, "/user/bo_", "/user/bo_/block")
    press(browser, "/user/cy_", "/user/cy_/mute")
    assert "bo_" in browser.get("/settings/people").said(".listing")
    page = press(browser, "/settings/people", "/user/bo_/unblock")
    assert page.headers["HX-Redirect"] == "/settings/people"
    page = press(browser, "/settings/people?list=muted", "/user/cy_/unmute")
    assert page.headers["HX-Redirect"] == "/settings/people?list=muted"
    assert stored(select(func.count(Block.id))) == stored(select(func.count(Mute.id))) == 0


def test_a_blocked_person_tells_nobody_anything(app, ana, bo, stored):
    from microblog.extensions import db, writing
    from microblog.models import relations

    with app.app_context(), writing():
        relations.block(ana.id, db.session.get(User, bo.id))
        for one, other in ((ana, bo), (bo, ana)):
            Notification.tell(one.id, "mention", actor_id=other.id)
        db.session.commit()
    assert stored(select(func.count(Notification.id))) == 0
