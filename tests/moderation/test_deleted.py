"""Moderators read what its author has deleted only by an open report from before, and the log says so."""

from datetime import timedelta

import pytest

from microblog.extensions import db, writing
from microblog.models import Post, Report
from microblog.models.columns import now
from tests.moderation.test_desk import decide

WORDS = ("Buy my watches", "Buy my clocks")
AGO = timedelta(minutes=5)


@pytest.fixture
def post(app, bo):
    """A post that says the first of WORDS, and said the second before."""
    with app.app_context(), writing():
        made = Post(author_id=bo.id, text=WORDS[1])
        db.session.add(made)
        db.session.flush()
        made.edit(WORDS[0], language="", seen_version=made.version)
        db.session.commit()
        return made.id


@pytest.fixture
def change(app):
    def run(what):
        with app.app_context(), writing():
            made = what()
            db.session.commit()
            return made.id if isinstance(made, Report) else None

    return run


@pytest.fixture
def delete(change, post):
    return lambda: change(lambda: db.session.get(Post, post).delete())


@pytest.fixture
def report(change, ana, bo, post):
    """Ana reports the post, some minutes ago or `later`; the number of the report."""

    def make(moment=None, post=post):
        def add():
            values = {"reason": "spam", "note": "Look!", "created_at": moment or now() - AGO}
            db.session.add(made := Report(reporter_id=ana.id, user_id=bo.id, post_id=post, **values))
            db.session.flush()
            return made

        return change(add)

    return make


def desk(browser, bo, post):
    """Everything that a moderator can open about the post."""
    paths = ("/moderation", f"/moderation/post/{post}", f"/moderation/user/{bo.id}", "/moderation/log")
    return [browser.get(path) for path in (*paths, f"/post/{post}", f"/post/{post}/history")]


def reading(browser, bo, post):
    """The addresses at which its words are read."""
    return [page.response.request.path for page in desk(browser, bo, post) if any(word in page.text for word in WORDS)]


def test_it_works(browser, bo, mo, post, report, delete, records):
    """Reported, then deleted: read until it is decided, and each time written down."""
    number = report()
    browser.sign_in(mo)
    delete()
    page = browser.get(f"/moderation/post/{post}")
    assert WORDS[0] in page.said("blockquote")
    assert "It was reported before" in page.said("main")
    assert len(records("moderation.viewed", post_id=post, report_id=number, user_id=mo.id)) == 1
    assert WORDS[0] in browser.get("/moderation").said(f"#case-{number} blockquote")
    assert len(records("moderation.viewed", post_id=post, report_id=number)) == 2
    assert reading(browser, bo, post) == ["/moderation", f"/moderation/post/{post}"]
    assert not any(word in str(records()) for word in WORDS)

    decide(browser, f"/moderation/post/{post}/dismiss", f"#case-{number} form")
    written = len(records("moderation.viewed"))
    assert reading(browser, bo, post) == []
    assert "no report from before that is open" in browser.get(f"/moderation/post/{post}").said("main")
    assert len(records("moderation.viewed")) == written


def test_without_a_report_only_its_author_reads_it(browser, another_browser, bo, mo, post, delete, records):
    delete()
    assert reading(browser.sign_in(mo), bo, post) == []
    page = browser.get(f"/moderation/post/{post}")
    assert (page.status, "What it says is not shown" in page.said("main")) == (200, True)
    assert page.all("form.decide"), "it can still be decided about"
    assert not records("moderation.viewed")
    assert WORDS[0] in another_browser.sign_in(bo).get("/post/deleted").said("main")


def test_nor_by_a_report_of_another_moment_or_thing(browser, bo, mo, post, report, delete, change, records):
    """Of later, decided, or about the member as a whole."""
    delete()
    report(now() + AGO)
    report(post=None)
    number = report()
    change(lambda: setattr(db.session.get(Report, number), "decided_at", now()))
    assert reading(browser.sign_in(mo), bo, post) == []
    assert "Look!" in browser.get("/moderation").said("main"), "what the reporter wrote is shown"
    assert not records("moderation.viewed")


def test_undo_opens_the_report_and_so_the_post_again(browser, bo, mo, post, report, delete):
    number = report()
    delete()
    page = decide(browser.sign_in(mo), f"/moderation/post/{post}/hide", f"#case-{number} form")
    assert reading(browser, bo, post) == []
    browser.hx_post(str(page.one("form[data-undo]")["action"]), data=page.values("form[data-undo]"))
    assert f"/moderation/post/{post}" in reading(browser, bo, post)


def test_what_is_not_deleted_is_read_as_ever(browser, bo, mo, post, report, change, records):
    change(lambda: setattr(db.session.get(Post, post), "hidden_at", now()))
    report()
    assert reading(browser.sign_in(mo), bo, post) == ["/moderation", f"/moderation/post/{post}"]
    assert not records("moderation.viewed"), "no place of somebody's own was looked into"


def test_its_author_is_told_so(browser, bo, post):
    page = browser.sign_in(bo).hx_post(f"/post/{post}/delete")
    for said in (page.said(".toast"), browser.get("/post/deleted").said("header.timeline__head")):
        assert "Only you can see it." in said
        assert "moderators can still read it until the report is closed" in said
