"""A post is drawn once for all who see the same; nobody sees what was drawn for somebody else."""

from microblog.extensions import db, writing
from microblog.models import User
from microblog.posts import drawing


def test_drawn_once(browser, bo, write):
    write(bo, "Seen twice")
    drawing._remembered.cache_clear()
    browser.get("/explore")
    browser.get("/explore")
    known = drawing._remembered.cache_info()
    assert (known.hits, known.misses) == (1, 1)


def test_each_sees_their_own(browser, another_browser, ana, bo, write):
    number = write(bo)
    assert not browser.get("/explore").all(f"#post-{number} button")
    ana_sees, bo_sees = browser.sign_in(ana).get("/explore"), another_browser.sign_in(bo).get("/explore")
    assert ana_sees.said(f"#post-{number} .post__more") == "Report"
    assert bo_sees.said(f"#post-{number} .post__more") == "Edit Delete"
    browser.hx_post(f"/post/{number}/like", data=ana_sees.values("#acts"))
    pressed = [
        page.one(f"#post-{number}-like")["aria-pressed"]
        for page in (browser.get("/explore"), another_browser.get("/explore"))
    ]
    assert pressed == ["true", "false"]
    assert another_browser.get("/explore").said(f"#post-{number}-like") == "1"


def test_a_secret_is_in_none(app, browser, ana, bo, write):
    write(bo)
    page = browser.sign_in(ana).get("/explore")
    html = str(page.one("article"))
    assert page.values("#acts")["csrf_token"] not in html
    assert "once" not in html


def test_a_change_of_the_author_shows(app, browser, bo, write):
    number = write(bo)
    browser.get("/explore")
    with app.app_context(), writing():
        db.session.get(User, bo.id).display_name = "Another name"
        db.session.commit()
    assert browser.get("/explore").said(f"#post-{number} .post__author") == "Another name"


def test_each_reads_in_their_own_zone(app, browser, another_browser, ana, bo, write):
    number = write(bo)
    with app.app_context(), writing():
        db.session.get(User, ana.id).time_zone = "Asia/Tokyo"
        db.session.commit()
    titles = [
        who.get("/explore").one(f"#post-{number} time")["title"] for who in (browser.sign_in(ana), another_browser)
    ]
    assert titles[0].endswith("JST")
    assert titles[1].endswith("UTC")


def test_whom_it_answers(app, browser, ana, bo, write):
    parent = write(ana)
    answer = write(bo, "an answer", reply_to=parent)
    said = f"#post-{answer} .post__answers"
    browser.sign_in(bo)
    assert browser.get("/").said(said) == f"In answer to {ana.name}"
    with app.app_context(), writing():
        db.session.get(User, ana.id).suspended_at = db.session.get(User, ana.id).created_at
        db.session.commit()
    assert browser.get("/").said(said) == "In answer to another post"
