"""Taking a person out of the log: everything of theirs, nothing of anybody else's, whoever writes meanwhile."""

import gzip
import json
import os
import subprocess
import sys
import time

import pytest

from microblog.config.settings import ROOT
from microblog.logbook.follow import Place, lines_after
from microblog.logbook.forget import Subject, forget

ANA = Subject(17, ("Ana_L", "ana"))


def line(number, **more):
    head = {"timestamp": f"2026-11-21T12:00:{number:02}.000Z", "level": "info", "event": "request.finished"}
    text = json.dumps(head | {"logger": "x", "n": number} | more, separators=(",", ":"), ensure_ascii=False)
    return text.replace("\u200e", "\\u200e") + "\n"  # as our own formatter writes it


THEIRS = [
    line(1, user_id=17, address="203.0.113.9", path="/profile", route="/profile", ms=18.4),
    line(2, user_id=3, address="203.0.113.7", path="/user/ana", route="/user/<username>"),
    line(3, user_id=None, path="/avatar/17.svg", route="/avatar/<seed>.svg"),
    line(4, exception=[{"message": "Nobody called ANA ü\u200e", "frames": [{"source": "ana = 1"}]}]),
    line(5, event="GET /user/Ana_L HTTP/1.1", logger="werkzeug"),
]
OTHERS = [
    line(11, user_id=170, address="203.0.113.1", path="/user/anabel"),
    line(12, user_id=1, path="/avatar/171.svg", sql_count=17),
    line(13, event="profile.saved", user_id=7),
]


@pytest.fixture
def current(tmp_path):
    """All kinds of lines in the current, a rotated and a gzipped file."""
    text = "".join(THEIRS + OTHERS)
    path = tmp_path / "microblog.jsonl"
    path.write_text(text + 'torn, about ana\n{"not yet whole, ana')
    (tmp_path / "microblog.jsonl.1").write_text(text)
    (tmp_path / "microblog.jsonl.2.gz").write_bytes(gzip.compress(text.encode()))
    for age, tail in enumerate(("", ".1", ".2.gz")):
        os.utime(f"{path}{tail}", (2e9 - age, 2e9 - age))
        path.with_name(f"{path.name}{tail}").chmod(0o640)
    return path


def read(path):
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def test_it_works(current):
    before = {path.name: (read(path), path.stat()) for path in current.parent.iterdir()}
    done = forget(ANA, current)
    assert done.records == {"microblog.jsonl": 6, "microblog.jsonl.1": 5, "microblog.jsonl.2.gz": 5}
    assert not done.failed
    for path in current.parent.iterdir():
        text, stat = before.pop(path.name)
        assert len(read(path).encode()) == len(text.encode())
        assert (path.stat().st_mode, path.stat().st_mtime) == (stat.st_mode, stat.st_mtime)
        lines = read(path).splitlines(keepends=True)
        records = [json.loads(one) for one in lines[:8]]
        assert [one["n"] for one in records] == [1, 2, 3, 4, 5, 11, 12, 13]
        assert lines[5:8] == OTHERS
        assert records[0] == {
            key: value for key, value in json.loads(THEIRS[0]).items() if key not in ("user_id", "address")
        }
        assert (records[1]["path"], records[1]["route"]) == ("/user/***", "/user/<username>")
        assert records[1]["address"] == "203.0.113.7"
        assert records[2]["path"] == "/avatar/**.svg"
        assert records[3]["exception"][0] == {
            "message": "Nobody called *** ü\u200e",
            "frames": [{"source": "ana = 1"}],
        }
        assert records[4]["event"] == "GET /user/***** HTTP/1.1"
    assert not before
    assert read(current).splitlines()[8:] == ["torn, about ***", '{"not yet whole, ana']
    assert forget(ANA, current).count == 0


def test_places_stay_places(current):
    places = [behind for _, behind in lines_after(current, Place())]
    forget(ANA, current)
    assert [behind for _, behind in lines_after(current, Place())] == places
    rest = list(lines_after(current, places[2]))
    assert len(rest) == len(places) - 3


def test_what_cannot_be_read_is_told_and_the_rest_is_done(current):
    (current.parent / "microblog.jsonl.3.gz").write_bytes(b"no archive")
    done = forget(ANA, current)
    assert done.records["microblog.jsonl.2.gz"] == 5
    assert [path.name for path, _ in done.failed] == ["microblog.jsonl.3.gz"]


WORKER = """
import sys
import structlog
from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

setup.configure(Settings(logs=Logs(directory=sys.argv[1], max_bytes=60_000, backups=10_000)))
log = structlog.get_logger("microblog.x")
print("ready", flush=True)
sys.stdin.readline()
for n in range(3000):
    log.info(events.PROFILE_SAVED, user_id=17 if n % 3 else 18, field=f"{sys.argv[2]}/{n}", version="x" * (n % 200))
"""


@pytest.mark.slow
def test_while_others_write_and_rotate(tmp_path):
    """Nothing is lost, nothing torn, nothing twice."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(n)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        current, meanwhile, end = tmp_path / "microblog.jsonl", 0, time.monotonic() + 120
        while any(worker.poll() is None for worker in workers):
            assert time.monotonic() < end
            meanwhile += forget(Subject(17), current).count
            time.sleep(0.01)  # it holds the lock that a rotation wants, and who rotates does not wait for it
        assert [worker.returncode for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    done = forget(Subject(17), current)
    assert not done.failed
    records = [json.loads(one) for path in tmp_path.glob("microblog.jsonl*") for one in path.read_bytes().splitlines()]
    saved = [record for record in records if record["event"] == "profile.saved"]
    assert sorted(record["field"] for record in saved) == sorted(f"{w}/{n}" for w in range(2) for n in range(3000))
    assert {record.get("user_id") for record in saved} == {18, None}
    assert sum("user_id" not in record for record in saved) == 4000 == meanwhile + done.count
    assert len(list(tmp_path.glob("microblog.jsonl*"))) > 5
