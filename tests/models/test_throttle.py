"""Counting from several processes at once: the first one of a window is where two could both insert."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import sqlalchemy as sa
from sqlalchemy import select

from microblog.extensions import db, writing
from microblog.models import ThrottleBucket, throttle
from microblog.models.columns import now

HOUR = timedelta(hours=1)


def test_two_connections_count_the_first_one(app, database, stored):
    """Outside of the writer's slot, as two machines would."""
    with app.app_context():
        engine = db.engine
    gate = Barrier(2)

    def count(_):
        with app.app_context():
            assert db.engine is engine
            gate.wait(60)
            with writing():
                total = throttle.count("login:ana", window=HOUR)
                db.session.commit()
            return total

    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(count, range(2))) == [1, 2]
        with app.app_context(), writing():
            throttle.forget("login:ana")
            db.session.commit()
    assert stored(select(sa.func.count()).select_from(ThrottleBucket)) == 0


def test_forgetting_takes_what_has_run_out_along(app, stored):
    with app.app_context():
        for key, window in (("mine", HOUR), ("other", HOUR), ("old", -HOUR)):
            with writing():
                throttle.count(key, window=window)
                db.session.commit()
        with writing():
            throttle.forget("mine")
            db.session.commit()
    assert stored(select(ThrottleBucket.key)) == "other"


def test_a_window_does_not_grow_with_every_count(app, stored):
    with app.app_context():
        for _ in range(3):
            with writing():
                throttle.count("k", window=HOUR)
                db.session.commit()
        first = stored(select(ThrottleBucket.ends_at))
        with writing():
            throttle.count("k", window=2 * HOUR)
            db.session.commit()
    assert stored(select(ThrottleBucket.ends_at)) == first
    assert stored(select(ThrottleBucket.ends_at)) <= now() + HOUR
