"""F37: many want one name at the same moment. One gets it; every other hears so at the field."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from microblog.models import FormerUsername, User
from tests.conftest import PASSWORD
from tests.support.processes import together
from tests.support.site import Site

pytestmark = pytest.mark.fault(37)

PEOPLE = 50
NAME = "Wanted"


@pytest.fixture
def settings(settings):
    return dataclasses.replace(
        settings,
        security=dataclasses.replace(settings.security, registrations=10_000),
        server=dataclasses.replace(settings.server, workers=4, threads=4),
    )


def at_once(visitors, ask):
    """Every visitor's answer to `ask`, sent at the same moment."""
    gate = threading.Barrier(len(visitors))

    def go(visitor):
        gate.wait(60)
        while (page := ask(visitor)).status == 503:
            pass  # a machine so busy that the lock could not be had: nothing happened, so once more
        return page

    with ThreadPoolExecutor(len(visitors)) as pool:
        return list(pool.map(go, visitors))


def visitors_of(site, records, count):
    visitors = [site.visitor(records) for _ in range(count)]
    for visitor in visitors:
        visitor.counted = False
    return visitors


def expect_one_won(pages, won, records):
    assert sorted(page.status for page in pages) == sorted([won] + [422] * (PEOPLE - 1))
    for page in pages:
        if page.status == 422:
            assert "This username is taken." in page.said("#username-message")
            assert page.one("#username")["value"] == NAME, "what was typed stays"
            assert page.one("#username")["aria-invalid"] == "true"
    assert not [record for record in records() if record["level"] in ("error", "critical")]


@pytest.mark.slow
def test_renames(settings, app, person, records, stored, cookie_for):
    with Site(settings) as site:
        people = [person(f"person_{number}") for number in range(PEOPLE)]
        visitors = visitors_of(site, records, PEOPLE)
        for visitor, who in zip(visitors, people, strict=True):
            visitor.client.set_cookie("session", cookie_for(who))
            visitor.form = visitor.hx_get("/edit_profile/username").values() | {"username": NAME}
        pages = at_once(visitors, lambda visitor: visitor.hx_post("/edit_profile/username", data=visitor.form))
    expect_one_won(pages, 200, records)
    assert stored(select(func.count(User.id)).where(User.username_key == "wanted")) == 1
    assert stored(select(func.count(User.id))) == PEOPLE
    winner = stored(select(User.id).where(User.username_key == "wanted"))
    assert stored(select(func.count()).select_from(FormerUsername)) == 1
    assert stored(select(FormerUsername.user_id)) == winner
    assert len(records("user.renamed")) == 1


@pytest.mark.slow
def test_registrations(settings, app, records, stored):
    with Site(settings) as site:
        visitors = visitors_of(site, records, PEOPLE)
        visitors[0].get("/register")
        for visitor in visitors:
            visitor.client.cookies.update(visitors[0].client.cookies)
            visitor.token = visitors[0].token

        def register(visitor):
            values = {"username": NAME, "email": "new@example.org", "password": PASSWORD}
            return visitor.hx_post("/register", data=values)

        pages = at_once(visitors, register)
    expect_one_won(pages, 204, records)
    assert stored(select(func.count(User.id))) == 1
    assert len(records("user.registered")) == 1


@pytest.mark.process
@pytest.mark.parametrize("what", ["rename", "register"])
def test_eight_processes(settings, person, stored, what):
    """Without a form before it: the unique index alone decides."""
    if what == "rename":
        commands = [["rename", person(f"person_{number}").id, NAME] for number in range(8)]
    else:
        commands = [["register", NAME]] * 8
    found = together(settings, commands)
    assert sum(one.get("done", 0) for one in found) == 1
    assert sum(one.get("taken", 0) for one in found) == 7
    assert stored(select(func.count(User.id)).where(User.username_key == "wanted")) == 1
