"""The one way to write."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from microblog.db import engine, writer_slot
from microblog.db.writer_slot import TURN, WriterBusy, WriterSlot
from microblog.extensions import db, writing
from microblog.models import ThrottleBucket, User, throttle
from microblog.models.errors import TooFast
from microblog.models.usernames import problem, username_key


def test_a_change_outside_is_refused(app, ana):
    with app.app_context():
        user = db.session.get(User, ana.id)
        user.location = "lost update"
        with pytest.raises(RuntimeError, match="outside"):
            db.session.commit()


def test_left_without_a_commit_nothing_stays(app, ana, stored):
    with app.app_context(), writing():
        db.session.get(User, ana.id).location = "never"
        db.session.flush()
    assert stored(select(User.location)) == ""


def test_what_is_read_inside_is_fresh(app, ana):
    with app.app_context():
        mine = db.session.get(User, ana.id)
        assert mine.location == ""

        def somebody_else():
            with app.app_context(), writing():
                db.session.get(User, ana.id).location = "Oslo"
                db.session.commit()

        other = threading.Thread(target=somebody_else)
        other.start()
        other.join()
        with writing():
            assert mine.location == "Oslo"


@pytest.fixture
def patient(monkeypatch):
    """No writer gives up by itself before a test does, however busy the machine is."""
    for module in (writer_slot, engine):
        monkeypatch.setattr(module, "WRITE_WAIT", 600)


def test_one_writer_at_a_time_and_nobody_waits_for_a_stuck_one(patient):
    slot = WriterSlot()
    slot.acquire()
    slot.asked_for(TURN)
    with pytest.raises(WriterBusy):
        slot.acquire()
    slot.release(stuck=True)
    slot.acquire()
    with pytest.raises(WriterBusy):
        slot.acquire()  # known to be stuck: no use in waiting
    slot.release(stuck=False)
    slot.acquire()


def test_whoever_waits_hears_at_once_that_the_lock_is_held_elsewhere(patient):
    slot = WriterSlot()

    def second():
        with pytest.raises(WriterBusy):
            slot.acquire()

    slot.acquire()
    other = threading.Thread(target=second)
    other.start()
    time.sleep(0.2)
    slot.asked_for(TURN - 0.01)
    time.sleep(0.2)
    assert other.is_alive()
    slot.asked_for(TURN)
    other.join(60)
    assert not other.is_alive()


def test_one_who_has_the_lock_is_waited_for_longer_than_one_who_asks_for_it(patient):
    slot, order = WriterSlot(), []

    def second():
        slot.acquire()
        order.append("second")
        slot.release(stuck=False)

    slot.acquire()
    slot.has_lock()
    other = threading.Thread(target=second)
    other.start()
    other.join(TURN + 0.3)  # a slow disk, a busy machine
    assert other.is_alive(), "still waiting"
    order.append("first")
    slot.release(stuck=False)
    other.join()
    assert order == ["first", "second"]


@pytest.mark.sqlite_only
def test_a_slow_write_is_waited_for(app, ana, stored, patient):
    has_lock = threading.Event()

    def slow():
        with app.app_context(), writing():
            db.session.get(User, ana.id).location = "Oslo"
            has_lock.set()
            time.sleep(TURN + 0.3)
            db.session.commit()

    other = threading.Thread(target=slow)
    other.start()
    has_lock.wait(60)
    with app.app_context(), writing():
        db.session.get(User, ana.id).website = "https://example.org"
        db.session.commit()
    other.join()
    assert stored(select(User.location)) == "Oslo"
    assert stored(select(User.website)) == "https://example.org"


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_the_lock_is_found_free_between_two_writes_of_another_process(app, settings, ana, stored):
    """SQLite by itself asks every 100 ms in the end, and hardly ever meets the moment."""
    over = threading.Event()

    def one_thing_after_the_other():
        with closing(sqlite3.connect(f"{settings.data_dir}/microblog.db", isolation_level=None, timeout=30)) as other:
            while not over.is_set():
                other.execute("BEGIN IMMEDIATE")
                time.sleep(0.1)
                other.execute("COMMIT")
                time.sleep(0.003)

    other = threading.Thread(target=one_thing_after_the_other)
    other.start()
    try:
        for number in range(12):
            with app.app_context(), writing():
                db.session.get(User, ana.id).location = str(number)
                db.session.commit()
            time.sleep(0.15)  # it has the lock again
    finally:
        over.set()
        other.join()
    assert stored(select(User.location)) == "11"


def test_counting_over_threads_is_exact(app, stored):
    def count():
        with app.app_context(), writing():
            throttle.count("login:ana", window=timedelta(minutes=15))
            db.session.commit()

    threads = [threading.Thread(target=count) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(select(ThrottleBucket.count)) == 12


def test_a_window_ends(app):
    with app.app_context():
        for _ in range(3):
            with writing():
                throttle.count("k", window=timedelta(seconds=100))
                db.session.commit()
        with pytest.raises(TooFast) as refusal:
            throttle.check("k", limit=3, message="slowly")
        assert 95 <= refusal.value.retry_after <= 100
        with writing():
            throttle.count("k", window=timedelta(seconds=-1))
            bucket = db.session.get(ThrottleBucket, "k")
            bucket.ends_at = datetime.now(UTC) - timedelta(seconds=1)
            db.session.commit()
        throttle.check("k", limit=3, message="slowly")
        with writing():
            assert throttle.count("k", window=timedelta(seconds=100)) == 1


def test_moments_are_aware_and_in_utc(app, ana):
    berlin = timezone(timedelta(hours=2))
    with app.app_context(), writing():
        user = db.session.get(User, ana.id)
        user.last_seen_at = datetime(2026, 6, 1, 12, tzinfo=berlin)
        db.session.commit()
        assert db.session.get(User, ana.id).last_seen_at == datetime(2026, 6, 1, 10, tzinfo=UTC)
        user.last_seen_at = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - what must be refused
        with pytest.raises(StatementError, match="time zone"):
            db.session.flush()
        db.session.rollback()


def test_names():
    assert username_key("ANA") == username_key("ana") == username_key("ＡＮＡ")
    assert problem("ana_9") is None
    for wrong in ("", "ab", "a" * 31, "a b", "a/b", "ana!", "аna", "login", "LOGIN", "ana\n"):
        assert problem(wrong), wrong
