"""What a page of 25 posts and a check while typing cost with the same packages and nothing of ours.

    python benchmarks/floor.py                      # two minutes; figures: docs/performance.md
    python benchmarks/floor.py --keep /tmp/bench    # the databases that `manage.py bench --keep` left

Three applications on the site's own server, asked in turn: the yardstick of `manage.py bench`, the site, and a floor:
Flask, Flask-Login, Flask-SQLAlchemy, Flask-WTF and structlog, each used in the plainest way there is. Its page asks
who is looking (a signed cookie, a row), reads 25 rows by their number, and draws them with the yardstick's own
template. Its check has the token looked at, reads one field through a form, and asks whether a name is there. Its error
is a few words. Each writes one line as JSON. Figures are medians of the rounds' processor time.
"""

import argparse
import logging
import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from logging.handlers import RotatingFileHandler
from pathlib import Path
from sqlite3 import connect
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import structlog  # noqa: E402
from flask import Flask, Response, request, session  # noqa: E402
from flask_login import LoginManager, UserMixin, login_required  # noqa: E402
from flask_sqlalchemy import SQLAlchemy  # noqa: E402
from flask_wtf import CSRFProtect, FlaskForm  # noqa: E402
from flask_wtf.csrf import generate_csrf  # noqa: E402
from sqlalchemy import text  # noqa: E402
from wtforms import StringField  # noqa: E402
from wtforms.validators import InputRequired  # noqa: E402

from benchmarks import pages as bench  # noqa: E402

MEMBER = text("SELECT id, username FROM users WHERE id = :id AND suspended_at IS NULL")
NAME = text("SELECT id FROM users WHERE username_key = :key")
POSTS = text(
    "SELECT posts.id, author_id AS author, username, display_name AS name, posts.created_at AS at, text, "
    "reply_to_id AS answers, likes_count AS likes, replies_count AS replies "
    "FROM posts JOIN users ON users.id = author_id WHERE deleted_at IS NULL ORDER BY posts.id DESC LIMIT 25"
)


class Member(UserMixin):  # type: ignore[misc]
    def __init__(self, number: int, username: str) -> None:
        self.id, self.username = number, username


class NameForm(FlaskForm):  # type: ignore[misc]
    username = StringField(validators=[InputRequired()])


def floor_app(database: Path) -> Flask:
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
    logging.getLogger("floor").addHandler(RotatingFileHandler(database.with_name("floor.jsonl"), maxBytes=20_000_000))
    logging.getLogger("floor").setLevel(logging.INFO)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(number: str) -> Member | None:
        row = db.session.execute(MEMBER, {"id": int(number)}).one_or_none()
        return Member(*row) if row else None

    @app.after_request
    def tell(response: Response) -> Response:
        log.info("request", method=request.method, path=request.path, status=response.status_code)
        return response

    @app.get("/sign-in/<int:number>")
    def sign_in(number: int) -> str:
        session["_user_id"] = str(number)
        return f'<input type="hidden" name="csrf_token" value="{generate_csrf()}">'

    @app.get("/")
    @login_required
    def home() -> str:
        return bench.LIST.render(items=db.session.execute(POSTS).all())

    @app.post("/check")
    def check() -> str:
        form = NameForm()
        if not form.validate():
            return "no"
        return "no" if db.session.execute(NAME, {"key": form.username.data.lower()}).first() else "yes"

    @app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return "<p>There is nothing here.</p>", 404

    return app


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1, help="of load on each, in each round")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the databases are, and stay")
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        bench.serve(lambda: floor_app(Path(options.serve[1])), int(options.serve[0]))
    with ExitStack() as stack:
        folder = (options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))) / str(options.posts)
        members = bench.prepare(folder, options.posts)
        with closing(connect(folder / "microblog.db")) as connection:
            (number,) = connection.execute("SELECT id FROM users WHERE username = ?", (members[0],)).fetchone()

        def run(command: Callable[[int], list[str]], path: str, environ: dict[str, str]) -> tuple[int, int]:
            port = bench.free_port()
            return port, stack.enter_context(bench.started(command(port), environ, port, path))

        place = {"BENCH_FOLDER": stack.enter_context(tempfile.TemporaryDirectory())}
        bare = bench.environment(Path(place["BENCH_FOLDER"])) | place
        database = str(folder / "microblog.db")
        site = run(lambda port: ["manage.py", "run", "--port", str(port)], "/livez", bench.environment(folder))
        yardstick = run(lambda port: ["benchmarks/pages.py", "--yardstick", str(port)], "/hello", bare)
        floor = run(lambda port: [__file__, "--serve", str(port), database], f"/sign-in/{number}", bare)

        visitor = bench.Visitor(floor[0])
        token = re.search(r'value="([^"]+)"', visitor.ask("GET", f"/sign-in/{number}")[1])
        assert token is not None
        ours = {page.name: page.request for page in bench.pages(site[0], members, options.posts)}
        page = bench.raw("GET", "/", visitor.cookie)
        wrong = bench.raw("GET", "/nothing-here")
        check = bench.raw(
            "POST", "/check", visitor.cookie, urlencode({"csrf_token": token[1], "username": "some_free_name"})
        )
        asked: dict[str, tuple[tuple[int, int], Callable[[], bytes], int, bytes]] = {}
        for name, server, request_of in (
            ("a page, the floor", floor, lambda: page),
            ("home page", site, ours["home"]),
            ("a check, the floor", floor, lambda: check),
            ("live validation", site, ours["live validation"]),
            ("an error, the floor", floor, lambda: wrong),
            ("error fragment", site, ours["error fragment"]),
        ):
            status, size = bench.answered(server[0], request_of())
            assert status == (404 if "error" in name else 200), (name, status)
            beside = bench.raw("GET", f"/list?bytes={size}" if size > 5_000 else "/hello")
            asked[name] = server, request_of, status, beside
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for _ in range(options.rounds):
            for name, (server, request_of, status, beside) in asked.items():
                one = bench.measured(*server, request_of, status, options.seconds)
                two = bench.measured(*yardstick, lambda beside=beside: beside, 200, options.seconds)
                took[name].append((one[1], two[1]))
    for name, pairs in took.items():
        cost, least = (statistics.median(one) for one in zip(*pairs, strict=True))
        times = statistics.median(one / two for one, two in pairs)
        print(f"{name:<20} {cost:6.0f} µs   the yardstick {least:5.0f} µs   {times:.1f} times")


if __name__ == "__main__":
    main()
