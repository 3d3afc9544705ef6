"""The queue, the decisions, and what is written down of them."""

import pytest
from sqlalchemy import func, select

from microblog.extensions import db, writing
from microblog.models import ModerationAction, Post, Report, Session, User
from microblog.models.columns import now
from tests.relations.pressing import press


@pytest.fixture
def post(app, bo):
    with app.app_context(), writing():
        made = Post(author_id=bo.id, text="Buy my watches")
        db.session.add(made)
        db.session.flush()
        number = made.id
        db.session.commit()
    return number


@pytest.fixture
def reported(app):
    """A report: ``reported(by, about, post)``; its number."""

    def make(by, about, post=None, **values):
        with app.app_context(), writing():
            made = Report(reporter_id=by.id, user_id=about.id, post_id=post, **({"reason": "spam"} | values))
            db.session.add(made)
            db.session.flush()
            number = made.id
            db.session.commit()
        return number

    return make


def decide(browser, path, css="form.decide", page="/moderation", hx=True, **fields):
    form = browser.get(page).values(css)
    return (browser.hx_post if hx else browser.post)(path, data=form | fields)


def actions(app):
    with app.app_context():
        rows = db.session.scalars(select(ModerationAction).order_by(ModerationAction.id))
        return [(row.moderator_id, row.action, row.user_id, row.post_id, row.report_id, row.note) for row in rows]


def test_it_works(app, browser, ana, bo, mo, post, reported, stored, records):
    first, second = reported(ana, bo, post, note="Again <b>!"), reported(mo, bo, post)
    about_bo = reported(ana, bo)
    page = browser.sign_in(mo).get("/moderation")
    assert [case["id"] for case in page.all(".case")] == [f"case-{first}", f"case-{about_bo}"]
    assert "reported 2 times" in page.said(f"#case-{first}")
    assert "Again <b>!" in page.said(f"#case-{first}")
    assert "Buy my watches" in page.said(f"#case-{first} blockquote")

    page = decide(browser, f"/moderation/post/{post}/hide", f"#case-{first} form", note="Advertising")
    assert "The post is hidden." in page.said(f"#case-{first}")
    assert stored(select(Post.hidden_at)) is not None
    assert stored(select(Post.version)) == 1, "no edit of the text conflicts with it"
    assert actions(app) == [(mo.id, "hide", bo.id, post, first, "Advertising")]
    assert stored(select(Report.decision).where(Report.id == second)) == "hide"
    assert stored(select(func.count(Report.id)).where(Report.decided_at.is_(None))) == 1
    assert records("moderation.decided", action="hide", other_id=bo.id, post_id=post)
    assert "Advertising" not in str(records())
    assert len(browser.get("/moderation").all(".case")) == 1

    undo = page.values("form[data-undo]")
    browser.hx_post(page.one("form[data-undo]")["action"], data=undo)
    assert stored(select(Post.hidden_at)) is None
    trail = browser.get("/moderation/log").said(".trail")
    assert "@mo_ showed again post" in trail
    assert "@mo_ hid post" in trail
    assert "Advertising" in trail


@pytest.mark.parametrize("verb", ["hide", "suspend"])
@pytest.mark.parametrize("hx", [True, False])
def test_undo_brings_the_reports_back(app, browser, person, ana, bo, mo, post, reported, stored, verb, hx):
    still_decided = reported(person("cy_"), bo, post)
    decide(browser.sign_in(mo), f"/moderation/post/{post}/dismiss", f"#case-{still_decided} form")
    first, second = reported(ana, bo, post), reported(mo, bo, post)
    elsewhere = reported(ana, bo, decided_at=now(), decided_by=mo.id, decision=verb)
    page = decide(browser, f"/moderation/post/{post}/{verb}", f"#case-{first} form", hx=hx)
    if not hx:
        page = browser.get("/moderation")
    assert not browser.get("/moderation").all(".case")
    undo = str(page.one("form[data-undo]")["action"])
    page = (browser.hx_post if hx else browser.post)(undo, data=page.values("form[data-undo]"))
    queue = browser.get("/moderation")
    assert [case["id"] for case in queue.all(".case")] == [f"case-{first}"]
    assert "reported 2 times" in queue.said(f"#case-{first}")
    assert not queue.all("form[data-undo]"), "it is decided anew"
    assert stored(select(Report.decided_by).where(Report.id == second)) is None
    assert stored(select(Report.decision).where(Report.id == still_decided)) == "dismiss"
    assert stored(select(Report.decision).where(Report.id == elsewhere)) == verb
    assert [row[1:5] for row in actions(app)][-2:] == [
        ({"hide": "unhide", "suspend": "lift"}[verb], bo.id, post if verb == "hide" else None, None),
        ("reopen", bo.id, post, first),
    ]
    assert f"@mo_ opened again the reports about post {post} of @bo_" in browser.get("/moderation/log").said(".trail")


