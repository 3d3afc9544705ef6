"""In which zone one reads times, and in which language one writes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from microblog.extensions import db, writing
from microblog.models import Notification, Post, User

BERLIN = {"time_zone": "Europe/Berlin", "language": "de"}


def test_it_works(browser, ana, stored):
    page = browser.sign_in(ana).get("/settings/locale")
    form = page.values("#locale-form")
    assert (form["time_zone"], form["language"]) == ("", "")
    page = browser.hx_post("/settings/locale", data=form | BERLIN)
    assert page.status == 200
    assert "Time and language saved." in page.said(".toast")
    assert page.one("#time_zone option[selected]")["value"] == "Europe/Berlin"
    assert page.values("#locale-form")["once"] != form["once"]
    assert stored(select(User.time_zone)) == "Europe/Berlin"
    assert stored(select(User.version)) == 1, "no edit of the profile conflicts with it"
    assert browser.get("/post").one("#composer-language option[selected]")["value"] == "de"
    assert browser.hx_post("/settings/locale", data=form | BERLIN).status == 200, "the same form twice"


def test_without_javascript(browser, ana, stored):
    form = browser.sign_in(ana).get("/settings/locale").values("#locale-form")
    page = browser.post("/settings/locale", data=form | BERLIN)
    assert (page.status, page.headers["Location"]) == (303, "/settings/locale")
    page = browser.get("/settings/locale")
    assert "Time and language saved." in page.said("#toasts")
    assert page.one("#language option[selected]")["value"] == "de"


@pytest.mark.parametrize("fragment", [True, False])
@pytest.mark.parametrize("wrong", [{"time_zone": "Mars/Olympus"}, {"language": "tlh"}, {"time_zone": "../../etc"}])
def test_refusals(browser, ana, stored, wrong, fragment):
    form = browser.sign_in(ana).get("/settings/locale").values("#locale-form")
    send = browser.hx_post if fragment else browser.post
    page = send("/settings/locale", data=form | BERLIN | wrong)
    assert page.status == 422
    assert page.is_page != fragment
    (field,) = wrong
    assert "does not know this" in page.said(f"#{field}-message")
    assert page.one(f"#{field}")["aria-invalid"] == "true"
    other = "language" if field == "time_zone" else "time_zone"
    assert page.one(f"#{other} option[selected]")["value"] == BERLIN[other], "what was right stays chosen"
    assert stored(select(User.time_zone)) == stored(select(User.language)) == ""


def test_what_time_it_is_there(browser, ana):
    form = browser.sign_in(ana).get("/settings/locale").values("#locale-form")
    page = browser.hx_post("/settings/locale/check", data=form | {"time_zone": "Asia/Kolkata"})
    there = datetime.now(ZoneInfo("Asia/Kolkata"))
    just = (there, there - timedelta(minutes=1))
    assert page.said("#time_zone-message") in {f"It is {moment:%H:%M} there now." for moment in just}
    assert not page.all("select"), "only the message"
    page = browser.hx_post("/settings/locale/check", data=form | {"time_zone": "Mars/Olympus"})
    assert page.one("#time_zone-message")["data-state"] == "refused"


def test_strangers_and_foreign_forms(browser, another_browser, ana, bo, stored):
    assert another_browser.get("/settings/locale").headers["Location"].startswith("/login")
    form = browser.sign_in(ana).get("/settings/locale").values("#locale-form")
    assert browser.hx_post("/settings/locale", data=form | BERLIN | {"person": str(bo.id)}).status == 403
    assert stored(select(User.time_zone).where(User.id == ana.id)) == ""


def test_all_settings_lead_there(browser, ana):
    browser.sign_in(ana)
    for path in ("/edit_profile", "/settings/notifications", "/settings/people", "/settings/locale"):
        links = [str(link["href"]) for link in browser.get(path).all('nav[aria-label="Settings"] a')]
        assert links == ["/edit_profile", "/settings/notifications", "/settings/locale", "/settings/people"]


def test_every_time_is_in_the_zone(app, browser, ana, bo):
    """Posts, notifications and their days, profiles: late in the evening here it is tomorrow there."""
    with app.app_context(), writing():
        post = Post.write(db.session.get(User, ana.id), "Good night")
        post.like(bo.id)
        db.session.execute(update(User).where(User.id == ana.id).values(time_zone="Asia/Tokyo"))
        evening = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
        for table in (Post, Notification, User):
            db.session.execute(update(table).values(created_at=evening))
        db.session.commit()
    page = browser.sign_in(ana).get("/notifications")
    assert page.said(".news__date") == "2 November 2026"
    assert page.said(".news__time") == "08:30"
    assert page.one(".news__time time")["datetime"] == "2026-11-01T23:30:00+00:00"
    page = browser.get("/user/ana")
    assert page.one(".post__time time")["title"] == "2 November 2026, 08:30 JST"
    assert "Here since 2 November 2026" in page.said(".profile__dates")
