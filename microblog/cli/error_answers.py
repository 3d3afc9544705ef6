"""Every error of the site as somebody meets it: the real application, over a database that is thrown away."""

import contextvars
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed, ServiceUnavailable, TooManyRequests

from microblog import create_app
from microblog.cli.db import upgrade
from microblog.config.settings import Database, Logs, Paths, Settings, Site
from microblog.errors.table import PROBLEMS
from microblog.extensions import db, writing
from microblog.log.setup import close, configure
from microblog.models import Session, User

KINDS = {
    "page": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    "fragment": {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"},
    "JSON": {"Accept": "application/json"},
}
PEOPLE = ("stranger", "member")
DATABASES = ("up", "down")
LAST_RESORT = "last resort"
GONE_BEFORE = "database gone"
MEMBER = "Grace Hopper"


@dataclass(frozen=True)
class Answer:
    """One answer, and what was asked. `case`: a status, the last resort, or a database gone from the start."""

    case: str
    wanted: int
    kind: str
    who: str
    database: str
    status: int
    headers: Headers
    body: str
    lines: list[dict[str, Any]]

    @property
    def asked(self) -> str:
        return f"{self.case}, {self.kind}, {self.who}, database {self.database}"

    @property
    def reference(self) -> str:
        return self.headers.get("X-Request-ID", "")


class ThrowAway:
    """A site in a folder of its own, whose database can be taken away while a request runs."""

    def __init__(self, name: str, folder: Path) -> None:
        self.settings = Settings(
            site=replace(Site(), name=name),
            paths=Paths(data=str(folder)),
            database=Database(),
            logs=Logs(directory=str(folder / "logs"), console="off"),
        )
        upgrade(self.settings)
        configure(self.settings, process="cli")
        self.file, self.away = folder / "microblog.db", folder / "away.db"
        self.app = create_app(self.settings)
        self.app.add_url_rule("/-/<case>/<database>", view_func=self.fail)
        self.clients = {"stranger": self.app.test_client(), "member": self._signed_in(self.app.test_client())}

    def _signed_in(self, client: FlaskClient) -> FlaskClient:
        with self.app.app_context(), writing():
            user = User.register(username="grace_h", email="grace@example.org", password_hash="-")  # noqa: S106 - of nobody
            user.display_name = MEMBER
            db.session.flush()
            token, number = Session.start(user), user.id
            db.session.commit()
        with client.session_transaction() as session:
            session.update(_user_id=token, _fresh=True, member=number)
        return client

    def fail(self, case: str, database: str) -> str:
        """The view: by now the viewer is known, and an error page must be drawn without asking again."""
        if database == "down":
            self.take_away()
        if case == LAST_RESORT:
            raise SystemExit  # no handler sees it
        match int(case):
            case 405:
                raise MethodNotAllowed(valid_methods=["POST"])
            case 429:
                raise TooManyRequests(retry_after=40)
            case 500:
                raise RuntimeError("an error on purpose")
            case 503:
                raise ServiceUnavailable(retry_after=2)
            case status:
                abort(status)

    def take_away(self) -> None:
        """The file is gone, and nobody has it open any more."""
        db.session.close()
        db.engine.dispose()
        self.file.rename(self.away)

    def bring_back(self) -> None:
        if self.away.exists():
            with self.app.app_context():
                db.engine.dispose()
            self.away.replace(self.file)

    def ask(self, case: str, wanted: int, path: str, kind: str, who: str, database: str) -> Answer:
        client = self.clients[who]
        asking = contextvars.Context()
        response = asking.run(client.get, path, headers=KINDS[kind], buffered=True)
        body = response.get_data(as_text=True)
        asking.run(response.close)
        return Answer(
            case, wanted, kind, who, database, response.status_code, response.headers, body, self._lines(response)
        )

    def _lines(self, response: Any) -> list[dict[str, Any]]:
        """What the log says about this request."""
        reference = response.headers.get("X-Request-ID")
        text = (self.settings.log_dir / "microblog.jsonl").read_text("utf-8")
        records = (json.loads(line) for line in text.splitlines()[-20:])
        return [r for r in records if r.get("reference") == reference and r["event"] == "request.finished"]


@contextmanager
def throw_away(name: str) -> Iterator[ThrowAway]:
    """The site called `name`, gone at the end, its log and its connections as well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="microblog-errors-")))
        stack.callback(close)
        site = ThrowAway(name, folder)
        stack.callback(dispose, site.app)
        yield site


def dispose(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def every_answer(site: ThrowAway) -> Iterator[Answer]:
    """Each status, then the last resort, in each representation, with and without a database, for both people."""
    cases = [(str(status), status) for status in PROBLEMS] + [(LAST_RESORT, 500)]
    for case, wanted in cases:
        for kind in KINDS:
            for database in DATABASES:
                for who in PEOPLE:
                    yield site.ask(case, wanted, f"/-/{case}/{database}", kind, who, database)
                    site.bring_back()
    with site.app.app_context():
        site.take_away()
    for kind in KINDS:
        for who in PEOPLE:
            yield site.ask(GONE_BEFORE, 503, "/", kind, who, "down")
    site.bring_back()
