"""One member who edits without end, and a stranger who reads it all: what both cost. In this process.

    python3 benchmarks/hostile_edits.py

First one post is edited 200 times, as fast as it goes. Then its history gets 5,000 versions of 5,000 code points each,
put straight into the table, and a stranger asks for it. SQLite, in a folder of its own: your site is not touched.
"""

import argparse
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from microblog import create_app
from microblog.cli.db import upgrade
from microblog.config.settings import Logs, Paths, Settings
from microblog.extensions import db, writing
from microblog.models import Post, PostVersion, User
from microblog.models.columns import now
from microblog.models.outcome import new_key
from microblog.models.passwords import hash_password

NAME, PASSWORD = "hostile", "edits without any end"
LONG = 5_000
"""Code points: as many as a post of 500 characters may have."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=200, help="of one post (default: %(default)s)")
    parser.add_argument("--versions", type=int, default=5_000, help="in its history (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(paths=Paths(data=folder), logs=Logs(directory=f"{folder}/logs", console="off"))
        upgrade(settings)
        app = create_app(settings)
        post_id = _write(app)
        _edit(app, post_id, args.edits)
        _pile_up(app, post_id, args.versions)
        _read(app, post_id)
        with app.app_context():
            db.engine.dispose()


def _write(app: Flask) -> int:
    """The member and the post."""
    with app.app_context(), writing():
        author = User.register(username=NAME, email="hostile@example.org", password_hash=hash_password(PASSWORD))
        post_id: int = Post.write(author, "Anything").id
        db.session.commit()
    return post_id


def _edit(app: Flask, post_id: int, count: int) -> None:
    client, version, answers = app.test_client(), 1, Counter[int]()
    fields = {"username": NAME, "password": PASSWORD, "csrf_token": _token(client, "/login")}
    assert client.post("/login", data=fields).status_code == 303
    token, began = _token(client, "/edit_profile"), time.perf_counter()
    for number in range(count):
        sent = {"text": f"Edit {number}", "version": str(version), "once": new_key(), "csrf_token": token}
        status = client.post(f"/post/{post_id}/edit", data=sent).status_code
        answers[status] += 1
        version += status == 303
    seconds = time.perf_counter() - began
    print(f"{count} edits in {seconds:.1f} s: {answers.pop(303, 0)} were taken, {answers.pop(429, 0)} refused")
    assert not answers, answers


def _token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found, path
    return found[1]


def _pile_up(app: Flask, post_id: int, count: int) -> None:
    texts = (f"{number} ".ljust(LONG, "\N{DESERET SMALL LETTER LONG I}") for number in range(count))
    rows = [{"post_id": post_id, "text": text, "language": "", "written_at": now()} for text in texts]
    with app.app_context(), writing():
        db.session.execute(insert(PostVersion), rows)
        db.session.commit()


def _read(app: Flask, post_id: int) -> None:
    client = app.test_client()
    client.get("/explore")  # the first page fills caches
    before, began = _megabytes(), time.process_time()
    response = client.get(f"/post/{post_id}/history")
    seconds = time.process_time() - began
    assert response.status_code == 200, response.status
    print(f"the history: {len(response.data):,} bytes, {seconds:.2f} s of processor time")
    print(f"memory at its highest: {before} MB before, {_megabytes()} MB after")


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


if __name__ == "__main__":
    main()
