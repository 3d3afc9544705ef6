"""/admin/logs: what it shows, for whom, in which order, at which cost."""

import gzip
import json
import os

import pytest

from microblog.admin.logs import PAGE


@pytest.fixture
def chief(browser, person):
    return browser.sign_in(person("chief", role="administrator"))


def lines(number, start=0, **more):
    head = {"level": "info", "event": "profile.saved", "logger": "x"}
    records = [
        {"timestamp": f"2020-01-01T00:{n // 60:02}:{n % 60:02}.000Z"} | head | {"n": n} | more
        for n in range(start, start + number)
    ]
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


@pytest.fixture
def old(settings):
    """A hundred records in a rotated and a gzipped file."""
    for age, (name, text) in enumerate([("1", lines(50, 50).encode()), ("2.gz", gzip.compress(lines(50).encode()))]):
        path = settings.log_dir / f"microblog.jsonl.{name}"
        path.write_bytes(text)
        os.utime(path, (1e9 - age, 1e9 - age))


def shown(page):
    terms, values = page.all("dt"), page.all("dd")
    return [int(value.get_text()) for term, value in zip(terms, values, strict=True) if term.get_text() == "n"]


def test_it_works(chief, old):
    chief.get("/")
    page = chief.get("/admin/logs")
    assert "request.finished" in page.said("#log-rows")
    page = chief.get("/admin/logs?q=event%3Dprofile.saved")
    assert shown(page) == list(range(99, 99 - PAGE, -1))
    assert page.one(".log-command").get_text() == "python3 manage.py logs grep event=profile.saved"
    seen = shown(page)
    while page.all("a[rel=next]"):
        page = chief.get(page.one("a[rel=next]")["href"])
        seen += shown(page)
    assert seen == list(range(99, -1, -1))


@pytest.fixture
def queries(app):
    """Counts statements: two at most for a page."""
    from sqlalchemy import event

    from microblog.extensions import db

    with app.app_context():
        engine = db.engine
    asked = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    return asked


def test_two_statements_at_most(chief, ana, old, queries):
    chief.get("/admin/logs")
    reference = chief.get("/nope").reference
    for path in (
        "/admin/logs",
        "/admin/logs?q=user%3Dana",
        "/admin/logs/new",
        f"/admin/logs/{reference}",
    ):
        queries.clear()
        assert chief.get(path).status == 200
        assert len([text for text in queries if text.startswith("SELECT")]) <= 2, queries


@pytest.mark.sqlite_only
def test_everything_leads_on(chief, old, records):
    reference = chief.get("/nope").reference
    page = chief.get("/admin/logs?q=status%3D404")
    row = page.one(".log-row")
    links = {" ".join(link.get_text().split()): link["href"] for link in row.select("a")}
    assert chief.get(links["same route"] if "same route" in links else links["same event"]).status == 200
    assert "user_id=" in chief.get(links["same person"]).one("#log-q")["value"]
    assert "/nope" in chief.get(links["/nope"]).said(".log-chips")
    story = chief.get(links[reference])
    assert story.said("h1") == reference
    assert "chief (member" in story.said(".log-story")
    assert "404, a page: “There is nothing here." in story.said(".log-story")
    assert story.one(".log-command").get_text() == f"python3 manage.py logs show {reference}"
    chip = page.one(".log-chip")
    assert chip["href"] == "/admin/logs"


@pytest.mark.sqlite_only
def test_what_is_new_comes_by_itself(chief, old):
    page = chief.get("/admin/logs?q=status%3D404")
    address = page.one("#log-live")["hx-get"]
    assert chief.hx_get(address).all(".log-row") == []
    chief.get("/nope")
    answer = chief.hx_get(address)
    assert len(answer.all("hx-partial .log-row")) == 1
    assert "/nope" in answer.text
    assert chief.hx_get(answer.one("#log-live")["hx-get"]).all(".log-row") == []
    assert not chief.get("/admin/logs?q=status%3D404&live=0").all("[hx-get]")


@pytest.mark.sqlite_only
def test_polling_leaves_no_records(chief, records):
    before = len(records())
    chief.hx_get("/admin/logs/new")
    assert len(records()) == before


@pytest.mark.sqlite_only
def test_hostile_and_secret_values(chief, settings):
    with (settings.log_dir / "microblog.jsonl").open("a") as file:
        file.write(
            lines(1, password="canary-word", path="<script>alert(1)</script>", note="token=canary-token\x00\x1b")
        )
        file.write('[1]\n"x"\n{"event":{"a":[]},"level":[],"timestamp":7,"reference":{},"user_id":[],"exception":3}\n')
    page = chief.get("/admin/logs")
    assert "canary" not in page.text
    assert "[redacted]" in page.text
    assert not page.all("main script")
    assert "torn or foreign lines left out" in page.text


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "query",
    ["q='unclosed", "q=%00", "before=x", "before=" + "0" * 32 + ".5", "level=x&since=x", "q=a%3D%5B&q=b", "q=ms>x"],
)
def test_whatever_is_asked_is_answered(chief, query):
    assert chief.get(f"/admin/logs?{query}").status == 200
    assert chief.hx_get(f"/admin/logs/new?{query}").status == 200


@pytest.mark.sqlite_only
def test_nobody_and_nothing(chief):
    assert "Nobody is called zed." in chief.get("/admin/logs?q=user%3Dzed").said("main")
    assert "Nothing like that is in the log." in chief.get("/admin/logs?q=n%3D7777").said("main")
    assert chief.get("/admin/logs/nonsense").status == 404
    assert chief.get("/admin/logs/ZZZZZ-ZZZZZ").status == 404
