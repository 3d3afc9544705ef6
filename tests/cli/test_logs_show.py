"""`manage.py logs show`: the summary in words."""

import json
from pathlib import Path

import pytest

from microblog.log.setup import file_path
from microblog.models.errors import Stale, Unavailable
from tests.cli.asking import run


@pytest.fixture
def saw(settings, capsys):
    """What `logs show` says that somebody saw of this page."""

    def told(page):
        capsys.readouterr()
        assert run(settings, "show", page.reference) == 0
        return next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  saw"))[10:]

    return told


@pytest.mark.sqlite_only
def test_it_works(browser, ana, route, settings, capsys):
    def broken():
        raise LookupError("no such column")

    browser.sign_in_by_form(ana)
    route("/broken", broken)
    failed = browser.hx_post("/broken", headers={"HX-Source": "form#field-website"})
    capsys.readouterr()

    assert run(settings, "show", failed.reference) == 0
    top, _, rest = capsys.readouterr().out.partition("\n\n")
    lines = dict(line.strip().split("  ", 1) for line in top.splitlines()[1:])
    told = {word: text.strip() for word, text in lines.items()}
    assert told["who"] == f"ana (member {ana.id}), from 127.0.0.1"
    assert told["did"] == "POST /broken, by form#field-website, as a part of a page"
    assert told["saw"].startswith("500, a note: “Something broke on our side. It is not your fault")
    assert "SQL statement" in told["took"]
    assert told["why"].startswith("LookupError: no such column, in tests/cli/test_logs_show.py:")
    assert told["mail"].startswith("none in the log")
    assert "request.failed  microblog.errors.handlers" in rest
    assert "Around it, the same person within 120 seconds:" in rest
    assert "GET  /edit_profile  200" in rest


@pytest.mark.sqlite_only
def test_without_a_database_the_number_is_enough(browser, ana, settings, capsys, changed):
    page = browser.sign_in(ana).get("/nope")
    gone = changed(database={"url": "sqlite:///gone.db"})
    capsys.readouterr()

    assert run(gone, "show", page.reference) == 0
    assert f"  who     member {ana.id}, from 127.0.0.1" in capsys.readouterr().out
    assert not (settings.data_dir / "gone.db").exists()


@pytest.mark.sqlite_only
def test_it_quotes_what_was_said(browser, ana, route, saw, records):
    browser.sign_in(ana)
    page = browser.get("/moderation")
    assert saw(page) == "403, a page: “You may not see this page. Only moderators of this site may see this page.”"
    assert "Only moderators of this site may see this page." in page.said()

    page = browser.hx_get("/nope")
    assert saw(page).startswith("404, a note: “There is nothing here. The address may be misspelt")

    page = browser.get("/user/nobody_at_all")
    assert saw(page) == "404, a page: “There is nothing here. Nobody here is called {username}.”"
    assert "nobody_at_all" not in records("request.finished", status=404)[-1]["said"]

    browser.get("/post")
    browser.post("/post", text="soon gone")
    browser.post("/post/1/delete")
    page = browser.get("/post/1")
    assert saw(page) == "410, a page: “You have deleted this post.”"
    assert "You have deleted this post." in page.said()

    def changed_meanwhile():
        raise Stale("The name {username} belongs to somebody else now.", username="{at}")

    def blocked():
        raise Unavailable("This profile is not available to you.")

    route("/stale", changed_meanwhile)
    page = browser.hx_post("/stale")
    assert saw(page) == "409, a note: “It was changed meanwhile. The name {username} belongs to somebody else now.”"
    assert "The name {at} belongs" in page.said()
    route("/blocked", blocked)
    assert saw(browser.get("/blocked")).startswith("404, a page: “This is not available to you. This profile")


@pytest.mark.sqlite_only
def test_it_quotes_nothing_else(browser, ana, saw, route):
    browser.sign_in(ana).get("/")
    page = browser.hx_post("/post", text="")
    assert page.status == 422
    assert saw(page) == "422, the form again: “Write something first.” at text of post"

    route("/teapot", lambda: ("short and stout", 418))
    assert saw(browser.get("/teapot", inspect=False)) == "418, a page; the log does not have its words"


@pytest.mark.sqlite_only
def test_json_is_no_page(browser, saw):
    page = browser.get("/api/nope")
    assert saw(page).startswith("404, JSON: “There is nothing here. ")
    assert page.json["code"] == "not_found"
    assert saw(browser.get("/nope", headers={"Accept": "application/json"})).startswith("404, JSON: “")


@pytest.mark.sqlite_only
def test_a_line_from_before_has_no_words(settings, saw, browser):
    page = browser.get("/nope")
    log = Path(file_path(settings))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    kept = [{key: value for key, value in line.items() if key not in {"answer", "code", "said"}} for line in lines]
    log.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in kept))
    assert saw(page) == "404, a page; the log does not have its words"
