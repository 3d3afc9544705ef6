"""Following: a button that changes in place, and may be pressed twice."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Follow, Notification, User, relations
from microblog.models.errors import Nobody
from tests.relations.pressing import press


def followers(stored):
    return stored(select(func.count(Follow.id)))


def test_it_works(browser, ana, bo, stored, records):
    page = press(browser.sign_in(ana), "/user/bo_", "/user/bo_/follow")

    assert page.status == 200
    assert page.one(f"#follow-{bo.id} button").get_text().startswith("Following")
    assert "1 follower" in page.said(f"hx-partial[hx-target='#counts-{bo.id}']")
    assert stored(select(Follow.follower_id)) == ana.id
    assert stored(select(Follow.followed_id)) == bo.id
    assert records("relation.changed", verb="follow", other_id=bo.id)

    page = press(browser, "/user/bo_", "/user/bo_/unfollow")
    assert page.one(f"#follow-{bo.id} button").get_text().startswith("Follow ")
    assert "0 followers" in page.said(f"hx-partial[hx-target='#counts-{bo.id}']")
    assert followers(stored) == 0
    assert records("relation.changed", verb="unfollow")


def test_without_javascript(browser, ana, bo, stored):
    page = press(browser.sign_in(ana), "/user/bo_", "/user/bo_/follow", hx=False)
    assert (page.status, page.headers["Location"]) == (303, "/user/bo_")
    assert "You follow bo_." in browser.get("/user/bo_").said("#toasts")
    assert followers(stored) == 1


def test_a_double_click_follows_and_tells_once(browser, ana, bo, stored):
    browser.sign_in(ana).get("/user/bo_")
    form = browser.last.values(f"#follow-{bo.id}")
    for fields in (form, form, form | {"once": "another-key-of-another-tab"}):
        page = browser.hx_post("/user/bo_/follow", data=fields)
        assert page.status == 200
        assert "Following" in page.said(f"#follow-{bo.id}")
    assert followers(stored) == 1
    assert stored(select(func.count(Notification.id))) == 1
    assert stored(select(User.unread).where(User.id == bo.id)) == 1
    assert browser.hx_post("/user/bo_/unfollow", whom=bo.id).status == 200
    assert browser.hx_post("/user/bo_/unfollow", whom=bo.id).status == 200


def test_taken_back_unread_it_is_no_news(browser, ana, bo, stored):
    browser.sign_in(ana)
    for _ in range(3):
        press(browser, "/user/bo_", "/user/bo_/follow")
        press(browser, "/user/bo_", "/user/bo_/unfollow")
    assert stored(select(func.count(Notification.id))) == 0
    assert stored(select(User.unread).where(User.id == bo.id)) == 0


def test_nobody_follows_themselves(browser, ana, stored):
    browser.sign_in(ana)
    assert not browser.get("/user/ana").all("form.follow")
    page = browser.hx_post("/user/ana/follow", whom=ana.id)
    assert page.status == 400
    assert "yourself" in page.said()
    assert followers(stored) == 0


def test_strangers_sign_in_first(browser, bo):
    page = browser.get("/user/bo_")
    assert not page.all("form.follow, details.menu")
    assert "0 followers" in page.said(f"#counts-{bo.id}")
    browser.get("/login")
    assert browser.hx_post("/user/bo_/follow", whom=bo.id).status == 401


def test_a_name_that_is_anothers_by_now_follows_nobody(browser, ana, bo, stored):
    page = browser.sign_in(ana).hx_post("/user/bo_/follow", whom=bo.id + 1)
    assert page.status == 409
    assert followers(stored) == 0


def test_a_renamed_member_is_followed_under_the_old_name(browser, another_browser, ana, bo, stored):
    form = browser.sign_in(ana).get("/user/bo_").values(f"#follow-{bo.id}")
    fields = another_browser.sign_in(bo).hx_get("/edit_profile/username").values()
    another_browser.hx_post("/edit_profile/username", data=fields | {"username": "bodil"})
    assert browser.hx_post("/user/bo_/follow", data=form).status == 200
    assert stored(select(Follow.followed_id)) == bo.id


def test_gone_meanwhile(app, browser, ana, bo):
    form = browser.sign_in(ana).get("/user/bo_").values(f"#follow-{bo.id}")
    with app.app_context(), writing():
        db.session.delete(db.session.get(User, bo.id))
        db.session.commit()
    page = browser.hx_post("/user/bo_/follow", data=form)
    assert page.status == 404
    assert browser.post("/user/bo_/follow", data=form).is_page


def test_gone_at_the_very_moment(app, ana, bo):
    """Fetched, and deleted by somebody else before both were locked."""
    with app.app_context(), writing():
        person = db.session.get(User, bo.id)
        db.session.delete(person)
        db.session.flush()
        with pytest.raises(Nobody):
            relations.follow(ana.id, bo)


class TestThrottled:
    @pytest.fixture
    def settings(self, changed):
        return changed(security={"follows": 2})

    def test_after_so_many_one_waits(self, browser, ana, person, stored, records):
        browser.sign_in(ana)
        for name in ("one", "two"):
            person(name)
            assert press(browser, f"/user/{name}", f"/user/{name}/follow").status == 200
        person("three")
        page = press(browser, "/user/three", "/user/three/follow")
        assert page.status == 429
        assert int(page.headers["Retry-After"]) <= 300
        assert followers(stored) == 2
        assert records("rate.limited")
        assert press(browser, "/user/one", "/user/one/unfollow").status == 200, "taking back is never too much"
