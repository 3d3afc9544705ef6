"""F14, F15: no stack left, no memory left, and what is meant to end a program ends a request only."""

import asyncio

import pytest

from tests.support.kinds import KINDS

pytestmark = pytest.mark.sqlite_only


def endless(number=0):
    return endless(number + 1)


def no_memory():
    return "x" * (1 << 62)


@pytest.mark.fault(14)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("view", "name"), [(endless, "RecursionError"), (no_memory, "MemoryError")])
def test_it_works(browser, route, records, kind, view, name):
    path, headers = KINDS[kind]
    route(path, view)
    for _ in range(3):
        page = browser.send("GET", path, headers=headers)
        assert page.status == 500
        (record,) = records("request.failed", reference=page.reference)
        assert record["exception"][0]["type"] == name
        assert len(record["exception"][0]["frames"]) <= 50
        browser.still_works()


class UntellableError(Exception):
    def __str__(self):
        raise RuntimeError("str raises")

    __repr__ = __str__


class SelfishError(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__

    @property
    def __notes__(self):
        raise self


class NoErrorAtAll(BaseException):
    """Not even an Exception."""


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [UntellableError, SelfishError], ids=lambda error: error.__name__)
def test_http_side(browser, route, records, kind, error):
    path, headers = KINDS[kind]

    def view():
        raise error

    route(path, view)
    page = browser.send("GET", path, headers=headers)
    assert page.status == 500
    (record,) = records("request.failed", reference=page.reference)
    assert record["exception"][0]["type"] == error.__name__
    browser.still_works()


EXITS = [SystemExit, SystemExit(0), SystemExit("bye"), GeneratorExit, asyncio.CancelledError, NoErrorAtAll]


@pytest.mark.fault(15)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", EXITS, ids=repr)
def test_an_exit_in_a_view(browser, route, records, kind, error):
    path, headers = KINDS[kind]

    def view():
        raise error

    route(path, view)
    page = browser.send("GET", path, headers=headers)
    assert page.status == 500
    assert page.reference in page.text
    (record,) = records("answer.failed", reference=page.reference)
    assert record["exception"][0]["type"] == (error if isinstance(error, type) else type(error)).__name__
    browser.still_works()


def test_ctrl_c_stays_ctrl_c(app, route):
    """The developer's, at the terminal."""

    def view():
        raise KeyboardInterrupt

    route("/broken", view)
    with app.test_client() as client, pytest.raises(KeyboardInterrupt):
        client.get("/broken")


@pytest.mark.fault(15)
@pytest.mark.slow
def test_the_worker_stays(site, records):
    """On the real server: the same processes answer afterwards. Which of them does, the kernel decides."""
    visitor = site.visitor(records)
    before = site.workers()
    for name in ("SystemExit", "SystemExit", "GeneratorExit", "RecursionError", "MemoryError", "NoErrorAtAll") * 4:
        page = visitor.get(f"/test/raise/{name}")
        assert page.status == 500, name
        assert page.reference in page.text
    assert site.workers() == before
    assert {int(visitor.get("/test/pid").text) for _ in range(12)} <= before
    visitor.still_works()


@pytest.fixture
def site(broken_site):
    return broken_site