def test_a_hidden_post_leads_moderators_to_the_desk(browser, another_browser, ana, bo, mo, post):
    desk = f"/moderation/post/{post}"
    form = browser.sign_in(mo).get(desk).values("form.decide")
    browser.hx_post(f"{desk}/hide", data=form)
    page = browser.get(f"/post/{post}")
    assert page.status == 410
    assert "Buy my watches" not in page.text
    assert "Buy my watches" in browser.get(page.one(f'#main a[href="{desk}"]')["href"]).said("blockquote")
    for member in (ana, bo):
        page = another_browser.sign_in(member).get(f"/post/{post}")
        assert page.status == 410
        assert desk not in page.text


def test_what_is_lifted_later_leaves_the_reports_decided(browser, ana, bo, mo, reported, stored):
    number = reported(ana, bo)
    decide(browser.sign_in(mo), f"/moderation/user/{bo.id}/suspend", f"#case-{number} form")
    press(browser, f"/moderation/user/{bo.id}", f"/moderation/user/{bo.id}/lift")
    assert stored(select(Report.decision)) == "suspend"
    assert not browser.get("/moderation").all(".case")


def test_without_javascript(browser, ana, bo, mo, reported, stored):
    reported(ana, bo)
    page = decide(browser.sign_in(mo), f"/moderation/user/{bo.id}/dismiss", hx=False)
    assert (page.status, page.headers["Location"]) == (303, "/moderation")
    page = browser.get("/moderation")
    assert "Nothing is waiting." in page.said("main")
    assert "Dismissed" in page.said("#toasts")
    assert stored(select(Report.decided_by)) == mo.id


def test_what_is_reported_meanwhile_is_not_decided_unread(browser, ana, bo, mo, reported, stored):
    reported(ana, bo)
    form = browser.sign_in(mo).get("/moderation").values("form.decide")
    later = reported(mo, bo, note="something worse")
    assert browser.hx_post(f"/moderation/user/{bo.id}/dismiss", data=form).status == 200
    assert stored(select(Report.id).where(Report.decided_at.is_(None))) == later


def test_twice_is_written_down_once(app, browser, bo, mo, reported, ana):
    reported(ana, bo)
    form = browser.sign_in(mo).get("/moderation").values("form.decide")
    for fields in (form, form, form | {"once": "another-key-of-another-tab"}):
        assert browser.hx_post(f"/moderation/user/{bo.id}/suspend", data=fields).status == 200
    assert [row[1] for row in actions(app)] == ["suspend"]
    assert "is so already" in browser.last.said(".toast")


def test_for_moderators_only(browser, another_browser, ana, bo, post):
    browser.sign_in(ana)
    for path in ("/moderation", "/moderation/log", f"/moderation/user/{bo.id}", f"/moderation/post/{post}"):
        assert browser.get(path).status == 403, path
        assert another_browser.get(path).status == 302, path
    for path in (f"/moderation/user/{bo.id}/suspend", f"/moderation/post/{post}/hide"):
        assert browser.hx_post(path).status == 403, path
    assert "/moderation" not in browser.get("/user/bo_").text
    assert not browser.get("/").all('.nav a[href="/moderation"]')


def test_nobody_decides_about_themselves_or_an_administrator(app, browser, person, mo, ana, reported, stored):
    chief = person("chief", role="administrator")
    own, about_chief = reported(ana, mo), reported(ana, chief)
    page = browser.sign_in(mo).get("/moderation")
    assert not page.all(f"#case-{own} form")
    assert page.said(f"#case-{about_chief} form button") == "Dismiss"
    for user in (mo, chief):
        assert browser.hx_post(f"/moderation/user/{user.id}/suspend").status == 403
        assert browser.hx_post(f"/moderation/user/{user.id}/lift").status == 403
        assert not browser.get(f"/moderation/user/{user.id}").all("form.decide")
    assert browser.hx_post(f"/moderation/user/{mo.id}/dismiss", until=own).status == 403
    assert stored(select(func.count(User.id)).where(User.suspended_at.is_not(None))) == 0
    assert actions(app) == []


def test_gone_and_made_up(browser, mo, bo, post):
    browser.sign_in(mo)
    for path in ("/moderation/user/999", "/moderation/post/999"):
        assert browser.get(path).status == 404, path
    for path in (
        *("/moderation/user/999/suspend", "/moderation/post/999/hide", f"/moderation/user/{bo.id}/hide"),
        f"/moderation/post/{post}/erase",
    ):
        assert browser.hx_post(path).status == 404, path


