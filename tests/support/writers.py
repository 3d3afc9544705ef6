"""One of several processes that write: `python writers.py add USER TIMES`, `add-for USER SECONDS`, `rename USER NAME`,
or `register NAME`.

Settings come from the environment. Says "ready", waits for a line on stdin, and prints what came of it as JSON.
"""

import itertools
import json
import sys
import time

from sqlalchemy.exc import OperationalError

from microblog import create_app
from microblog.config.settings import load
from microblog.db.engine import WriterBusy
from microblog.extensions import db, writing
from microblog.models import User
from microblog.models.errors import Taken


def one(user_id):
    return db.session.get(User, user_id, with_for_update=True, populate_existing=True)


def add(user_id, times):
    return _add(user_id, range(times))


def add_for(user_id, seconds):
    end = time.monotonic() + seconds
    return _add(user_id, itertools.takewhile(lambda _: time.monotonic() < end, itertools.count()))


def _add(user_id, tries):
    done, busy = 0, 0
    for _ in tries:
        try:
            with writing():
                user = one(user_id)
                user.about_me = str(int(user.about_me or 0) + 1)
                db.session.commit()
                done += 1
        except (WriterBusy, OperationalError):
            busy += 1
    return {"done": done, "busy": busy}


def pairs(first, second, times):
    """Two rows that always say the same, after each commit."""
    busy = 0
    for _ in range(times):
        try:
            with writing():
                number = int(one(first).about_me or 0) + 1
                for user_id in (first, second):
                    one(user_id).about_me = str(number)
                    db.session.flush()
                db.session.commit()
        except (WriterBusy, OperationalError):
            busy += 1
    return {"busy": busy}


def rename(user_id, name):
    try:
        with writing():
            user = one(user_id)
            user.change({"username": name}, seen_version=user.version)
            db.session.commit()
    except Taken:
        return {"taken": 1}
    return {"done": 1}


def register(name):
    try:
        with writing():
            User.register(username=name, email="a@example.org", password_hash="x")
            db.session.commit()
    except Taken:
        return {"taken": 1}
    return {"done": 1}


ACTS = {"add": add, "add-for": add_for, "pairs": pairs, "rename": rename, "register": register}


def main(what, *words):
    app = create_app(load())
    with app.app_context():
        db.session.get(User, 1)
        db.session.rollback()
        print("ready", flush=True)
        sys.stdin.readline()
        started = time.perf_counter()
        arguments = [int(word) if word.isdigit() else word for word in words]
        found = ACTS[what](*arguments)
        print(json.dumps(found | {"seconds": round(time.perf_counter() - started, 2)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
