"""The story of one request: what was around it, whether it worked later, which mail went out."""

import json

import pytest

from microblog.logbook.reader import search
from microblog.logbook.story import LINES, gather

REFERENCE = "K7Q2F-9M4ZX"


def record(second, reference=REFERENCE, event="request.finished", **more):
    stamp = f"2026-11-21T12:{second // 60:02}:{second % 60:02}.000Z"
    plain = {"method": "POST", "path": "/profile", "status": 200, "user_id": 17, "ms": 3.5} if "." in event else {}
    return {"timestamp": stamp, "level": "info", "event": event, "logger": "x", "reference": reference} | plain | more


@pytest.fixture
def told(tmp_path):
    """The story that these records tell."""

    def tell(*records):
        path = tmp_path / "microblog.jsonl"
        path.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in records))
        return gather(search(REFERENCE, path), path)

    return tell


FAILED = record(600, event="request.failed", fingerprint="f00", exception=[{"type": "LookupError"}], status=500)
FINISHED = record(600, status=500, address="203.0.113.9")


def test_it_works(told):
    story = told(
        record(400, "AAAAA-00000"),
        record(500, "AAAAA-00001"),
        FAILED,
        FINISHED,
        record(610, "AAAAA-00002", event="alert.sent", fingerprints=["f00"], count=1),
        record(700, "AAAAA-00003", status=500),
        record(900, "AAAAA-00004"),
        record(901, "AAAAA-00005", user_id=18),
    )
    assert [one["reference"][-1] for one in story.around] == ["1", "3"]
    assert story.alert["timestamp"].endswith("12:10:10.000Z")
    assert (story.retry["reference"], story.retry_worked) == ("AAAAA-00004", True)
    assert story.failed["exception"]


def test_what_did_not_work_again_is_told(told):
    story = told(FAILED, FINISHED, record(610, "AAAAA-00001", status=503), record(1300, "AAAAA-00002"))
    assert (story.retry["status"], story.retry_worked) == (503, False)
    assert story.alert is None


def test_another_post_is_not_the_same(told):
    like = {"route": "/post/<int:post_id>/like"}
    failed = record(600, path="/post/999999/like", status=404, **like)
    other = record(610, "AAAAA-00001", path="/post/20/like", **like)
    assert told(failed, other).retry is None

    again = record(620, "AAAAA-00002", path="/post/999999/like", **like)
    assert told(failed, other, again).retry["reference"] == "AAAAA-00002"


def test_a_mail_before_is_not_about_it(told):
    assert told(record(500, event="alert.sent", fingerprints=["f00"], reference="x"), FAILED).alert is None


def test_a_stranger_is_known_by_the_address(told):
    mine = {"user_id": None, "address": "203.0.113.9"}
    story = told(record(590, "AAAAA-00001", **mine), record(600, **mine), record(601, "AAAAA-00002", user_id=None))
    assert [one["reference"] for one in story.around] == ["AAAAA-00001"]
    short = {"user_id": None, "address": "203.0.113.0"}
    assert told(record(590, "AAAAA-00001", **short), record(600, **short)).around == []


def test_much_around_it_is_cut(told):
    story = told(*[record(n, f"AAAAA-{n:05}") for n in range(550, 600)], record(600), record(601, "BBBBB-00000"))
    assert len(story.around) == LINES
    assert story.around[-1]["reference"] == "BBBBB-00000"
    assert story.around[-2]["reference"] == "AAAAA-00599"
    assert story.more_around == 31
