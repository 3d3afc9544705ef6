"""The error inbox in the browser."""

import time

import pytest

from microblog.alerts.inbox.store import Inbox
from microblog.web.dom import error_id
from tests.inbox.conftest import Log, fresh_now  # noqa: F401 - a fixture

pytestmark = pytest.mark.sqlite_only  # the main database knows nothing of it
NOW = time.time()


@pytest.fixture
def log(app, settings):
    return Log(settings.log_dir)


@pytest.fixture
def chief(browser, person):
    return browser.sign_in(person("chief", role="administrator"))


def state(settings, fingerprint):
    return Inbox(settings).find(fingerprint).state(time.time())


def test_it_works(log, chief):
    now = time.time()
    log.started("0.1.0", at=now - 99)
    log.fails(at=now - 90, user_id=7, route="/profile", reference="K7Q2F-9M4ZX")
    page = chief.get("/admin/errors")
    assert page.said(".failure h2") == "KeyError: no KeyError here"
    assert page.said(".failure__facts p") == "1 time · 1 member · 1 min ago"
    assert "v-16h.8v16z" in page.one(".curve path:last-child")["d"]
    assert page.said(".states [aria-current]") == "Open 1"

    page = chief.get(page.one(".failure h2 a")["href"])
    assert page.said("h1") == "KeyError: no KeyError here"
    assert "in 0.1.0 K7Q2F-9M4ZX" in page.said(".facts")
    assert "microblog/people/views.py:7 in save" in page.text
    assert "python3 manage.py logs show K7Q2F-9M4ZX" in page.text


def test_a_heading_is_short(log, chief):
    sql = "SELECT posts.id, posts.text FROM posts WHERE posts.author_id = ? AND " + " AND ".join(["posts.id > ?"] * 9)
    one = log.fails("OperationalError", message=f"(sqlite3.OperationalError) no such table: posts\n[SQL: {sql}]")
    page = chief.get(f"/admin/errors/{one}")
    assert page.said("h1") == "OperationalError: (sqlite3.OperationalError) no such table: posts"
    assert sql in page.said(".facts")

    one = log.fails("ValueError", message="so long " * 30)
    page = chief.get(f"/admin/errors/{one}")
    assert len(page.said("h1")) < 120
    assert page.said("h1").endswith("so long so…")
    assert ("so long " * 30).strip() in page.said(".facts")


def test_nothing_has_failed(chief):
    page = chief.get("/admin/errors")
    assert page.said(".lead") == "Nothing has failed. When something does, it stands here."
    assert page.all('.nav a[href="/admin/errors"][aria-current]')


def test_others_have_no_such_link_and_no_such_page(log, browser, ana):
    one = log.fails()
    page = browser.sign_in(ana).get("/")
    assert not page.all('a[href^="/admin"]')
    assert browser.get("/admin/errors").status == 403
    assert browser.post(f"/admin/errors/{one}/resolve").status == 403


@pytest.mark.parametrize(
    ("verb", "becomes", "said"),
    [("resolve", "resolved", "Resolved in 0.1.0."), ("mute", "muted", "Muted."), ("reopen", "new", "Open again.")],
)
def test_decide_and_undo(log, chief, settings, verb, becomes, said):
    one = log.fails(at=NOW)
    chief.get("/admin/errors")
    if verb == "reopen":
        chief.hx_post(f"/admin/errors/{one}/mute")
    before = state(settings, one)
    answer = chief.hx_post(f"/admin/errors/{one}/{verb}")
    assert answer.status == 200
    assert answer.one(f"#{error_id(one)}")["class"].split() == ["failure", f"failure--{becomes}"]
    assert answer.said(".toast__title").startswith(said)
    assert state(settings, one) == becomes

    again = chief.hx_post(f"/admin/errors/{one}/{verb}")
    assert "It is so already." in again.said(".toast")
    undone = answer.values(".toast form")
    form = answer.one(".toast form")
    assert form["hx-target"] == f"#{error_id(one)}"
    assert "Put back." in chief.hx_post(form["action"], data=undone).said(".toast")
    assert state(settings, one) == before
    assert "Something else was decided" in chief.hx_post(form["action"], data=undone).said(".toast")


def test_without_javascript(log, chief, settings):
    one = log.fails(at=NOW)
    chief.get(f"/admin/errors/{one}")
    answer = chief.post(f"/admin/errors/{one}/mute", **{"for": "week"})
    assert (answer.status, answer.headers["Location"]) == (303, f"/admin/errors/{one}")
    page = chief.get(answer.headers["Location"])
    assert "Muted for a week." in page.said(".toast")
    assert page.said(".failure__state").startswith("Muted by chief, ")
    assert Inbox(settings).find(one).decision.until > NOW + 6 * 86_400


def test_a_regression_is_seen_at_once(log, chief):
    one = log.fails(at=NOW - 50)
    chief.get("/admin/errors")
    chief.hx_post(f"/admin/errors/{one}/resolve")
    assert "Nothing is open" in chief.get("/admin/errors").said(".inbox")
    log.fails(at=time.time() + 1)
    page = chief.get("/admin/errors?state=regressed")
    assert page.said(".failure__state").startswith("Regressed: resolved in 0.1.0 by chief, ")


def test_pages_of_thirty(log, chief):
    for number in range(35):
        log.fails(f"Kind{number}", fingerprint=f"{number:012x}", at=NOW - number)
    page = chief.get("/admin/errors")
    assert len(page.all(".failure")) == 30
    page = chief.get(page.one(".inbox > p a")["href"])
    assert [title.get_text() for title in page.all(".failure h2")] == [
        f"Kind{n}: no Kind{n} here" for n in range(30, 35)
    ]
    assert not page.all(".inbox > p a")


def test_what_is_not_there(log, chief):
    log.fails()
    assert chief.get("/admin/errors/ffffffffffff").status == 404
    assert chief.get("/admin/errors?state=odd").status == 404
    assert chief.hx_post("/admin/errors/ffffffffffff/mute").status == 404


def test_hostile_text(log, chief):
    one = log.fails("<script>alert(1)</script>\u202e", fingerprint="ee0000000000")
    for path in ("/admin/errors", f"/admin/errors/{one}"):
        assert "<script>alert" not in chief.get(path).text


def test_it_costs_the_same_for_any_length(log, chief, records):
    for number in range(40):
        log.fails(f"Kind{number}", fingerprint=f"{number:012x}", at=NOW - number)
    page = chief.get("/admin/errors")
    (finished,) = records("request.finished", reference=page.reference)
    assert finished["sql_count"] <= 3


def test_a_file_that_cannot_be_used_is_a_503_and_not_the_end(log, chief, settings):
    chief.get("/admin/errors")
    (settings.data_dir / "errors.sqlite3").unlink()
    (settings.data_dir / "errors.sqlite3").mkdir()
    assert chief.get("/admin/errors").status == 503
    assert chief.get("/").status == 200
