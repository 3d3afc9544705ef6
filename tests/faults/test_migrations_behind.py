"""F41: the tables are of another version than the code: 503 where they are needed, once in the log, and no restart."""

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from microblog import extensions
from microblog.config.settings import ROOT
from microblog.extensions import db
from microblog.web import optional
from tests.support.kinds import HX
from tests.support.mailbox import wait_until
from tests.support.site import environment

pytestmark = pytest.mark.fault(41)


@pytest.fixture
def version(app):
    """Changes what the database says its version is; the right one at the end."""
    engine = sa.create_engine(app.config["SETTINGS"].database_url)
    with engine.connect() as connection:
        head = connection.scalar(text("SELECT version_num FROM alembic_version"))

    def change(found):
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": found or head})

    yield change
    change(None)
    engine.dispose()


def fresh_connections(app):
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def pages(browser):
    for headers in (None, HX, {"Accept": "application/json"}):
        yield browser.send("GET", "/", headers=headers)
        yield browser.send("GET", "/user/ana", headers=headers)
    yield browser.hx_post("/login", username="ana", password="whatever it is")


def test_it_works(app, browser, another_browser, ana, version, records):
    """From the start on, as where a server other than ours serves create_app, or a database is restored."""
    browser.get("/login")
    version("0000")
    fresh_connections(app)
    extensions.look_at_the_schema(app)
    (record,) = records("database.behind")
    assert (record["level"], record["found"]) == ("error", ["0000"])
    assert record["wanted"]
    for page in pages(browser):
        assert page.status == 503
        assert page.headers["Retry-After"] == "2"
        assert "between two versions" in page.text
    ready = browser.get("/readyz")
    assert (ready.status, ready.json["checks"]["migrations"]) == (
        503,
        "the database is at another version than the code",
    )
    assert ready.json["checks"]["database"] == "ok"
    # What needs no database is as ever.
    assert another_browser.get("/login").status == 200
    assert another_browser.get("/nope").status == 404
    assert browser.get("/livez").status == 200
    assert len(records("database.behind")) == 1
    assert not records("request.failed")

    version(None)
    assert browser.get("/readyz").status == 200
    for _ in range(6):
        browser.still_works()
    # News again, the next time.
    version("0000")
    fresh_connections(app)
    assert browser.get("/").status == 503
    assert len(records("database.behind")) == 2


def test_noticed_when_a_statement_fails(app, browser, ana, route, version, records):
    """On connections that were looked at long ago."""

    def asks():
        return str(db.session.execute(text("SELECT nothing_of_this_name FROM users")).all())

    route("/asks", asks)
    route("/optional", lambda: optional.attempt("part", asks, "without") + str(db.session.scalar(text("SELECT 1"))))
    route("/alone", lambda: optional.attempt("part", asks, "without"))
    assert browser.get("/alone").text == "without"
    assert browser.get("/asks").status == 500, "while the versions are the same it is a bug"
    assert browser.get("/optional").text == "without1"
    browser.still_works()
    failed = len(records("request.failed"))
    version("0000")
    browser.still_works()
    for path in ("/alone", "/asks", "/optional", "/", "/user/ana"):
        assert browser.get(path).status == 503
    assert len(records("request.failed")) == failed
    assert len(records("database.behind")) == 1
    version(None)
    browser.still_works()
    assert browser.get("/asks").status == 500


def test_costs_no_statement(app, browser, ana, records):
    fresh_connections(app)
    for _ in range(3):
        page = browser.get("/")
        (line,) = records("request.finished", reference=page.reference)
        assert line["sql_count"] == 1


def test_without_any_table(app, browser, version, records):
    """Also after a real downgrade, and its way back."""
    try:
        with app.app_context():
            downgrade(revision="base")
        assert browser.get("/").status == 503
        assert not records("request.failed")
    finally:
        with app.app_context():
            upgrade()
    browser.still_works()


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_on_the_running_site(site, settings, ana, records):
    """Taken back a version and brought up again under it, by the commands; two processes, one restart of none."""
    visitor = site.visitor(records)
    for _ in range(6):
        visitor.still_works()
    workers = site.workers()

    def manage(*words):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MICROBLOG_", "FLASK_"))}
        ran = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words],
            env=kept | environment(settings),
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stderr

    assert manage("db", "downgrade", "base")[0] == 0
    assert wait_until(lambda: site.ask("GET", "/").status_code == 503)
    for _ in range(6):
        assert visitor.get("/").status == 503
    assert manage("user", "list") == (
        1,
        "The database is at another version than this code: python3 manage.py db upgrade\n",
    )
    assert manage("db", "upgrade")[0] == 0
    assert wait_until(lambda: site.ask("GET", "/readyz").status_code == 200)
    for _ in range(6):
        visitor.still_works()
    assert site.workers() == workers
    assert 1 <= len(records("database.behind")) <= 2 + 1, "once by each process, and by the command"
