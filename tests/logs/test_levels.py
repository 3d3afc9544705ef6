"""Levels at run time: set, ended, taken back, ignored where the file is not ours; rows never."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from microblog.config.settings import ROOT, Logs, Settings
from microblog.log import events, setup
from microblog.log.levels import FILE_NAME, LONGEST, Levels, Wanted, read, switchable, write

BASE = {"microblog": logging.INFO, "sqlalchemy": logging.WARNING}


@pytest.fixture
def place(tmp_path):
    return tmp_path / FILE_NAME


@pytest.fixture
def chain(tmp_path):
    """The real chain; gives what was written. It looks at the levels of a folder of its own, once a second."""
    folder = tmp_path / "logs"
    setup.configure(Settings(logs=Logs(directory=str(folder))), process="test")
    yield lambda: [json.loads(line) for line in (folder / setup.FILE_NAME).read_text().splitlines()]
    setup.close()


@pytest.fixture
def levels(place, chain):
    made = structlog.get_config()["wrapper_class"]
    found = Levels(place, BASE, lambda level: switched.append(level))
    switched: list[int] = []
    found.switched, found.made = switched, made
    yield found
    found.take_back()


def test_it_works(levels, place, chain):
    write(place, Wanted({"sqlalchemy": "debug", "microblog.people": "debug"}, time.time() + 60))
    levels.look()
    assert logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("microblog.people.views").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("microblog.auth").isEnabledFor(logging.DEBUG)
    assert levels.switched == [logging.DEBUG]
    levels.look()
    assert levels.switched == [logging.DEBUG], "once"

    levels.look(now=time.time() + 61)
    assert logging.getLogger("sqlalchemy").level == logging.WARNING
    assert logging.getLogger("microblog.people").level == logging.NOTSET
    assert levels.switched == [logging.DEBUG, logging.INFO]
    assert [record["levels"] for record in chain() if record["event"] == events.LOG_LEVEL_CHANGED] == [
        {"sqlalchemy": "debug", "microblog.people": "debug"},
        {},
    ]


def test_a_logger_in_use_changes_its_level():
    made, switch = switchable(logging.INFO)
    log = made(logging.getLogger("microblog.levels_test"), [], {})
    assert log.debug("x") is None
    quiet, loud = made.debug, made.info
    switch(logging.DEBUG)
    assert made.debug is not quiet
    assert log.is_enabled_for(logging.DEBUG)
    switch(logging.INFO)
    assert (made.debug, made.info.__name__) == (quiet, loud.__name__)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"levels":{"root":"debug"},"until":1}',
        '{"levels":{"sqlalchemy":"loud"},"until":1}',
        '{"levels":{"sqlalchemy":[]},"until":1}',
        '{"levels":{"sqlalchemy":"debug"},"until":1e300}',
        '{"levels":{"sqlalchemy":"debug"},"until":true}',
        '{"levels":{"sqlalchemy":"debug"},"until":NaN}',
        '{"levels":' + "[" * 3000,
        "x" * 1_000_000,
    ],
    ids=range(11),
)
def test_a_hostile_file_is_told_once_and_ignored(levels, place, chain, text):
    place.write_text(text)
    levels.look()
    levels.look()
    assert levels.switched == []
    assert [record["event"] for record in chain()] == [events.LOG_LEVELS_IGNORED]


def test_what_was_in_force_ends_when_the_file_becomes_hostile(levels, place):
    write(place, Wanted({"sqlalchemy": "debug"}, time.time() + 60))
    levels.look()
    place.write_text("{")
    levels.look()
    assert logging.getLogger("sqlalchemy").level == logging.WARNING


def test_written_whole_and_for_the_site_alone(place):
    write(place, Wanted({"sqlalchemy": "info"}, 1000.0))
    assert place.stat().st_mode & 0o777 == 0o640
    assert read(place, BASE, 999.0).levels == {"sqlalchemy": "info"}
    assert read(place, BASE, 1001.0) == Wanted()
    assert LONGEST == 7 * 86_400
    write(place, Wanted())
    assert [path.name for path in place.parent.iterdir()] == []


def test_rows_are_never_written(levels, place, chain):
    write(place, Wanted({"sqlalchemy": "debug"}, time.time() + 60))
    levels.look()
    engine = sa.create_engine("sqlite://", hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT :typed AS about_me"), {"typed": "canary-of-the-row"}).all()
    engine.dispose()
    told = [record for record in chain() if record["logger"].startswith("sqlalchemy")]
    assert [record for record in told if record["event"].startswith("SELECT")]
    assert "canary" not in json.dumps(told)


WORKER = """
import sys, time
import structlog
from microblog.config.settings import Logs, Settings
from microblog.log import events, setup, slow
from microblog.log.context import RequestStats

setup.configure(Settings(logs=Logs(directory=sys.argv[1])))
log = structlog.get_logger("microblog.x")
log.info(events.WORKER_STARTED, pid=1)
slow.begin("x", "GET", RequestStats(), None)  # the first request
slow.end()
print("ready", flush=True)
while True:
    log.debug(events.WORKER_STARTED, pid=2)
    time.sleep(0.02)
"""


@pytest.mark.slow
def test_every_process_follows_and_a_new_one_begins_so(tmp_path: Path):
    path = tmp_path / setup.FILE_NAME
    started = []

    def start():
        started.append(
            subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        )
        assert started[-1].stdout.readline() == "ready\n"

    def until(true, seconds=60):
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end
            time.sleep(0.05)

    def records(event="worker.started"):
        found = [json.loads(line) for line in path.read_text().splitlines()]
        return [one for one in found if one["event"] == event]

    debug = lambda: [one for one in records() if one["level"] == "debug"]  # noqa: E731
    try:
        start()
        start()
        assert not debug()
        write(tmp_path / FILE_NAME, Wanted({"microblog": "debug"}, time.time() + 600))
        until(lambda: {one["pid"] for one in records("log.level_changed")} == {one.pid for one in started})
        until(debug)
        start()
        assert records("log.level_changed")[-1]["pid"] == started[-1].pid
        write(tmp_path / FILE_NAME, Wanted())
        until(lambda: len([one for one in records("log.level_changed") if not one["levels"]]) == 3)
        count = len(debug())
        written = path.stat().st_size
        time.sleep(0.2)
        assert (len(debug()), path.stat().st_size) == (count, written)
    finally:
        for process in started:
            process.kill()
            process.communicate()
