"""F34: another program holds SQLite's write lock while 16 people post and others read.

How long they wait: benchmarks/faults.py.
"""

import dataclasses
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, update
from werkzeug.wrappers import Response

from microblog.extensions import db
from microblog.models import User
from tests.support.client import Page
from tests.support.inspection import expect_sound_fragment
from tests.support.site import Site
from tests.support.watched import expect_invariants

pytestmark = pytest.mark.fault(34)

POSTERS, TIMES = 16, 3
READS = 20
"""A second; each when it is due, whether or not those before were answered, as by people who do not know each other."""


@contextmanager
def helper(name, *arguments):
    """One of the programs beside this file, ended with the block."""
    program = [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def sent_by(visitor):
    """What poster.py needs to know of `visitor`."""
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    headers = visitor._hx(None) | {"Cookie": cookie}
    return {"headers": headers, "fields": visitor.form | {"csrf_token": visitor.token}}


def answered(found):
    """The page that poster.py tells of."""
    return Page(Response(found["text"], found["status"], found["headers"]))


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_it_works(broken_site, settings, person, records, stored):
    site = broken_site
    people = [person(f"poster_{number}") for number in range(POSTERS)]
    visitors = [site.visitor(records) for _ in people]
    for visitor, who in zip(visitors, people, strict=True):
        visitor.counted = False
        visitor.sign_in(who)
        visitor.form = visitor.hx_get("/edit_profile/about_me").values()

    file = Path(settings.data_dir) / "microblog.db"
    with (
        helper("lock_holder.py", file) as holder,
        helper("reader.py", site.port, "/user/poster_1", READS) as reader,
        helper("poster.py", site.port, "/edit_profile/about_me", TIMES) as poster,
    ):
        assert holder.stdout.readline() == "held\n"
        # The holder frees the lock after the last answer: a worker that waited for that would wait for ever.
        found, _ = poster.communicate(json.dumps([sent_by(visitor) for visitor in visitors]))
        read, _ = reader.communicate()
        assert poster.returncode == reader.returncode == 0

    posts = [answered(json.loads(line)) for line in found.splitlines()]
    assert [page.status for page in posts] == [503] * POSTERS * TIMES
    assert {page.headers["Retry-After"] for page in posts} == {"2"}
    for page in posts:
        expect_invariants(page, "fragment")
        expect_sound_fragment(page)
    assert {line.split()[1] for line in read.splitlines()} == {"200"}
    assert {record["level"] for record in records("database.busy")} == {"warning"}
    assert not records("request.failed")

    # And at once it works again, for everybody.
    for visitor in visitors:
        page = visitor.hx_post("/edit_profile/about_me", data=visitor.form | {"about_me": "after"})
        assert page.status in (200, 409)
    assert stored(select(func.count(User.id)).where(User.about_me != "")) == POSTERS


@pytest.mark.process
@pytest.mark.sqlite_only
def test_a_machine_that_stands_still(settings, person, records, cookie_for, stored):
    """For longer than anybody waits. Whoever held the lock stood still too: it is waited for on."""
    one_worker = dataclasses.replace(settings, server=dataclasses.replace(settings.server, workers=1, threads=4))
    with Site(one_worker) as site, ThreadPoolExecutor(2) as pool:
        visitors = [site.visitor(records) for _ in range(2)]  # one asks for the lock, one waits for its turn
        for number, visitor in enumerate(visitors):
            visitor.counted = False
            visitor.client.set_cookie("session", cookie_for(person(f"poster_{number}")))
            visitor.form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}
        with closing(sqlite3.connect(Path(settings.data_dir) / "microblog.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            pages = [pool.submit(v.hx_post, "/edit_profile/about_me", data=v.form) for v in visitors]
            time.sleep(0.1)
            os.killpg(site.process.pid, signal.SIGSTOP)
            time.sleep(1.2)
            os.killpg(site.process.pid, signal.SIGCONT)
            time.sleep(0.05)
            holder.execute("COMMIT")
        assert [page.result().status for page in pages] == [200, 200]
    assert stored(select(func.count(User.id)).where(User.about_me == "typed")) == 2
    assert not records("database.busy")


def test_a_row_that_another_program_holds(app, browser, ana, stored):
    """PostgreSQL waits for the holder of a row for ever, unless it is told how long; SQLite has one lock for all."""
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/about_me").values() | {"about_me": "typed meanwhile"}
    with app.app_context():
        url = db.engine.url
    holder = create_engine(url)
    try:
        with holder.connect() as connection:
            connection.execute(update(User).where(User.id == ana.id).values(location="elsewhere"))
            page = browser.hx_post("/edit_profile/about_me", data=form)
            assert page.status == 503
            assert page.headers["Retry-After"]
            assert stored(select(User.about_me)) == ""
            connection.rollback()
    finally:
        holder.dispose()
    assert browser.hx_post("/edit_profile/about_me", data=form).status == 200
    assert stored(select(User.about_me)) == "typed meanwhile"