def test_costs_the_same_for_any_length(app, browser, ana, mo, person, reported, records):
    browser.sign_in(mo)
    for number in range(35):
        reported(ana, person(f"name_{number}"))
    page = browser.get("/moderation")
    assert len(page.all(".case")) == 30
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 2
    assert len(browser.get(page.one(".more a")["href"]).all(".case")) == 5
    with app.app_context(), writing():
        for number in range(35):
            db.session.add(ModerationAction(moderator_id=mo.id, action="dismiss", user_id=number + 2))
        db.session.commit()
    page = browser.get("/moderation/log")
    assert len(page.all(".trail__row")) == 30
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 2
    assert len(browser.get(page.one(".more a")["href"]).all(".trail__row")) == 5
    page = browser.get("/moderation/user/3")
    assert records("request.finished", reference=page.reference)[0]["sql_count"] <= 3


# --- suspension -------------------------------------------------------------------------------------------------------
def suspend(browser, user):
    page = f"/moderation/user/{user.id}"
    return decide(browser, f"{page}/suspend", page=page, note="Enough")


def test_a_suspended_member_is_out(app, browser, another_browser, ana, bo, mo, post, stored, records):
    another_browser.sign_in(bo)
    form = another_browser.get("/user/ana").values(f"#follow-{ana.id}")
    assert suspend(browser.sign_in(mo), bo).headers["HX-Redirect"] == f"/moderation/user/{bo.id}"
    assert stored(select(func.count(Session.id)).where(Session.user_id == bo.id)) == 0
    for send in (another_browser.hx_post, another_browser.post):
        page = send("/user/ana/follow", data=form)
        assert page.status == 403, "the very next click tells"
        assert "Your account is suspended" in page.said()
    for path in ("/edit_profile", "/"):
        page = another_browser.get(path)
        assert page.status == 403
        assert page.said("h1") == "Your account is suspended"
    another_browser.get("/login")
    page = another_browser.post("/login", username="bo_", password="correct horse battery")
    assert page.status == 403
    assert page.said("h1") == "Your account is suspended"
    assert "write to whoever runs this site" in page.said("main")
    assert "Send again" not in page.text
    assert another_browser.post("/login", username="bo_", password="a wrong one").status == 401, "told to nobody else"
    assert another_browser.hx_post("/login", username="bo_", password="correct horse battery").status == 403
    assert records("sign_in.suspended", other_id=bo.id)

    shown = browser.get("/user/bo_")
    assert "This account is suspended." in shown.said("main")
    another_browser.client.delete_cookie("session")
    assert "bo_" not in another_browser.get("/").said("#main .people")
    assert not browser.get("/user/bo_").all("form.follow")

    page = press(browser, f"/moderation/user/{bo.id}", f"/moderation/user/{bo.id}/lift")
    assert page.status == 204
    another_browser.sign_in(bo)
    assert [row[1] for row in actions(app)] == ["suspend", "lift"]


def test_a_session_that_begins_meanwhile_is_none(app, browser, ana, stored):
    """Signed in at the moment of the suspension: the row is there, and nobody is let in by it."""
    browser.sign_in(ana)
    with app.app_context(), writing():
        db.session.get(User, ana.id).suspended_at = now()
        db.session.commit()
    assert browser.get("/edit_profile").status == 403
    assert browser.hx_post("/edit_profile/about_me", about_me="still here").status == 403
    assert stored(select(User.about_me)) == ""


def test_their_notifications_are_gone_and_come_back(browser, another_browser, ana, bo, mo, stored):
    press(another_browser.sign_in(bo), "/user/ana", "/user/ana/follow")
    assert stored(select(User.unread).where(User.id == ana.id)) == 1
    suspend(browser.sign_in(mo), bo)
    assert stored(select(User.unread).where(User.id == ana.id)) == 0
    another_browser.sign_in(ana)
    assert "bo_" not in another_browser.get("/notifications").said("main")
    press(browser, f"/moderation/user/{bo.id}", f"/moderation/user/{bo.id}/lift")
    assert "bo_" in another_browser.get("/notifications").said("main")


class TestContact:
    @pytest.fixture
    def settings(self, changed):
        return changed(site={"contact": "help@example.org"})

    def test_whom_to_write_to(self, browser, person):
        person("bo_", suspended_at=now())
        browser.get("/login")
        page = browser.post("/login", username="bo_", password="correct horse battery")
        assert "write to help@example.org." in page.said("main")
