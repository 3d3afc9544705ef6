"""Asking the log: what fits and what does not, from either end, in files of every kind."""

import gzip
import json
import os
import random
import shutil
import subprocess

import pytest

from microblog.logbook import by_hand, pieces
from microblog.logbook.conditions import Condition
from microblog.logbook.query import Query, Told, find
from microblog.logbook.reader import opened

ENTRIES = [
    {"event": "a", "level": "info", "status": 200, "ms": 5.25, "route": "/", "user_id": 7},
    {"event": "b", "level": "error", "status": 500, "ms": 600, "route": "/user/<username>", "user_id": 17},
    {"event": "c", "level": "warning", "status": 403, "ms": 1e16, "path": 'say "hi" \\ ü\u200e', "user_id": None},
    {"event": "d", "level": "error", "fragment": True, "exception": [{"type": "KeyError"}, {"type": "OSError"}]},
    {"event": "e", "level": "info", "fields": ["location", "website"], "status": "500", "text": "ms=600"},
]


def stamp(second):
    return f"2026-11-21T12:{second // 60:02}:{second % 60:02}.000Z"


def written(number, entry):
    head = {"timestamp": stamp(number), "level": entry["level"], "event": entry["event"], "logger": "x"}
    return json.dumps(head | entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def log(tmp_path):
    """Five records in a gzipped, a rotated and the current file, with a torn and a foreign line between them."""
    lines = [written(number * 60, entry) for number, entry in enumerate(ENTRIES)]
    current = tmp_path / "microblog.jsonl"
    (tmp_path / "microblog.jsonl.2.gz").write_bytes(gzip.compress(lines[0] + lines[1]))
    (tmp_path / "microblog.jsonl.1").write_bytes(lines[2] + b'{"event":"torn","level":"err\n')
    current.write_bytes(b"a line of somebody else, ms=600\n" + lines[3] + lines[4])
    for age, tail in enumerate(("", ".1", ".2.gz")):
        os.utime(f"{current}{tail}", (2e9 - age, 2e9 - age))
    return current


def asked(*words, **more):
    found = [Condition.parsed(word) for word in words]
    return Query(tuple(found), **more)


QUERIES = [
    (asked(), "abcde"),
    (asked("status=500"), "be"),
    (asked("status!=500"), "acd"),
    (asked("event=d"), "d"),
    (asked("ms>500"), "bc"),
    (asked("ms>=600"), "bc"),
    (asked("ms<600"), "a"),
    (asked("ms<=5.25"), "a"),
    (asked("ms=600.0"), "b"),
    (asked("user_id=7"), "a"),
    (asked("user_id=null"), "cde"),
    (asked("user_id!=null", "status!=null"), "ab"),
    (asked("fragment=true"), "d"),
    (asked("fragment=1"), ""),
    (asked("exception.type=OSError"), "d"),
    (asked("fields=website"), "e"),
    (asked("timestamp>2026-11-21T12:02"), "cde"),
    (asked("nothing=1"), ""),
    (asked(texts=("ms=600",)), "e"),
    (asked(texts=('"hi" \\ ü',)), "c"),
    (asked("status=500", level="warning"), "b"),
    (asked(level="warning"), "bcd"),
    (asked(since=stamp(60), until=stamp(180)), "bcd"),
    (asked("route=/user/<username>", level="error", since=stamp(1), texts=("user",)), "b"),
]


@pytest.mark.parametrize(("query", "events"), QUERIES, ids=str)
def test_it_works(log, query, events):
    assert "".join(hit.record["event"] for hit in find(query, log)) == events
    assert "".join(hit.record["event"] for hit in find(query, log, newest_first=True)) == events[::-1]


@pytest.mark.process
@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_jq_finds_the_same(log):
    for query, events in QUERIES:
        line = by_hand.jq(query, f"{log}.2.gz {log}.1 {log}")
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        assert "".join(json.loads(text)["event"] for text in done.stdout.splitlines()) == events, line


def test_broken_lines_are_counted(log):
    told = Told()
    assert len(list(find(Query(), log, told))) == 5
    assert (told.broken, told.files) == (2, 3)


def test_a_place_goes_on_where_one_stopped(log):
    for cut in range(1, 5):
        newest = list(find(Query(), log, newest_first=True))
        rest = find(Query(), log, newest_first=True, before=newest[cut - 1].start)
        assert [hit.record["event"] for hit in rest] == [hit.record["event"] for hit in newest[cut:]]


def test_large_files_from_both_ends(tmp_path, monkeypatch):
    """Pieces much smaller than lines, lines longer than allowed, no newline at the end."""
    monkeypatch.setattr(pieces, "PIECE", 1000)
    monkeypatch.setattr(pieces, "LONGEST", 5000)
    monkeypatch.setattr(pieces, "_NEAR", 2000)
    chance = random.Random(4)
    lines = [written(n, {"event": str(n), "level": "info", "x": "y" * chance.randrange(3000)}) for n in range(200)]
    lines.insert(77, b"z" * 20_000 + b"\n")
    path = tmp_path / "microblog.jsonl"
    path.write_bytes(b"".join(lines).rstrip(b"\n"))

    everything = [str(n) for n in range(200)]
    assert [hit.record["event"] for hit in find(Query(), path)] == everything
    assert [hit.record["event"] for hit in find(Query(), path, newest_first=True)] == everything[::-1]
    for since, until in ((0, 199), (50, 60), (120, 121), (199, 199), (0, 0)):
        query, wanted = Query(since=stamp(since), until=stamp(until)), everything[since : until + 1]
        assert [hit.record["event"] for hit in find(query, path)] == wanted
        assert [hit.record["event"] for hit in find(query, path, newest_first=True)] == wanted[::-1]


def test_a_span_of_time_reads_little(tmp_path):
    path = tmp_path / "microblog.jsonl"
    line = {"event": "e", "level": "info", "x": "y" * 2000}
    with path.open("wb") as file:
        for n in range(3000):
            file.write(written(n, line))
    read = 0

    with opened(path) as log:
        stream = log.files[0].stream
        low, high = pieces.around(stream, stamp(1500), path.stat().st_size)
        read = high - low
        stream.seek(low)
        assert stream.read(read + 4000).find(stamp(1500).encode()) > 0
    assert read <= 65_536
