"""Nobody reads who is suspended, nor who has blocked them, at any address: as a page, or as a part that htmx asks for.

The addresses are those of the site itself, so that a new one cannot be forgotten.
"""

import re

import pytest
from sqlalchemy import update

from microblog.extensions import db, writing
from microblog.models import Block, Mute, Post, User
from microblog.models.columns import now
from tests.support.client import Browser

PROFILE = {"about_me": "bread aboutword", "location": "placeword", "website": "https://linkword.example/"}
POSTS = ("formerword", "postword", "answerword")
LIKED = "likedword"
WORDS = ("aboutword", "placeword", "linkword", *POSTS, LIKED)
"""In all that Tara says and does; a post of Cy's stands in her likes, and elsewhere too."""

NAMED = "nameword"
"""Her display name, which the profile of a suspended member shows."""

ARGUMENTS = {
    "field": ("about_me", "location", "website", "display_name", "avatar"),
    "key": ("0" * 16,),
    "seed": ("tara",),
    "tag": ("bread",),
    "username": ("tara",),
}
TABS = [f"tab={name}" for name in ("posts", "replies", "likes")]
NOT_OURS = ("admin.", "auth.", "health.", "moderation.queue", "moderation.trail", "moderation.user", "moderation.post")
NOT_OURS += ("moderation.decide",)
"""What has no member's words, and the desk, where moderators read them."""


@pytest.fixture
def tara(app, person):
    """Everything that a member can say; the numbers of her and of her posts."""
    made, cy = person("tara", display_name=NAMED, **PROFILE), person("cy_")
    with app.app_context(), writing():
        me = db.session.get(User, made.id)
        post = Post.write(me, "bread formerword @mel")
        assert post.edit("#bread postword @mel", language="", seen_version=1)
        of_cy = Post.write(db.session.get(User, cy.id), f"bread {LIKED}")
        of_cy.like(me.id)
        answer = Post.write(me, "bread answerword", reply_to=of_cy)
        db.session.commit()
        return made.id, (post.id, of_cy.id, answer.id)


BONDS = {
    "blocked": lambda her, me: Block(blocker_id=her, blocked_id=me),
    "blocking": lambda her, me: Block(blocker_id=me, blocked_id=her),
    "muted": lambda her, me: Mute(muter_id=her, muted_id=me),
}


@pytest.fixture
def looking(app, person, tara):
    """The browser of somebody who looks: of a member with one of BONDS, of herself until she is suspended, …"""

    def look(who):
        browser = Browser(app)
        if who in ("stranger", "herself"):
            return browser.sign_in("tara") if who == "herself" else browser
        made = person(who, role="moderator" if who == "moderator" else "member")
        if who in BONDS:
            with app.app_context(), writing():
                db.session.add(BONDS[who](tara[0], made.id))
                db.session.commit()
        return browser.sign_in(made)

    return look


def paths(app, tara, method):
    """(path, is it about her, endpoint) of all addresses, each argument in every way."""
    values = ARGUMENTS | {"user_id": (str(tara[0]),), "post_id": tuple(map(str, tara[1]))}
    for rule in app.url_map.iter_rules():
        if method not in rule.methods or rule.endpoint.startswith(NOT_OURS):
            continue
        found = [rule.rule]
        for name in rule.arguments:
            found = [re.sub(f"<(int:)?{name}>", value, path) for path in found for value in values[name]]
        yield from ((path, "username" in rule.arguments, rule.endpoint) for path in found)


def queries(path, tara):
    """What is asked at an address: (query, as a fragment)."""
    seen = f"{tara[1][0]}.9.9.9_{tara[1][2]}.9.9.9"
    if re.fullmatch("/user/[a-z]+", path):
        for tab in TABS:
            yield from ((tab, False), (f"{tab}&before=2147483647", True))
            yield from ((f"{tab}&since=0&whose={tara[0]}&seen={seen}{take}", True) for take in ("", "&take=1"))
    yield from (("q=bread", False), ("q=bread", True), (f"since=0&take=1&seen={seen}", True))


def words_at(app, browser, tara, words=WORDS, without=("nothing",)):
    """(word, path) wherever a word of hers is read; a liked post counts only where it stands as liked by her."""
    found = set()
    for path, is_hers, endpoint in set(paths(app, tara, "GET")):
        if endpoint.startswith(without):
            continue
        for query, fragment in queries(path, tara):
            headers = {"HX-Request": "true"} if fragment else {}
            _, text = browser.bare("GET", f"{path}?{query}", headers=headers)
            found |= {(word, path) for word in words if word in text and (word != LIKED or is_hers)}
    return found


def words_answered(app, browser, tara, words):
    """The same of every form about her; each changes what it can."""
    found = set()
    for path, is_hers, _ in sorted(set(paths(app, tara, "POST"))):
        if not is_hers and "/post/" not in path:
            continue
        data = {"csrf_token": browser.token, "whom": str(tara[0]), "text": "Hello", "reason": "spam"}
        for headers in ({}, {"HX-Request": "true"}):
            _, text = browser.bare("POST", path, headers=headers, data=data)
            found |= {(word, path) for word in words if word in text and (word != LIKED or is_hers)}
    return found


def suspend(app, tara):
    with app.app_context(), writing():
        db.session.execute(update(User).where(User.id == tara[0]).values(suspended_at=now()))
        db.session.commit()


@pytest.mark.slow
def test_everything_is_read_otherwise(app, looking, tara):
    """Each word is found, so that its absence means something."""
    assert {word for word, _ in words_at(app, looking("member"), tara, (*WORDS, NAMED))} == {*WORDS, NAMED}
    assert {word for word, _ in words_at(app, looking("stranger"), tara)} == set(WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["stranger", "herself", "member", "moderator", *BONDS])
def test_who_is_suspended_is_read_by_nobody(app, looking, tara, who):
    browser = looking(who)
    suspend(app, tara)
    assert not words_at(app, browser, tara)
    assert not words_answered(app, browser, tara, WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["blocked", "blocking"])
def test_who_has_blocked_is_not_read(app, looking, tara, who):
    """Feeds are for strangers and are kept by caches: they look at no session."""
    browser = looking(who)
    words = (*WORDS, NAMED) if who == "blocked" else WORDS
    assert not words_at(app, browser, tara, words, without=("feeds.",))
    if who == "blocked":  # the other one unblocks in the middle
        assert not words_answered(app, browser, tara, words)


def test_a_field_opened_by_hand_is_the_profile_that_says_why(app, looking, tara):
    suspend(app, tara)
    browser = looking("member")
    assert browser.get("/user/tara/about_me").headers["Location"] == "/user/tara"
    page = browser.hx_get("/user/tara/about_me")
    assert (page.status, page.headers["HX-Retarget"]) == (404, "#toasts")
    assert "not shown" in page.said()
    assert "This account is suspended." in browser.get("/user/tara").said("main")
