"""F38: the database file is removed, replaced by junk, cut short. On the running site; it recovers when it is back."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from microblog.extensions import db
from tests.support.kinds import HX
from tests.support.mailbox import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only, pytest.mark.fault(38)]


LEFT = 6_000
"""Bytes: the list of tables, and none of them."""


def removed(file):
    file.rename(file.with_suffix(".away"))


def junk(file):
    file.with_suffix(".junk").write_bytes(b"this is no database " * 5_000)
    file.with_suffix(".junk").replace(file)


def junk_in_place(file):
    file.write_bytes(b"this is no database " * 5_000)


def cut_copy(file):
    copy = file.with_suffix(".cut")
    copy.write_bytes(file.read_bytes()[:LEFT])
    copy.replace(file)


def cut_in_place(file):
    os.truncate(file, LEFT)


def emptied(file):
    os.truncate(file, 0)


WAYS = [removed, junk, junk_in_place, cut_copy, cut_in_place, emptied]


@pytest.mark.parametrize("break_it", WAYS, ids=lambda way: way.__name__)
def test_it_works(site, settings, ana, records, break_it, stored, app):
    file = Path(settings.data_dir) / "microblog.db"
    visitor, stranger = site.visitor(records).sign_in(ana), site.visitor(records)
    form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}
    stranger.get("/login")
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    # What was written last is in a file beside it, and goes on being read from there; so to say the next morning:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    # What a connection has read, it remembers; with the same length and number, nobody can tell that a file is junk.
    for _ in range(0 if break_it is junk_in_place else 8):
        assert visitor.get("/").status == visitor.get("/user/ana").status == 200
    good = file.with_suffix(".good")
    # What is in the write-ahead log belongs to it.
    for suffix in ("", "-wal", "-shm"):
        if Path(f"{file}{suffix}").exists():
            shutil.copy(f"{file}{suffix}", f"{good}{suffix}")

    break_it(file)
    for _ in range(3):
        for page in (
            visitor.get("/"),
            visitor.get("/user/ana"),
            visitor.get("/nope"),
            visitor.hx_get("/edit_profile/about_me"),
            visitor.send("GET", "/api/nope"),
            visitor.send("GET", "/", headers={"Accept": "application/json"}),
            visitor.hx_post("/edit_profile/about_me", data=form),
            visitor.post("/edit_profile/about_me", data=form),
            stranger.get("/"),
            stranger.get("/user/ana"),
            stranger.hx_post("/login", username="ana", password="whatever it is"),
        ):
            assert page.status == 503, [r["exception"][0]["message"] for r in records("request.failed")] or page.text
            assert page.headers["Retry-After"] == "2"
            assert page.json or "nothing you did was lost" in page.text
        assert stranger.get("/nope").status == 404
        assert stranger.get("/login").status == 200
        assert visitor.get("/livez").text == "ok\n"
        ready = visitor.get("/readyz")
        assert (ready.status, ready.json["checks"]["database"]) == (503, "does not answer")
        for path in ("css/site.css", "icons.svg"):
            assert visitor.send("GET", f"/static/{path}", inspect=False).status == 200
    # Without JavaScript the text is on the page.
    assert visitor.post("/edit_profile/about_me", data=form).values("form.kept")["about_me"].strip() == "typed"

    levels = {record["level"] for event in ("database.corrupt", "database.unavailable") for record in records(event)}
    assert levels == ({"error"} if break_it is removed else {"critical"}), levels
    assert not records("request.failed")
    assert not records("answer.failed")

    # As an operator restores it: the whole set, under the old name.
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    good.replace(file)
    if Path(f"{good}-wal").exists():
        Path(f"{good}-wal").replace(f"{file}-wal")
    assert wait_until(lambda: site.ask("GET", "/readyz").status_code == 200)
    for _ in range(6):  # every worker, every connection
        assert visitor.get("/").status == 200
        assert visitor.get("/user/ana").status == 200
    form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}
    page = visitor.send("POST", "/edit_profile/about_me", data=form, headers=HX | {"X-CSRFToken": visitor.token})
    assert page.status == 200
