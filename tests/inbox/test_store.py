"""The inbox's file: every failure of the log once, whatever happens to the files and to whoever reads them."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from microblog.alerts.inbox import filling
from microblog.alerts.inbox.groups import NOTHING, Decision
from microblog.alerts.inbox.store import Ambiguous, Inbox, SpoolUnusable, Unknown
from microblog.config.settings import ROOT

NOW = time.time()


def only(inbox):
    (group,) = inbox.groups()
    return group


def test_it_works(log, inbox):
    log.started("0.1.0", at=NOW - 60)
    first = log.fails(at=NOW - 50, reference="AAAAA-00001", user_id=1, route="/profile")
    log.fails(at=NOW - 40, reference="AAAAA-00002", user_id=2, route="/other")
    log.started("0.2.0", at=NOW - 30)
    log.fails(at=NOW - 20, reference="AAAAA-00003", user_id=2, route="/profile")
    log.answered(3, status=500, at=NOW)
    log.answered(7, at=NOW)
    assert inbox.read_on() == 15

    group = only(inbox)
    assert (group.fingerprint, group.count, group.people, group.affected) == (first, 3, 2, "2")
    assert (group.title, group.place) == ("KeyError: no KeyError here", "microblog/people/views.py in save")
    assert (group.first_reference, group.last_reference) == ("AAAAA-00001", "AAAAA-00003")
    assert (group.first_release, group.last_release) == ("0.1.0", "0.2.0")
    assert group.routes == ["/profile", "/other"]
    assert (round(group.first_seen - NOW), round(group.last_seen - NOW)) == (-50, -20)
    assert group.state(NOW) == "new"
    assert group.state(NOW + 86_400) == "ongoing"
    assert inbox.example(first)["exception"][0]["frames"][1]["source"] == "return form[name]"
    assert sum(inbox.hours([first], 0)[first].values()) == 3
    assert inbox.traffic(0) == (10, 3)
    assert inbox.read_on() == 0


def test_a_drill_is_found_and_counted_nowhere(log, inbox):
    log.fails(fingerprint="0123456789ab", at=NOW, drill=True)
    log.answered(1, status=500, at=NOW, drill=True)
    inbox.read_on()
    assert inbox.has_drill("0123456789ab")
    assert not inbox.has_drill("0123456789ac")
    assert (inbox.groups(), inbox.traffic(0)) == ([], (0, 0))


def test_what_is_no_failure_of_its_own(log, inbox):
    log.answered(2, status=500)
    log.write(log.line("form.refused"), log.line("request.slow", "warning"))
    with log.path.open("ab") as file:
        file.write(b'{"timestamp":"x","level":"error","event":"torn\n[1]\n\xff"level":"error"\n')
    inbox.read_on()
    assert inbox.groups() == []


def test_it_goes_on_where_it_was_through_rotation_and_restart(log, settings):
    for number in range(30):
        log.fails(reference=f"AAAAA-000{number:02}")
        if number % 7 == 3:
            log.rotate()
        if number % 3 == 0:
            Inbox(settings).read_on()
    Inbox(settings).read_on()
    assert only(Inbox(settings)).count == 30


def test_many_readers_at_once_count_each_line_once(log, settings, monkeypatch):
    monkeypatch.setattr("microblog.alerts.inbox.reading.LINES", 7)
    log.write(*(log.line("database.full", "error", code=number % 2) for number in range(300)))

    def read():
        mine = Inbox(settings)
        while mine.read_on(pieces=1):
            pass

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    Inbox(settings).read_on()
    assert only(Inbox(settings)).count == 300


READ = """
import sys
from microblog.config.settings import Logs, Paths, Settings
from microblog.alerts.inbox import reading
from microblog.alerts.inbox.store import Inbox
reading.LINES = 3
inbox = Inbox(Settings(paths=Paths(data=sys.argv[1]), logs=Logs(directory=sys.argv[2])))
while inbox.read_on(pieces=1):
    print("read", flush=True)
