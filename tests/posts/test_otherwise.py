"""What a page that stands open is told: of the posts in sight those that have changed, and new answers."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from microblog.config.settings import Settings
from microblog.extensions import db, writing
from microblog.models import Block, Post, Session, User
from microblog.models.columns import now


@pytest.fixture
def settings(settings, changed) -> Settings:
    return changed(posts={"page_size": 5})


@pytest.fixture
def do(app):
    """Let somebody do something to a post meanwhile: ``do(number, "like", bo.id)``."""

    def act(number, verb, *values, **named):
        with app.app_context(), writing():
            getattr(db.session.get(Post, number), verb)(*values, **named)
            db.session.commit()

    return act


def asking(page, css="article.post"):
    """The address that the script of `page` asks, as it says how it shows the posts."""
    newer = str(page.one("[data-newer]")["data-newer"])
    seen = [
        f"{str(post['id']).removeprefix('post-')}.{post['data-post']}.{post.select_one('[data-counts]')['data-counts']}"
        for post in page.all(css)
    ]
    return f"{newer}{'&' if '?' in newer else '?'}seen={'_'.join(seen)}"


def shown(page):
    return [int(str(post["id"]).removeprefix("post-")) for post in page.all("article.post")]


PLACES = ["/", "/explore", "/tag/tag", "/user/ana", "/user/ana?tab=likes", "/bookmarks", "/post/{}"]


@pytest.mark.parametrize("place", PLACES)
def test_it_works(browser, ana, bo, write, do, records, stored, place):
    number, other = write(ana, "seen #tag"), write(ana, "another #tag")
    for one in (number, other):
        do(one, "like", ana.id)
        do(one, "bookmark", ana.id)
    ask = asking(browser.sign_in(ana).get(place.format(number)))
    quiet = browser.hx_get(ask)
    assert (quiet.status, quiet.text) == (204, "")
    do(number, "like", bo.id)
    do(number, "edit", "seen anew #tag", language="", seen_version=1)
    write(bo, "an answer", reply_to=number)
    told = browser.hx_get(ask)
    assert told.status == 200
    post = f"#post-{number}"
    assert [told.said(f"{post} {part}") for part in (".post__text", ".act--like", ".act--reply")] == [
        "seen anew #tag", "2", "1"]  # fmt: skip
    assert told.one(f"{post} .act--like")["aria-pressed"] == "true"
    assert not told.all(f"#post-{other}"), "what is as it was is not told"
    for page in (quiet, told):
        (line,) = records("request.finished", reference=page.reference)
        assert line["sql_count"] <= 3
    assert browser.hx_get(asking(told).replace("seen=", f"seen={other}.1.1.0_")).status == 204


def test_what_a_block_hides_does_not_change(app, browser, ana, bo, person, write, do):
    """A page is not told again and again of likes and answers that its member does not see counted."""
    number = write(person("cy_"))
    write(ana, reply_to=number)
    with app.app_context(), writing():
        db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id))
        db.session.commit()
    ask = asking(browser.sign_in(ana).get("/explore"))
    do(number, "like", bo.id)
    answer = write(bo, reply_to=number)
    assert browser.hx_get(ask).status == 204
    do(answer, "delete")
    assert browser.hx_get(ask).status == 204
    do(number, "like", ana.id)
    told = browser.hx_get(ask)
    assert shown(told) == [number]
    assert told.one(f"#post-{number}-actions")["data-counts"] == "1.1"


def test_what_is_gone_leaves_its_place(browser, ana, bo, person, write, do, app):
    cy = person("cy_")
    numbers = [write(bo, f"secret {n}") for n in range(3)] + [write(cy, "secret too")]
    ask = asking(browser.sign_in(ana).get("/explore"))
    do(numbers[0], "delete")
    with app.app_context(), writing():
        db.session.get(Post, numbers[1]).hidden_at = now()
        db.session.add(Block(blocker_id=cy.id, blocked_id=ana.id))
        db.session.commit()
    told = browser.hx_get(ask)
    assert "secret" not in told.text
    assert {number: told.said(f"#post-{number}.post--gone") for number in shown(told)} == {
        numbers[0]: "Its author has deleted this post.",
        numbers[1]: "A moderator has taken this post away.",
        numbers[3]: "This post cannot be shown. Report it",
    }
    with app.app_context(), writing():
        db.session.get(User, bo.id).suspended_at = now()
        db.session.commit()
    assert browser.hx_get(ask).said(f"#post-{numbers[2]}") == "This post cannot be shown. Report it"


def test_what_is_said_meanwhile_comes_below_what_it_answers(browser, another_browser, ana, bo, write):
    number, elsewhere = write(ana), write(ana)
    ask = asking(browser.sign_in(ana).get(f"/post/{number}"))
    first = write(bo, "first answer", reply_to=number)
    nested = write(ana, "to that", reply_to=first)
    write(bo, "of another conversation", reply_to=elsewhere)
    told = browser.hx_get(ask)
    assert shown(told) == [number, first, nested]
    assert [str(one["data-below"]) for one in told.all("[data-below]")] == ["timeline", f"post-{first}-branch"]
    assert f"since={nested}" in str(told.one("[data-newer]")["data-newer"])
    second = write(bo, "second answer", reply_to=number)
    assert shown(browser.hx_get(asking(told))) == [number, second]
    assert shown(another_browser.hx_get(ask)) == [number, first, nested, second], "strangers too"


def test_many_answers_come_one_page_after_the_other(browser, ana, write):
    number = write(ana)
    page = browser.sign_in(ana).get(f"/post/{number}")
    answers = [write(ana, reply_to=number) for _ in range(7)]
    told = browser.hx_get(asking(page))
    assert shown(told) == [number, *answers[:5]]
    assert shown(browser.hx_get(asking(told))) == answers[5:]


def test_what_is_asked_badly_is_left_out(browser, ana, write):
    number = write(ana)
    browser.sign_in(ana)
    for seen in ("", "x", "1", f"{number}.1.0", f"{number}.1.0.0.0", "1.1.1.-1", "9" * 30 + ".1.1.1", "é.1.1.1", "%00"):
        for path in (f"/?since={number}&seen={seen}", f"/post/{number}?since={number}&seen={seen}"):
            assert browser.hx_get(path).status == 204
    assert shown(browser.hx_get(f"/?since={number}&seen=7.1.0.0__{number}.0.0.0_")) == [number]
    many = "7.1.0.0_" * 60 + f"{number}.0.0.0"
    assert browser.hx_get(f"/?since={number}&seen={many}").status == 204, "no more than a page's worth"
    assert browser.hx_get(f"/post/{2**40}?since=1&seen=").status == 404


def test_a_window_left_open_is_nobody_who_is_here(browser, ana, write, stored, app):
    number, then = write(ana), now() - timedelta(minutes=50)
    browser.sign_in(ana)
    with app.app_context(), writing():
        db.session.execute(update(Session).values(last_seen_at=then))
        db.session.execute(update(User).values(last_seen_at=then))
        db.session.commit()
    for path in (f"/?since={number}&seen={number}.1.0.0", f"/post/{number}?since={number}&seen="):
        assert browser.hx_get(path).status == 204
    assert stored(select(User.last_seen_at)) == then
    browser.get("/")
    assert stored(select(User.last_seen_at)) > then
