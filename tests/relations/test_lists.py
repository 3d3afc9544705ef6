"""Who follows whom, page by page; suggestions; the card."""

import pytest

from microblog.extensions import db, writing
from microblog.models import Follow, User, relations
from tests.relations.pressing import press


@pytest.fixture
def follows(app):
    """Who follows whom: ``follows("ana", "bo_")``."""

    def make(*pairs):
        with app.app_context(), writing():
            known = {user.username: user.id for user in db.session.query(User)}
            for one, other in pairs:
                db.session.add(Follow(follower_id=known[one], followed_id=known[other]))
                db.session.flush()
            db.session.commit()

    return make


def names(page, css=".person__username"):
    return [tag.get_text().strip("@") for tag in page.all(css)]


def test_it_works(browser, person, ana, follows):
    people = [f"name_{number:02}" for number in range(35)]
    for name in people:
        person(name)
    follows(*((name, "ana") for name in people))
    page = browser.get("/user/ana/followers")
    assert names(page) == people[:4:-1], "the latest first"
    more = page.one("#more a")
    assert names(browser.get(more["href"])) == people[4::-1]
    fragment = browser.hx_get(more["hx-get"])
    assert not fragment.is_page
    assert names(fragment) == people[4::-1]
    assert not fragment.all("#more")
    assert "35 followers" in browser.get("/user/ana").said("#main")
    assert names(browser.get("/user/name_01/following")) == ["ana"]


def test_nothing_is_missed_or_shown_twice_when_somebody_comes(browser, person, ana, follows):
    people = [f"name_{number:02}" for number in range(40)]
    for name in people:
        person(name)
    follows(*((name, "ana") for name in people[:35]))
    first = browser.get("/user/ana/followers")
    follows(*((name, "ana") for name in people[35:]))
    second = browser.get(first.one("#more a")["href"])
    assert names(first) + names(second) == people[34::-1]


def test_costs_the_same_for_any_length(browser, person, ana, follows, records):
    people = [f"name_{number:02}" for number in range(35)]
    for name in people:
        person(name)
    follows(*((name, "ana") for name in people), ("ana", "name_01"))
    browser.sign_in(ana)
    pages = ("/user/ana", "/user/name_01", "/user/name_01/followers", "/user/ana/followers", "/user/name_02/following")
    for path in (*pages, "/settings/people", "/people/suggested"):
        line = records("request.finished", reference=browser.get(path).reference)[0]
        assert line["sql_count"] <= 3, (path, line["sql_count"])


def test_the_followed_are_told_apart(browser, ana, bo, person, follows):
    person("cy_")
    follows(("bo_", "cy_"), ("ana", "cy_"), ("ana", "bo_"))
    page = browser.sign_in(ana).get("/user/cy_/followers")
    assert "Following" in page.said(f"#follow-{bo.id}")
    assert not page.all(f"#follow-{ana.id}"), "nobody follows themselves"
    assert "Follows you" not in browser.get("/user/bo_").said("main")
    follows(("bo_", "ana"))
    assert "Follows you" in browser.get("/user/bo_").said("main")


def test_suggestions(app, browser, ana, bo, person, follows):
    for name in ("friend", "of_friends", "popular", "fan_1", "fan_2", "quiet"):
        person(name)
    follows(("ana", "friend"), ("friend", "of_friends"), ("bo_", "of_friends"))
    follows(("fan_1", "popular"), ("fan_2", "popular"), ("bo_", "popular"))
    with app.app_context():
        found = [(one.person.username, one.why) for one in relations.suggestions(ana.id, 3)]
        everybody = {one.person.username for one in relations.suggestions(ana.id, 20)}
    assert found[0] == ("of_friends", "Followed by 1 person you follow")
    assert found[1] == ("popular", "Followed by 3 people lately")
    assert found[2] == ("quiet", "New here")
    assert everybody.isdisjoint({"ana", "friend"}), "neither oneself nor whom one follows"

    browser.sign_in(ana)
    press(browser, "/user/fan_2", "/user/fan_2/block")
    assert "Followed by 2 people lately" in browser.get("/people/suggested").said("main")
    press(browser, "/user/of_friends", "/user/of_friends/block")
    press(browser, "/user/popular", "/user/popular/mute")
    assert names(browser.get("/people/suggested"))[0] == "quiet"


def test_who_follows_nobody_gets_suggestions(browser, ana, bo):
    page = browser.sign_in(ana).get("/user/ana/following")
    assert "You follow nobody yet." in page.said("main")
    assert page.all(f".suggestions #follow-{bo.id}")
    assert not browser.get("/user/bo_/following").all(".suggestions")


def test_the_card(browser, ana, person):
    person("cy_", about_me="Hello <b>there</b>")
    browser.sign_in(ana)
    card = browser.hx_get("/user/cy_/card")
    assert "Hello <b>there</b>" in card.said()
    assert "0 followers" in card.said()
    assert browser.get("/user/cy_/card").headers["Location"] == "/user/cy_"
    assert browser.hx_get("/user/nobody/card").status == 404


def test_counting_ends_where_it_does_not_matter(browser, ana, person, follows, monkeypatch):
    from microblog.models import relation
    from microblog.web import members

    monkeypatch.setattr(relation, "COUNTED", 2)
    monkeypatch.setattr(members, "_statement", members._statement.__wrapped__)  # else built before
    for name in ("one", "two", "three", "four"):
        person(name)
    follows(*((name, "ana") for name in ("one", "two", "three", "four")))
    assert "3 followers" in browser.get("/user/ana").said("main"), "one more than is counted"
