"""The home page of a member, and what all timelines have in common."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from microblog.config.settings import Settings
from microblog.extensions import db, writing
from microblog.models import Block, Follow, Like, Mute, Post, PostTag, User, timeline
from microblog.models.columns import LARGEST, now
from microblog.models.shown import _statement
from microblog.models.timeline import Span

HERE = {"HX-Current-URL": "http://localhost/"}


@pytest.fixture
def settings(settings, changed) -> Settings:
    return changed(posts={"page_size": 5})


def shown(page):
    return [int(str(post["id"]).removeprefix("post-")) for post in page.all("article.post")]


def test_it_works(browser, ana, bo, person, write, follow):
    cy = person("cy_")
    follow(ana, bo)
    mine, theirs, _strange = write(ana, "mine"), write(bo, "theirs"), write(cy, "of a stranger")
    page = browser.sign_in(ana).get("/")
    assert shown(page) == [theirs, mine]
    assert page.said(f"#post-{theirs} .post__text") == "theirs"


def test_an_empty_one_suggests_people(browser, ana, bo):
    page = browser.sign_in(ana).get("/")
    assert "This is where you read" in page.said(".timeline__empty")
    assert "@bo_" in page.said(".suggestions")


def test_strangers_see_what_this_is(browser, ana, write):
    write(ana)
    page = browser.get("/")
    assert not page.all(".post")
    assert "posts.css" not in page.text


def test_pages_follow_each_other_while_others_write(browser, ana, bo, write, follow):
    follow(ana, bo)
    numbers = [write(bo, f"post {n}") for n in range(12)]
    page, found = browser.sign_in(ana).get("/"), []
    while True:
        found += shown(page)
        write(bo, "written meanwhile")
        links = page.all("#older a")
        if not links:
            break
        page = browser.hx_get(str(links[0]["href"]), **HERE)
        assert not page.is_page
    assert found == numbers[::-1]
    assert page.headers["HX-Replace-Url"] == "/?show=12"
    again = browser.get("/?show=12")
    assert len(shown(again)) == 12, "whoever comes back finds what they had loaded"
    without_script = browser.get(f"/?before={numbers[3]}")
    assert shown(without_script) == numbers[2::-1]
    assert not without_script.all("[data-newer]"), "what is new does not belong in the middle"


def test_what_is_new_is_offered_and_put_in(browser, ana, bo, write, follow):
    follow(ana, bo)
    first = write(bo, "first")
    ask = str(browser.sign_in(ana).get("/").one("[data-newer]")["data-newer"])
    assert browser.hx_get(ask, **HERE).status == 204
    write(ana, "my own, from the phone")
    assert browser.hx_get(ask, **HERE).status == 204
    new = [write(bo, "second"), write(bo, "third")]
    pill = browser.hx_get(ask, **HERE)
    assert pill.said(".pill") == "2 new posts"
    taken = browser.hx_get(str(pill.one("[data-take]")["hx-get"]), **HERE)
    assert shown(taken) == new[::-1]
    assert f"since={new[-1]}" in taken.text
    assert first not in shown(taken)
    for _ in range(4):
        write(bo)
    many = browser.hx_get(ask, **HERE)
    assert many.said(".pill") == "Many new posts"
    assert not many.all("[data-take]")


@pytest.mark.parametrize("bad", ["x", "-1", "9" * 5000, "99999999999", "0", "%00", "1.5"])
def test_odd_cursors_are_no_errors(browser, ana, write, bad):
    write(ana)
    browser.sign_in(ana)
    for name in ("before", "show", "since"):
        assert browser.get(f"/?{name}={bad}").status == 200
    assert browser.hx_get(f"/?since={bad}", **HERE).status in {200, 204}


@pytest.mark.parametrize("latest", [1, 12, 400])
def test_the_query_is_exact(app, person, monkeypatch, latest):
    """Against the plain query, with authors of every kind, at every cursor, whichever way finds the posts."""
    monkeypatch.setattr(timeline, "LATEST", latest)
    chance, people = random.Random(3), [person(f"name_{n}") for n in range(14)]
    me = people[0].id
    with app.app_context(), writing():
        for other in people[1:10]:
            db.session.add(Follow(follower_id=me, followed_id=other.id))
        db.session.add(Mute(muter_id=me, muted_id=people[3].id))
        db.session.add(Block(blocker_id=people[4].id, blocked_id=me))
        db.session.add(Block(blocker_id=me, blocked_id=people[5].id))
        db.session.get(User, people[6].id).suspended_at = now()
        for n in range(150):
            author = chance.choice(people if n < 100 else people[3:9])
            post = Post(author_id=author.id, text=f"{n}")
            post.deleted_at = now() if chance.random() < 0.2 else None
            post.hidden_at = now() if chance.random() < 0.1 else None
            db.session.add(post)
            db.session.flush()
        db.session.commit()
        readers = [me] + [people[n].id for n in (1, 2, 7, 8, 9)]
        plain = Post.shown_to(me).where(Post.author_id.in_(readers), Post.welcome(me)).order_by(Post.id.desc())
        for before in (None, 2, 20, 77, 101, 140):
            for since in (None, 5, 90):
                for limit in (1, 3, 6, 26):
                    span = Span(limit, before, since)
                    found = [post.id for post in timeline.home(me, span)]
                    within = Post.id < (before or LARGEST), Post.id > (since or 0)
                    wanted = [post.id for post in db.session.scalars(plain.where(*within).limit(limit))]
                    assert found == wanted, span


@pytest.mark.slow
def test_costs_the_same_for_any_length(app, browser, ana, person, write, follow, records):
    """One author each, or a statement for each author would hide."""
    for n in range(12):
        other = person(f"name_{n}")
        follow(ana, other)
        number = write(other, f"post of {n} with @ana and #tag")
        write(ana, "an answer", reply_to=number)
        with app.app_context(), writing():
            db.session.get(Post, number).like(ana.id)
            db.session.commit()
    browser.sign_in(ana)
    paths = ["/", "/?show=20", "/explore", "/tag/tag", "/user/name_3", "/user/ana?tab=replies", "/user/ana?tab=likes",
             "/bookmarks", "/post/1", "/post/1/history", "/post", "/post/1/reply"]  # fmt: skip
    for path in paths:
        page = browser.get(path)
        assert page.status == 200
        (line,) = records("request.finished", reference=page.reference)
        assert line["sql_count"] <= 3, path


def test_tabs_of_a_profile(browser, ana, bo, write, app):
    post = write(ana, "a post")
    answer = write(ana, "an answer", reply_to=post)
    liked = write(bo, "liked")
    with app.app_context(), writing():
        db.session.get(Post, liked).like(ana.id)
        db.session.commit()
    assert shown(browser.get("/user/ana")) == [post]
    assert shown(browser.get("/user/ana?tab=replies")) == [answer]
    assert shown(browser.get("/user/ana?tab=likes")) == [liked]
    assert browser.get("/user/ana?tab=secrets").status == 404


def test_bookmarks_are_for_oneself(browser, another_browser, ana, bo, write, app, stored):
    number = write(bo)
    browser.sign_in(ana).get("/explore")
    assert browser.hx_post(f"/post/{number}/bookmark").status == 200
    assert shown(browser.get("/bookmarks")) == [number]
    assert shown(another_browser.sign_in(bo).get("/bookmarks")) == []
    assert stored(select(Like.id)) is None


def test_muted_and_blocked_people_are_left_out(browser, ana, bo, write, app):
    number = write(bo, "said #aloud")
    browser.sign_in(ana)
    for relation, profile, permalink in ((Mute(muter_id=ana.id, muted_id=bo.id), [number], 200),
                                         (Block(blocker_id=bo.id, blocked_id=ana.id), [], 404)):  # fmt: skip
        with app.app_context(), writing():
            db.session.add(relation)
            db.session.commit()
        assert shown(browser.get("/explore")) == []
        assert shown(browser.get("/tag/aloud")) == []
        assert shown(browser.get("/user/bo_")) == profile
        assert browser.get(f"/post/{number}").status == permalink


def test_tags(browser, ana, write):
    number = write(ana, "Summer #Été")
    assert shown(browser.get("/tag/été")) == [number]
    assert browser.get("/tag/ÉTÉ").headers["Location"] == "/tag/%C3%A9t%C3%A9"
    assert "Nobody has written about this" in browser.get("/tag/winter").text
    assert browser.get("/tag/a b").status == 404
    assert browser.get("/tag/" + "x" * 300).status == 404


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """How many rows each step of a plan of PostgreSQL looked at."""
    yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for step in plan.get("Plans", ()):
        yield from rows_read(step)


@pytest.mark.postgresql_only
def test_a_tag_of_long_ago_is_not_looked_for_among_what_was_written_since(app, ana):
    many, long_ago = 10_000, 1_000
    with app.app_context(), writing():
        numbers = range(1, many + 1)
        db.session.execute(insert(Post), [{"id": number, "author_id": ana.id, "text": ""} for number in numbers])
        tags = [{"tag": "bread", "post_id": number} for number in numbers[:long_ago]]
        tags += [{"tag": f"other{number % 10}", "post_id": number} for number in numbers]
        db.session.execute(insert(PostTag), tags)
        db.session.execute(text("ANALYZE posts, post_tags"))
        asked = _statement(timeline._tagged, signed_in=False).params(Span(25).values | {"tag": "bread"})
        query = asked.compile(db.engine, compile_kwargs={"literal_binds": True})
        (found,) = db.session.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")).scalar_one()
    assert max(rows_read(found["Plan"])) < long_ago


@pytest.mark.parametrize("verb", ["like", "bookmark"])
def test_what_was_marked_last_comes_first(app, browser, ana, bo, write, verb):
    """Whatever is marked or unmarked meanwhile, nothing comes twice and nothing is left out."""
    numbers = [write(bo, f"post {n}") for n in range(14)]
    order = random.Random(5).sample(numbers, 13)

    def mark(number, how=verb):
        with app.app_context(), writing():
            getattr(db.session.get(Post, number), how)(ana.id)
            db.session.commit()

    for number in order:
        mark(number)
    address = "/bookmarks" if verb == "bookmark" else "/user/ana?tab=likes"
    here = {"HX-Current-URL": f"http://localhost{address}"}
    page, found = browser.sign_in(ana).get(address), []
    ask = str(page.one("[data-newer]")["data-newer"])
    while True:
        found += shown(page)
        mark(found[-1], f"un{verb}")  # the very one that the next page begins after
        links = page.all("#older a")
        if not links:
            break
        page = browser.hx_get(str(links[0]["href"]), **here)
    assert found == order[::-1]
    assert page.headers["HX-Replace-Url"] == address + ("&" if "?" in address else "?") + "show=13"
    left = [number for number in found if number not in (found[4], found[9], found[12])]
    assert shown(browser.get(address + ("&" if "?" in address else "?") + "show=13")) == left
    mark(next(number for number in numbers if number not in order))
    assert browser.hx_get(ask, **here).said(".pill") == "1 new post"


@pytest.mark.parametrize("address", ["/", "/explore", "/tag/bread", "/user/bo_", "/user/bo_?tab=replies"])
def test_pages_of_every_timeline_meet_without_a_gap_or_a_repeat(browser, ana, bo, write, follow, address):
    follow(ana, bo)
    first = write(ana, "Whose bread?")
    numbers = [write(bo, f"#bread {n}", reply_to=first if "replies" in address else None) for n in range(11)]
    page, found = browser.sign_in(ana).get(address), []
    while True:
        found += [number for number in shown(page) if number != first]
        links = page.all("#older a")
        if not links:
            break
        page = browser.hx_get(links[0]["href"], **{"HX-Current-URL": f"http://localhost{address}"})
    assert found == numbers[::-1]
