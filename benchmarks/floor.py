"""What a page of 25 posts costs before anything of ours: Flask, Flask-Login and Flask-SQLAlchemy around two statements.

    python benchmarks/floor.py                      # half a minute; figures: docs/performance.md
    python benchmarks/floor.py --keep /tmp/bench    # the databases that `manage.py bench --keep` left

Three applications are called in turn, in this process and without a server: the yardstick of `manage.py bench`, a floor
(who is looking, from a signed cookie and a row; 25 rows by their number; the yardstick's own template), and the site's
home page. Each stands beside a yardstick as large as itself; the figure is the median of the rounds' processor time.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask, session  # noqa: E402
from flask_login import LoginManager, UserMixin, login_required  # noqa: E402
from flask_sqlalchemy import SQLAlchemy  # noqa: E402
from sqlalchemy import text  # noqa: E402
from werkzeug.test import Client, create_environ  # noqa: E402

from benchmarks.pages import LIST, PASSWORD, environment, prepare, yardstick_app  # noqa: E402

BATCH = 20
MEMBER = text("SELECT id, username FROM users WHERE id = :id AND suspended_at IS NULL")
POSTS = text(
    "SELECT posts.id, author_id AS author, username, display_name AS name, posts.created_at AS at, text, "
    "reply_to_id AS answers, likes_count AS likes, replies_count AS replies "
    "FROM posts JOIN users ON users.id = author_id WHERE deleted_at IS NULL ORDER BY posts.id DESC LIMIT 25"
)


class Member(UserMixin):  # type: ignore[misc]
    def __init__(self, number: int, username: str) -> None:
        self.id, self.username = number, username


def floor_app(database: Path) -> Flask:
    """As little as shows a signed-in member posts out of a database."""
    app = Flask("floor")
    app.config |= {"SECRET_KEY": "floor", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"}
    db, manager = SQLAlchemy(app), LoginManager(app)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(number: str) -> Member | None:
        row = db.session.execute(MEMBER, {"id": int(number)}).one_or_none()
        return Member(*row) if row else None

    @app.get("/sign-in/<int:number>")
    def sign_in(number: int) -> str:
        session["_user_id"] = str(number)
        return ""

    @app.get("/")
    @login_required
    def home() -> str:
        return LIST.render(items=db.session.execute(POSTS).all())

    return app


class Asked:
    """A page of an application as a signed-in member gets it, called as a server does."""

    def __init__(self, app: Callable[..., Any], path: str = "/", cookie: str = "") -> None:
        self.app, self.environ = app, create_environ(path, headers={"Cookie": cookie} if cookie else {})

    def __call__(self) -> bytes:
        statuses: list[str] = []
        answer = self.app(dict(self.environ), lambda status, *_: statuses.append(status))
        body = b"".join(answer)
        if close := getattr(answer, "close", None):
            close()
        assert statuses[0].startswith("200"), statuses[0]
        return body


def cookie_of(client: Client) -> str:
    """What the browser sends once it is signed in."""
    kept = client.get_cookie("session")
    assert kept is not None
    return f"session={kept.value}"


def site_of(folder: Path, member: str) -> Asked:
    """The home page of `member` on the site whose database is in `folder`."""
    os.environ.update(environment(folder))
    from microblog import create_app
    from microblog.config import load
    from microblog.logs.setup import configure

    settings = load()
    configure(settings, process="web")
    app = create_app(settings, serving=True)
    client = Client(app)
    names = re.findall(r'<input type="hidden" name="(csrf_token|once)" value="([^"]+)"', client.get("/login").text)
    client.post("/login", data=dict(names) | {"username": member, "password": PASSWORD})
    return Asked(app, cookie=cookie_of(client))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the databases are, and stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = (options.keep or Path(made)) / str(options.posts)
        member = prepare(folder, options.posts)[0]
        with closing(connect(folder / "microblog.db")) as connection:
            (number,) = connection.execute("SELECT id FROM users WHERE username = ?", (member,)).fetchone()
        minimal = floor_app(folder / "microblog.db")
        client = Client(minimal)
        client.get(f"/sign-in/{number}")
        pages = {"floor": Asked(minimal, cookie=cookie_of(client)), "home page": site_of(folder, member)}
        bare = yardstick_app()
        asked = {name: (page, Asked(bare, f"/list?bytes={len(page())}")) for name, page in pages.items()}
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for _ in range(options.rounds):
            for name, (page, yardstick) in asked.items():
                took[name].append((microseconds(page), microseconds(yardstick)))
    for name, pairs in took.items():
        ours, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
        times = statistics.median(one / two for one, two in pairs)
        print(f"{name:<10} {ours:6.0f} µs   a yardstick as large {theirs:5.0f} µs   {times:.1f} times")


def microseconds(page: Asked) -> float:
    """Of processor time for one of a batch."""
    began = time.process_time()
    for _ in range(BATCH):
        page()
    return (time.process_time() - began) / BATCH * 1e6


if __name__ == "__main__":
    main()
