"""Telling the moderators about a member or a post."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import Block, Post, Report, User
from microblog.models.columns import now


@pytest.fixture
def post(app, bo):
    with app.app_context(), writing():
        made = Post(author_id=bo.id, text="Buy my <i>watches</i>")
        db.session.add(made)
        db.session.flush()
        number = made.id
        db.session.commit()
    return number


def report(browser, path, *, hx=True, **fields):
    form = browser.get(path).values("#report-form")
    return (browser.hx_post if hx else browser.post)(path, data=form | {"reason": "spam"} | fields)


def count(stored):
    return stored(select(func.count(Report.id)))


def test_it_works(browser, ana, bo, stored, records):
    page = report(browser.sign_in(ana), "/user/bo_/report", note="  Every day\r\nagain ")
    assert page.headers["HX-Redirect"] == "/user/bo_"
    assert "Reported." in browser.get("/user/bo_").said("#toasts")
    assert stored(select(Report.note)) == "Every day\nagain"
    assert stored(select(Report.reason)) == "spam"
    assert stored(select(Report.reporter_id)) == ana.id
    assert records("report.filed", other_id=bo.id)
    assert "Every day" not in str(records())


def test_a_post(browser, ana, bo, post, stored):
    page = browser.sign_in(ana).get(f"/post/{post}/report")
    assert "Buy my <i>watches</i>" in page.said("blockquote")
    page = report(browser, f"/post/{post}/report", hx=False)
    assert (page.status, page.headers["Location"]) == (303, f"/post/{post}")
    assert stored(select(Report.post_id)) == post
    assert stored(select(Report.user_id)) == bo.id


def test_once_for_each_subject_until_somebody_decides(app, browser, another_browser, ana, person, bo, post, stored):
    browser.sign_in(ana)
    for _ in range(2):
        report(browser, "/user/bo_/report")
        report(browser, f"/post/{post}/report")
    assert count(stored) == 2
    assert "reported this already" in browser.get("/user/bo_").said("#toasts")
    person("cy_")
    report(another_browser.sign_in("cy_"), "/user/bo_/report")
    assert count(stored) == 3
    with app.app_context(), writing():
        db.session.query(Report).update({"decided_at": now()})
        db.session.commit()
    report(browser, "/user/bo_/report")
    assert count(stored) == 4


def test_what_is_missing_is_said_and_what_was_typed_stays(browser, ana, bo, stored, records):
    browser.sign_in(ana)
    form = browser.get("/user/bo_/report").values("#report-form")
    del form["reason"]  # nothing is chosen yet
    for page in (
        browser.hx_post("/user/bo_/report", data=form | {"note": "x" * 1001}),
        browser.post("/user/bo_/report", data=form | {"note": "x" * 1001}),
        browser.hx_post("/user/bo_/report", data=form | {"note": "x" * 1001, "reason": "a made-up one"}),
    ):
        assert page.status == 422
        assert page.one("#reason-message")["data-state"] == "refused"
        assert "1 character too many" in page.said("#note-message")
        assert page.one("#note").get_text().strip() == "x" * 1001
    assert records("form.refused", form="report", field="note")
    assert count(stored) == 0


def test_not_oneself_and_not_what_one_cannot_read(app, browser, another_browser, ana, bo, post, stored):
    another_browser.sign_in(bo)
    assert another_browser.get("/user/bo_/report").status == 400
    assert another_browser.get(f"/post/{post}/report").status == 400
    browser.sign_in(ana)
    form = browser.get(f"/post/{post}/report").values("#report-form")
    with app.app_context(), writing():
        db.session.get(Post, post).deleted_at = now()
        db.session.commit()
    page = browser.hx_post(f"/post/{post}/report", data=form | {"reason": "spam"})
    assert page.status == 410
    assert browser.get("/post/999/report").status == 404
    assert browser.get("/user/nobody/report").status == 404
    assert count(stored) == 0


def test_signed_in_as_somebody_else_meanwhile(browser, ana, bo, person, stored):
    person("cy_")
    form = browser.sign_in(ana).get("/user/bo_/report").values("#report-form")
    browser.sign_in("cy_")
    form["csrf_token"] = browser.token
    assert browser.hx_post("/user/bo_/report", data=form | {"reason": "spam"}).status == 403
    assert count(stored) == 0


def test_strangers_sign_in(browser, bo):
    assert browser.get("/user/bo_/report").headers["Location"] == "/login?next=/user/bo_/report"


class TestThrottled:
    @pytest.fixture
    def settings(self, changed):
        return changed(security={"reports": 1})

    def test_after_so_many_one_waits(self, browser, ana, bo, person, stored):
        person("cy_")
        browser.sign_in(ana)
        assert report(browser, "/user/bo_/report").status == 204
        page = report(browser, "/user/cy_/report", hx=False)
        assert page.status == 429
        assert count(stored) == 1


@pytest.fixture
def shut_out(app, ana, bo):
    """Bo has blocked Ana, who would report him."""
    with app.app_context(), writing():
        db.session.get(User, bo.id).display_name = "Bo Secret"
        db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id))
        db.session.commit()


def test_who_has_blocked_is_reported_all_the_same(browser, another_browser, ana, bo, person, post, shut_out, stored):
    """From the page that says that the profile is not available; it tells no more than the name that was asked for."""
    gone = browser.sign_in(ana).get("/user/bo_")
    assert gone.status == 404
    link = gone.one('main a[href="/user/bo_/report"]')
    assert link.get_text() == "Report @bo_"
    page = browser.get(str(link["href"]))
    assert page.said("h1") == "Report @bo_"
    assert "Secret" not in page.text
    assert "watches" not in page.text
    page = report(browser, "/user/bo_/report", note="He insults me")
    assert page.headers["HX-Redirect"] == "/", "not to a page that is not there for them"
    assert "Reported." in browser.get("/").said("#toasts")
    assert stored(select(Report.user_id)) == bo.id
    queue = another_browser.sign_in(person("mo_", role="moderator")).get("/moderation")
    assert "Bo Secret" in queue.said(".case h2")
    assert "He insults me" in queue.said(".case__note")


def test_a_former_name_tells_no_new_one(app, browser, ana, bo, shut_out, stored):
    with app.app_context(), writing():
        renamed = db.session.get(User, bo.id)
        renamed.change({"username": "elsewhere"}, seen_version=renamed.version)
        db.session.commit()
    page = browser.sign_in(ana).get("/user/bo_")
    assert "elsewhere" not in page.text + browser.get("/user/bo_/report").text
    report(browser, "/user/bo_/report")
    assert stored(select(Report.user_id)) == bo.id


def test_so_is_a_post_of_theirs_unread(app, browser, another_browser, ana, bo, person, post, shut_out, stored):
    """From its place in a conversation, which says neither whose it is nor what."""
    cy, suspended = person("cy_"), person("vi_", suspended_at=now())
    with app.app_context(), writing():
        answered = db.session.get(Post, post)
        Post.write(db.session.get(User, cy.id), "No thanks", reply_to=answered)
        Post.write(db.session.get(User, suspended.id), "Same here", reply_to=answered)
        db.session.commit()
    place = browser.sign_in(ana).get("/post/2").one(f"#post-{post}")
    assert place.get_text(" ").split("\n")[0] == "This post cannot be shown.  Report it"
    page = browser.get(str(place.select_one("a")["href"]))
    assert page.said("h1") == "Report a post"
    for secret in ("watches", "Secret", "bo_"):
        assert secret not in page.text
    page = report(browser, f"/post/{post}/report", hx=False)
    assert (page.status, page.headers["Location"]) == (303, "/")
    assert stored(select(Report.post_id)) == post
    assert browser.get("/post/3/report").said("h1") == "Report a post", "a suspension looks the same"
    assert not another_browser.get("/post/2").all("a[href$='/report']"), "strangers report nothing"
    another_browser.sign_in(person("mo_", role="moderator"))
    assert "watches" in another_browser.get("/moderation").said(".case blockquote")


def test_the_note_in_the_corner_leads_there_too(browser, ana, bo, shut_out):
    page = browser.sign_in(ana).hx_get("/user/bo_/card")
    assert page.status == 404
    assert page.one(".toast a")["href"] == "/user/bo_/report"
