"""What the pages of the site are held against: two applications on the site's own server.

The **yardstick** is as bare as Flask gets: a page of 25 items from memory, and "hello". It asks nobody who is looking,
reads no database and writes no log.

The **floor** is what the packages of the site cost in their plainest use: Flask, Flask-Login, Flask-SQLAlchemy,
Flask-WTF and structlog. Its page loads who is looking (a signed cookie, a row), reads 25 rows by their number, and
draws them with the yardstick's own template. Its check has the token looked at, reads one field through a form, and
asks whether a name is there. Its error is one sentence. Each writes one line as JSON. It knows no blocks, likes, forms
on the page, headers, references or metrics.

`manage.py bench` starts both.
"""

import logging
import os
import sys
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import structlog  # noqa: E402
from flask import Flask, Response, request, session  # noqa: E402
from flask_login import LoginManager, UserMixin, login_required  # noqa: E402
from flask_sqlalchemy import SQLAlchemy  # noqa: E402
from flask_wtf import CSRFProtect, FlaskForm  # noqa: E402
from flask_wtf.csrf import generate_csrf  # noqa: E402
from jinja2 import Environment  # noqa: E402
from sqlalchemy import text  # noqa: E402
from wtforms import StringField  # noqa: E402
from wtforms.validators import InputRequired  # noqa: E402

from benchmarks.servers import on_our_server  # noqa: E402

ITEMS = 25
# What anybody's first template of such a list holds: a face, names, a date, a text, and what can be done with it.
LIST = Environment(autoescape=True, trim_blocks=True).from_string("""<!doctype html><html lang="en"><title>list</title>
{% for item in items %}
<article id="item-{{ item.id }}"><a href="/user/{{ item.username }}"><img src="/face/{{ item.author }}.svg" alt=""></a>
<h2><a href="/user/{{ item.username }}">{{ item.name }}</a> @{{ item.username }}</h2>
<a href="/item/{{ item.id }}">{{ item.at }}</a>
{% if item.answers %}<p><a href="/item/{{ item.answers }}">In answer to another one</a></p>{% endif %}
<p>{{ item.text }}</p>
<a href="/item/{{ item.id }}/reply">{{ item.replies }} replies</a>
<a href="/item/{{ item.id }}/like">{{ item.likes }} likes</a>
</article>
{% endfor %}""")

MEMBER = text("SELECT id, username FROM users WHERE id = :id AND suspended_at IS NULL")
NAME = text("SELECT id FROM users WHERE username_key = :key")
POSTS = text(
    "SELECT posts.id, author_id AS author, username, display_name AS name, posts.created_at AS at, text, "
    "reply_to_id AS answers, likes_count AS likes, replies_count AS replies "
    "FROM posts JOIN users ON users.id = author_id WHERE deleted_at IS NULL ORDER BY posts.id DESC LIMIT 25"
)


@cache
def items(size: int) -> list[dict[str, object]]:
    """25 of them, which make a page of about `size` bytes."""
    each = max(1, size // ITEMS - 300)
    words = ("some words that a person might have written " * (each // 40 + 1))[:each]
    fixed = {"at": "2026-11-22", "answers": 0, "replies": 3, "likes": 12, "text": words}
    return [{"id": n, "author": n, "name": f"Name {n}", "username": f"name_{n}", **fixed} for n in range(ITEMS)]


def yardstick() -> Flask:
    """The application that does nothing but draw."""
    app = Flask("yardstick")

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/list")
    def a_list() -> str:
        return LIST.render(items=items(int(request.args["bytes"])))

    return app


class Member(UserMixin):  # type: ignore[misc]
    def __init__(self, number: int, username: str) -> None:
        self.id, self.username = number, username


class NameForm(FlaskForm):  # type: ignore[misc]
    username = StringField(validators=[InputRequired()])


def floor(database: str, log_file: Path) -> Flask:
    """As little as shows a signed-in member posts out of a database, checks a name, and tells it in a log."""
    app = Flask("floor")
    app.config |= {"SECRET_KEY": "floor", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"}
    db, manager = SQLAlchemy(app), LoginManager(app)
    CSRFProtect(app)
    log = structlog.wrap_logger(
        logging.getLogger("floor"),
        processors=[structlog.processors.TimeStamper("iso"), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.getLogger("floor").addHandler(RotatingFileHandler(log_file, maxBytes=20_000_000))
    logging.getLogger("floor").setLevel(logging.INFO)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(number: str) -> Member | None:
        row = db.session.execute(MEMBER, {"id": int(number)}).one_or_none()
        return Member(*row) if row else None

    @app.after_request
    def tell(response: Response) -> Response:
        log.info("request", method=request.method, path=request.path, status=response.status_code)
        return response

    @app.get("/sign-in")
    def sign_in() -> str:
        session["_user_id"] = str(db.session.scalar(text("SELECT min(id) FROM users")))
        return f'<form action="/check"><input type="hidden" name="csrf_token" value="{generate_csrf()}"></form>'

    @app.get("/")
    @login_required
    def page() -> str:
        return LIST.render(items=db.session.execute(POSTS).all())

    @app.post("/check")
    def check() -> tuple[str, int]:
        form = NameForm()
        if not form.validate():
            return "no", 422
        found = db.session.execute(NAME, {"key": form.username.data.lower()}).first()
        return ("no" if found else "yes"), 200

    @app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return "<p>There is nothing here.</p>", 404

    return app


if __name__ == "__main__":
    which, chosen, *database = sys.argv[1:]
    log_file = Path(os.environ["BENCH_FOLDER"], "floor.jsonl")
    on_our_server(yardstick if which == "yardstick" else lambda: floor(database[0], log_file), int(chosen))
