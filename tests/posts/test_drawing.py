"""A post is drawn once for all who see the same; nobody sees what was drawn for somebody else."""

import pytest

from microblog.extensions import db, writing
from microblog.models import User
from microblog.models.columns import now
from microblog.models.remembered import ROOM, remembered
from microblog.models.shown import Shown
from microblog.posts import drawing

LONGEST_LETTER = "\N{DESERET SMALL LETTER LONG I}"
"""Four bytes in memory."""


def test_drawn_once(browser, bo, write, monkeypatch):
    write(bo, "Seen twice")
    drawn = []

    def draw(*values):
        drawn.append(values)
        return drawing._draw(*values)

    monkeypatch.setattr(drawing, "_remembered", remembered(most=10)(draw))
    assert browser.get("/explore").said("article") == browser.get("/explore").said("article")
    assert len(drawn) == 1


@pytest.mark.sqlite_only
def test_so_many_bytes_of_drawn_posts_are_remembered(app):
    """Members decide how long a post is."""
    moment = now()

    def draw(number):
        text = f"{number} ".ljust(20_000, LONGEST_LETTER)
        post = Shown(number, 1, "ana", "Ana", "", text, "", None, None, moment, None, 1, 0, 0, *[False] * 2)
        return drawing._remembered(post, "stranger", "1 h", "")

    with app.app_context():
        first = draw(1)
        assert draw(1) is first
        for number in range(2, ROOM // 80_000 + 2):
            last = draw(number)
            assert draw(number) is last
        assert draw(1) is not first


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
