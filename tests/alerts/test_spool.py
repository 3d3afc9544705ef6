"""The file: exact, private, and found again."""

import sqlite3
import threading

import pytest

from microblog.alerts import spool as spools
from microblog.alerts.pace import Pace
from microblog.alerts.spool import Sighting, Spool, SpoolUnusable
from microblog.alerts.summary import Frame, Raised, Summary

PACE = Pace(5, (300, 900), 3600)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "data" / "alerts.sqlite3", PACE)


def seen(count=1, at=1000.0, references=(), **example):
    return Sighting(count, at, at, list(references), Summary(**example))


def test_it_works(spool):
    spool.add({"a": seen(2, 1000, ["R1"])}, 1000)
    spool.add({"a": seen(3, 1001, ["R2"]), "b": seen(1, 1001)}, 1001)
    first, second = spool.waiting()
    assert (first.fingerprint, first.total, first.pending, first.due) == ("a", 5, 5, 1005)
    assert (first.first_seen, first.last_seen, first.references) == (1000, 1001, ["R1", "R2"])
    assert second.due == 1006


def test_an_example_comes_back_as_it_was(spool):
    example = Summary(1.5, "ERROR", "request.failed", "microblog", "K7Q2F-9M4ZX", "GET", "/", "/ä🎈", "7", "500")
    example.chain = [
        Raised("ValueError", "x", "", [Frame("a.py", 3, "f", "x = 1")], 7),
        Raised("KeyError", "y", "cause"),
    ]
    example.more = {"k": "v"}
    spool.add({"a": Sighting(1, 1, 1, [], example)}, 1)
    assert spool.waiting()[0].example == example


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"chain": [1]}', "null", '{"at": {}}'])
def test_an_example_that_cannot_be_read_is_not_the_end(kept):
    assert isinstance(Summary.from_json(kept), Summary)


def test_what_was_told_and_what_came_meanwhile(spool):
    spool.add({"a": seen(2, references=["R1"])}, 1000)
    groups = spool.waiting()
    spool.add({"a": seen(3, references=["R2"])}, 1004)
    spool.mailed(groups, 1005, digest=False)
    (group,) = spool.waiting()
    assert (group.pending, group.total, group.stage, group.due, group.references) == (3, 5, 1, 1305, ["R2"])
    assert spool.mails_between(1000, 1010) == 1
    assert spool.state()["last_sent"] == "1005"


def test_threads_add_exactly(spool):
    def work():
        for _ in range(50):
            spool.add({"a": seen(2), "b": seen(1)}, 1000)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [group.total for group in spool.waiting()] == [400, 200]


def test_never_more_than_so_many_groups(spool, monkeypatch):
    monkeypatch.setattr(spools, "MAX_GROUPS", 5)
    spool.add({"told": seen(1)}, 1000)
    spool.mailed(spool.waiting(), 1001, digest=False)
    for number in range(10):
        spool.add({f"g{number}": seen(1)}, 1002)
    groups = {group.fingerprint: group.total for group in spool.waiting()}
    assert sum(groups.values()) == 10
    assert groups[spools.OVERFLOW] == 5
    assert "told" not in groups


@pytest.mark.parametrize("junk", [b"junk" * 500, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
def test_a_broken_file_is_set_aside(spool, junk):
    spool.path.parent.mkdir()
    spool.path.write_bytes(junk)
    spool.add({"a": seen(1)}, 1000)
    assert len(spool.waiting()) == 1
    assert spool.path.with_name("alerts.sqlite3.broken").read_bytes() == junk


def test_a_truncated_file_is_set_aside(spool):
    spool.add({f"g{n}": seen(1, event="x" * 500) for n in range(200)}, 1000)
    content = spool.path.read_bytes()
    spool.path.write_bytes(content[: len(content) // 2])
    spool.add({"a": seen(1)}, 1000)
    assert "a" in [group.fingerprint for group in spool.waiting()]


def test_an_empty_file_a_foreign_database_and_a_missing_table(spool):
    spool.path.parent.mkdir()
    spool.path.touch()
    spool.add({"a": seen(1)}, 1000)
    with sqlite3.connect(spool.path) as db:
        db.execute("DROP TABLE groups")
    db.close()
    spool.add({"b": seen(1)}, 1000)
    with sqlite3.connect(spool.path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    spool.add({"c": seen(1)}, 1000)
    assert [group.fingerprint for group in spool.waiting()] == ["c"]


def test_a_file_taken_away_is_made_again(spool):
    spool.add({"a": seen(1)}, 1000)
    for path in spool.path.parent.iterdir():
        path.unlink()
    spool.add({"b": seen(1)}, 1000)
    assert [group.fingerprint for group in spool.waiting()] == ["b"]
    assert spool.path.stat().st_mode & 0o777 == 0o600


def test_a_lock_held_by_another_program_adds_nothing_and_says_so(spool):
    spool.add({"a": seen(1)}, 1000)
    other = sqlite3.connect(spool.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolUnusable, match="locked"):
            spool.add({"a": seen(1)}, 1000, patience=0.1)
        assert spool.waiting()[0].total == 1  # reading goes on
    finally:
        other.close()
    spool.add({"a": seen(1)}, 1000)
    assert spool.waiting()[0].total == 2


def test_a_shared_directory_that_is_not_ours_alone_is_not_used(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("open", "link"):
        with pytest.raises(SpoolUnusable, match="somebody else"):
            Spool(tmp_path / name / "alerts.sqlite3", PACE, shared=True).add({"a": seen(1)}, 1)
    Spool(tmp_path / "own" / "alerts.sqlite3", PACE, shared=True).add({"a": seen(1)}, 1)
