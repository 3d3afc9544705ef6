"""No number in an address, a query or a form is a bug: the database takes none larger than a row can have."""

import re

import pytest

from microblog.models.columns import LARGEST

LARGE = (LARGEST + 1, 2**63, "9" * 4_000)
MORE = (LARGEST + 1, "9" * 4_000)
"""In queries and forms, which are read in one way: see test_pages.py."""

MADE_UP = {
    "field": "about_me",
    "fingerprint": "0123456789ab",
    "key": "0" * 16,
    "reference": "AAAAA-AAAAA",
    "seed": "bo_",
    "tag": "bread",
    "username": "bo_",
    "verb": "hide",
}
QUERY = "&".join(f"{name}=%s" for name in ("after", "before", "person", "shown", "show", "whose")) + "&seen=%s.1.1.1"
FORM = ("at", "case", "until", "version", "whom")
AS_FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(params=["stranger", "member", "moderator", "administrator"])
def somebody(browser, person, request):
    if request.param != "stranger":
        browser.sign_in(person("vera", role=request.param))
    person("bo_")
    return browser


few = pytest.mark.parametrize("somebody", ["stranger", "administrator"], indirect=True)


def asked(app, *methods, with_a_number):
    """(method, path with `NUMBER` where one stands) of everything that the site answers."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "health.fail" or ("<int:" in rule.rule) != with_a_number:
            continue
        path = re.sub("<int:[a-z_]+>", "NUMBER", rule.rule)
        path = re.sub("<([a-z]+)>", lambda found: MADE_UP[found[1]], path)
        yield from ((method, path) for method in rule.methods.intersection(methods))


def answered(browser, method, path, **options):
    """The status, as a page and as a fragment."""
    return {browser.bare(method, path, headers=kind, **options)[0] for kind in ({}, AS_FRAGMENT)}


def test_in_an_address(app, somebody):
    paths = list(asked(app, "GET", "POST", with_a_number=True))
    assert len(paths) >= 18
    for method, path in paths:
        for number in LARGE:
            data = {"csrf_token": somebody.token} if method == "POST" else None
            found = answered(somebody, method, path.replace("NUMBER", str(number)), data=data)
            assert found <= {404, 405}, (method, path, str(number)[:20], found)


def addresses(app, method):
    """Every address, with 1 where a number belongs."""
    every = [*asked(app, method, with_a_number=False), *asked(app, method, with_a_number=True)]
    return {path.replace("NUMBER", "1") for _, path in every}


def test_the_largest_is_one(browser, ana):
    """It is looked for, and is nobody's."""
    browser.sign_in(ana)
    for number in (LARGEST, f"0{LARGEST}"):
        for path in ("", "/history", "/reply", "/edit", "/report"):
            assert browser.get(f"/post/{number}{path}").status == 404, (number, path)


@pytest.mark.slow
@few
def test_in_a_query(app, somebody):
    for path in addresses(app, "GET") - {"/readyz"}:
        for number in MORE:
            query = f"{path}?q=bread&tab=likes&{QUERY.replace('%s', str(number))}"
            found = answered(somebody, "GET", query)
            found |= {somebody.bare("GET", f"{query}&take=1&since={number}", headers=AS_FRAGMENT)[0]}
            assert max(found) < 500, (path, str(number)[:20], found)


@pytest.mark.slow
@few
def test_in_a_form(app, somebody):
    for path in addresses(app, "POST") - {"/logout"}:
        for number in MORE:
            data = {"csrf_token": somebody.token, "text": "Hello", "reason": "spam"} | dict.fromkeys(FORM, number)
            found = answered(somebody, "POST", path, data=data)
            assert max(found) < 500, (path, str(number)[:20], found)
