"""F11 to F13: the handler of errors itself fails; something after the view fails; cleaning up after a commit fails."""

import contextlib

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from microblog.errors import answers, handlers
from microblog.errors.table import PROBLEMS
from microblog.extensions import db, writing
from microblog.models import User
from tests.support.kinds import KINDS

CANARY = "canary-1138"


def first():
    raise LookupError(f"first {CANARY}")


def second(*_args, **_options):
    raise ArithmeticError(f"second {CANARY}")


@pytest.mark.fault(11)
@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["answer", "render_template remembered_partial", "reference", "problem"])
def test_the_handler_raises(browser, ana, route, records, monkeypatch, kind, what):
    """The last resort: bytes made at start, for strangers and members alike."""
    path, headers = KINDS[kind]
    route(path, first)
    browser.canaries = (CANARY,)
    for who in (None, ana):
        if who:
            browser.sign_in(who)
        with monkeypatch.context() as broken:
            for name in what.split():
                for module in (answers, handlers):
                    if hasattr(module, name):
                        broken.setattr(module, name, second)
            page = browser.send("GET", path, headers=headers)
        if "render_template" in what and page.json is not None and kind in ("api", "json"):
            assert page.json["detail"] == PROBLEMS[500].sentence, "JSON needs no template"
            continue
        assert page.status == 500
        assert PROBLEMS[500].title in page.text
        assert page.reference in page.text
        if kind == "fragment":
            assert (page.headers["HX-Retarget"], page.headers["HX-Reswap"]) == ("#toasts", "beforeend")
        types = [
            described["type"]
            for event in ("request.failed", "answer.failed")
            for record in records(event, reference=page.reference)
            for described in record["exception"]
        ]
        assert {"LookupError", "ArithmeticError"} <= set(types), "both are told"
        assert len(records("answer.failed", reference=page.reference)) == 1
        browser.still_works()


@pytest.mark.fault(11)
@pytest.mark.sqlite_only
def test_the_answer_of_a_wrong_type(browser, route):
    for view in (lambda: None, lambda: 5, lambda: ("a", "b", "c", "d"), lambda: ("x", {}, {})):
        route(f"/broken{id(view)}", view)
        page = browser.get(f"/broken{id(view)}")
        assert page.status == 500
    browser.still_works()


@pytest.mark.fault(12)
@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", ["once", "always"])
def test_after_the_request(app, browser, ana, route, records, kind, times):
    path, headers = KINDS[kind]
    route(path, lambda: "finished")
    browser.sign_in(ana)
    left = [1] if times == "once" else list(range(100))

    def fails(response):
        if left and app.config.get("BREAK"):
            left.pop()
            second()
        return response

    app.after_request_funcs.setdefault(None, []).append(fails)
    app.config["BREAK"] = True
    browser.canaries = (CANARY,)
    page = browser.send("GET", path, headers=headers)
    app.config["BREAK"] = False

    assert page.status == 500
    assert "finished" not in page.text
    told = [record for record in records(reference=page.reference) if record.get("exception")]
    assert {record["exception"][0]["type"] for record in told} == {"ArithmeticError"}
    assert len(told) == 1, [record["event"] for record in told]
    assert told[0]["event"] == "request.failed"
    browser.still_works()


@pytest.mark.fault(12)
def test_a_database_that_fails_after_the_view_is_503(app, browser, route):
    route("/broken", lambda: "finished")

    def fails(response):
        if app.config.get("BREAK"):
            raise OperationalError("SELECT 1", {}, ConnectionError(CANARY))
        return response

    app.after_request_funcs.setdefault(None, []).append(fails)
    app.config["BREAK"] = True
    page = browser.get("/broken")
    app.config["BREAK"] = False
    assert (page.status, page.headers["Retry-After"]) == (503, "2")


@pytest.mark.fault(13)
@pytest.mark.parametrize("where", ["request", "context", "both"])
def test_cleaning_up_after_the_commit(app, browser, ana, stored, records, where):
    """The answer was finished, so it is sent; the error is logged; the database connection goes back."""
    broken = []

    def fails(_error):
        if broken:
            second()

    if where != "context":
        app.teardown_request_funcs.setdefault(None, []).append(fails)
    if where != "request":
        app.teardown_appcontext_funcs.append(fails)
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/about_me").values()
    broken.append(True)
    # More often than there are connections: none may stay behind.
    pages = [browser.get("/user/ana") for _ in range(12)]
    page = browser.hx_post("/edit_profile/about_me", data=form | {"about_me": "saved"})
    broken.clear()

    assert {page.status for page in pages} == {200}
    assert page.status == 200
    assert "About me saved." in page.text
    assert stored(select(User.about_me)) == "saved"
    told = records("teardown.failed", reference=page.reference)
    assert len(told) == (2 if where == "both" else 1)
    assert told[0]["exception"][0]["type"] == "ArithmeticError"
    with app.app_context():
        assert db.engine.pool.checkedout() == 0
    browser.still_works()


@pytest.mark.fault(13)
def test_an_open_transaction_is_not_left_behind(app, browser, another_browser, ana, bo, route, stored):
    """A teardown that fails before the session is removed must not leave the write lock taken."""

    def begins():
        with contextlib.ExitStack() as stack:
            stack.enter_context(writing())
            db.session.execute(update(User).where(User.id == ana.id).values(about_me="never committed"))
        return "left"

    route("/broken", begins)
    app.teardown_appcontext_funcs.append(lambda _error: second() if app.config.get("BREAK") else None)
    app.config["BREAK"] = True
    assert browser.get("/broken").status == 200
    app.config["BREAK"] = False
    another_browser.sign_in(bo)
    form = another_browser.hx_get("/edit_profile/location").values()
    assert another_browser.hx_post("/edit_profile/location", data=form | {"location": "Oslo"}).status == 200
    assert stored(select(User.about_me).where(User.id == ana.id)) == ""