"""


@pytest.mark.process
def test_a_reader_that_is_killed_neither_doubles_nor_loses(log, settings, inbox):
    command = [sys.executable, "-c", READ, settings.paths.data, settings.logs.directory]
    log.write(*(log.line("database.full", "error") for _ in range(2000)))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT
    ) as reader:
        for _ in range(5):
            assert reader.stdout.readline() == b"read\n"
        reader.send_signal(signal.SIGKILL)
    assert 0 < only(inbox).count < 2000
    inbox.read_on()
    assert only(inbox).count == 2000


def test_it_agrees_with_counting_by_hand(log, inbox):
    """100,000 records in five files: a failure in ten, of 40 kinds, met by 900 people."""
    dice, started = random.Random(7), time.perf_counter()
    counts, people = Counter(), {}
    quiet = json.dumps(log.line("request.finished", status=200, ms=3.1, route="/", user_id=3), separators=(",", ":"))
    for _ in range(5):
        lines = []
        for number in range(20_000):
            if number % 10:
                lines.append(quiet)
                continue
            kind, person = f"{min(dice.randrange(60), 39):012x}", dice.randrange(900)
            record = log.line("request.failed", "error", fingerprint=kind, route="/r", user_id=person)
            lines.append(json.dumps(record, separators=(",", ":")))
            counts[kind] += 1
            people.setdefault(kind, set()).add(person)
        if log.path.exists():
            log.rotate()
        log.path.write_text("\n".join(lines) + "\n")
    made, started = time.perf_counter() - started, time.perf_counter()
    inbox.read_on()
    print(f"made in {made:.1f} s, read in {time.perf_counter() - started:.1f} s")

    groups = inbox.groups()
    assert {group.fingerprint: group.count for group in groups} == counts
    expected = {kind: str(len(who)) if len(who) <= 500 else "500+" for kind, who in people.items()}
    assert {group.fingerprint: group.affected for group in groups} == expected
    assert "500+" in expected.values()
    assert inbox.traffic(0) == (90_000, 0)


def test_resolved_and_seen_again_is_a_regression(log, inbox):
    one = log.fails(at=NOW - 100)
    inbox.read_on()
    inbox.decide(one, Decision("resolved", NOW - 50, "ana", "0.1.0"))
    assert only(inbox).state(NOW) == "resolved"
    log.fails(at=NOW - 10)
    inbox.read_on()
    assert only(inbox).state(NOW) == "regressed"
    assert (only(inbox).decision.release, only(inbox).decision.by) == ("0.1.0", "ana")
    inbox.decide(one, NOTHING)
    assert only(inbox).state(NOW) == "new"


def test_muted_for_a_time_and_for_ever(log, inbox):
    one = log.fails(at=NOW)
    inbox.read_on()
    inbox.decide(one, Decision("muted", NOW, "ana", "0.1.0", NOW + 60))
    assert only(inbox).state(NOW + 59) == "muted"
    assert only(inbox).state(NOW + 61) == "new"
    inbox.decide(one, Decision("muted", NOW, "ana", "0.1.0"))
    assert only(inbox).state(NOW + 10**9) == "muted"
    log.fails(at=NOW)
    inbox.read_on()
    assert only(inbox).count == 2, "still counted"


def test_undo(log, inbox):
    one = log.fails(at=NOW - 100)
    inbox.read_on()
    inbox.decide(one, Decision("muted", NOW - 60, "ana", "0.1.0", NOW + 999))
    inbox.decide(one, Decision("resolved", NOW - 50, "ana", "0.1.0"))
    assert not inbox.undo(one, NOW - 60), "another one was made since"
    assert inbox.undo(one, NOW - 50)
    assert only(inbox).decision == Decision("muted", NOW - 60, "ana", "0.1.0", NOW + 999)
    inbox.decide(one, Decision("", NOW - 40, "ana"))
    assert (only(inbox).state(NOW), inbox.decisions()) == ("new", {})
    assert inbox.undo(one, NOW - 40)
    assert only(inbox).state(NOW) == "muted"
    assert not inbox.undo("ffff", 0.0)


def test_reindex_counts_anew_and_keeps_what_was_decided(log, inbox):
    one, two = log.fails("KeyError", at=NOW - 90), log.fails("ValueError", at=NOW - 90)
    inbox.read_on()
    inbox.decide(one, Decision("resolved", NOW - 50, "ana", "0.1.0"))
    inbox.decide(two, Decision("muted", NOW - 50, "ana", "0.1.0"))
    inbox.use(lambda db: db.execute("UPDATE groups SET count = 99"))
    assert inbox.reindex() == 2
    assert {group.fingerprint: (group.count, group.state(NOW)) for group in inbox.groups()} == {
        one: (1, "resolved"),
        two: (1, "muted"),
    }


def test_of_too_many_the_quietest_resolved_goes_first(log, inbox, monkeypatch):
    monkeypatch.setattr(filling, "MAX_GROUPS", 3)
    one, two, three = (log.fails(kind, at=NOW - 100 + n) for n, kind in enumerate(("A", "B", "C")))
    inbox.read_on()
    inbox.decide(three, Decision("resolved", NOW, "ana", "0.1.0"))
    four, five = log.fails("D", at=NOW - 10), log.fails("E", at=NOW - 5)
    inbox.read_on()
    assert {group.fingerprint for group in inbox.groups()} == {two, four, five}
    assert one
    assert inbox.decisions()[three].kind == "resolved", "seen again, it is a regression"


def test_a_monstrous_record_is_kept_short(log, inbox):
    frames = [{"file": f"{'x' * 300}.py", "line": n, "function": "f" * 200, "source": "s" * 200} for n in range(50)]
    long = [{"type": "E", "module": "m", "message": "é" * 2000, "frames": frames} for _ in range(10)]
    log.write(log.line("request.failed", "error", fingerprint="a" * 12, exception=long, other="y" * 9000))
    inbox.read_on()
    size = inbox.use(lambda db: db.execute("SELECT length(CAST(example AS BLOB)) FROM groups").fetchone()[0])
    assert size <= 16_000
    assert only(inbox).title == "E: " + "é" * 299 + "…"


def test_an_id_by_its_beginning(log, inbox):
    one = log.fails(fingerprint="abc111111111")
    log.fails(fingerprint="abd222222222")
    inbox.read_on()
    assert inbox.find("ABC1").fingerprint == one
    with pytest.raises(Ambiguous):
        inbox.find("ab")
    for nothing in ("zz", "", "%", "abc1' OR 1"):
        with pytest.raises(Unknown):
            inbox.find(nothing)


def test_a_broken_file_is_set_aside_and_filled_from_the_log(log, inbox):
    log.fails()
    inbox.read_on()
    inbox.path.write_bytes(b"junk" * 3000)
    assert inbox.groups() == []
    inbox.read_on()
    assert only(inbox).count == 1
    assert inbox.path.with_name("errors.sqlite3.broken").read_bytes() == b"junk" * 3000
    assert inbox.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_used_says_so(log, settings, tmp_path):
    (tmp_path / "in the way").write_text("")
    nowhere = Inbox(replace(settings, paths=replace(settings.paths, data=str(tmp_path / "in the way"))))
    with pytest.raises(SpoolUnusable):
        nowhere.read_on()
    assert nowhere.decisions() == {}


def test_a_lock_held_by_another_program_leaves_all_as_it_was(log, inbox, monkeypatch):
    log.fails()
    inbox.read_on()
    log.fails()
    other = sqlite3.connect(inbox.path, isolation_level=None)
    monkeypatch.setattr(Inbox, "use", lambda self, work, patience=0.1, **kw: super(Inbox, self).use(work, 0.1, **kw))
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolUnusable):
            inbox.read_on()
        assert only(inbox).count == 1, "it can be read"
    finally:
        other.close()
    inbox.read_on()
    assert only(inbox).count == 2
