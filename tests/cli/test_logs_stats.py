"""`manage.py logs stats`: the numbers, against numbers worked out by hand."""

import json

import pytest

from microblog.config.settings import Logs, Settings
from microblog.logbook.stats import Stats
from tests.cli.asking import run


def finished(n, ms, **more):
    return {
        "timestamp": f"2026-11-21T12:{n // 60 % 60:02}:{n % 60:02}.000Z",
        "level": "info",
        "event": "request.finished",
        "reference": f"AAAAA-{n:05}",
        "method": "GET",
        "route": "/",
        "status": 200,
        "ms": ms,
    } | more


RECORDS = [
    *(finished(n, float(n + 1)) for n in range(1000)),
    finished(1001, 5000, route="/slow", status=500),
    {"timestamp": "2026-11-21T13:00:00.000Z", "event": "form.refused", "form": "F", "field": "f", "rule": "r"},
    finished(1002, 3, event="request.failed", fingerprint="f00", exception=[{"type": "LookupError"}], route="/slow"),
]


@pytest.fixture
def settings(tmp_path):
    text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in RECORDS)
    (tmp_path / "microblog.jsonl").write_text(text)
    return Settings(logs=Logs(directory=str(tmp_path)))


def test_it_works(settings, capsys):
    assert run(settings, "stats", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["requests"], found["errors"], found["records"]) == (1001, 1, 1003)
    home = found["routes"][0]
    assert (home["route"], home["requests"], home["errors"]) == ("GET /", 1000, 0)
    for share in (50, 95, 99):
        assert home[f"p{share}"] == pytest.approx(share * 10, rel=0.03)
    assert found["slowest"][0] | {"timestamp": ""} == {
        "ms": 5000,
        "reference": "AAAAA-01001",
        "route": "GET /slow",
        "timestamp": "",
    }
    assert len(found["slowest"]) == 10
    assert found["refused"] == [{"form": "F", "field": "f", "rule": "r", "count": 1}]
    assert found["failures"][0]["what"] == "LookupError at /slow"


def test_for_a_person(settings, capsys):
    assert run(settings, "stats", "--route", "/slow") == 0
    out = capsys.readouterr().out
    assert "1 requests, 1 of them failed" in out
    assert "f00  LookupError at /slow  last AAAAA-01002" in out


def test_memory_does_not_grow_with_the_log():
    stats = Stats()
    for n in range(20_000):
        stats.add(finished(n, float(n % 7000)))
    assert len(stats.routes["GET /"].buckets) < 300
    assert len(stats.slowest) == 10


def test_anything_may_stand_in_a_record():
    stats = Stats()
    stats.add({"event": "request.finished", "ms": "x", "status": None})
    stats.add({"event": "request.finished", "ms": -1, "status": "500", "fingerprint": 3, "exception": [None]})
    assert stats.requests == 1
    assert stats.as_json()
