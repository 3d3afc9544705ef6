"""The site as tests meet it: a real database file or a real PostgreSQL, real log files, and a browser-like client."""

import dataclasses
import gc
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask

from microblog import create_app
from microblog.alerts.start import start
from microblog.backups import BackupFailed, postgresql
from microblog.cli.db import upgrade
from microblog.config.settings import Database, Logs, Paths, Security, Server, Settings
from microblog.extensions import db, writing
from microblog.log.setup import close
from microblog.models import Session, passwords
from microblog.models.user import User
from tests.support import budget, compiled_once, databases
from tests.support.client import Browser
from tests.support.injecting import injecting
from tests.support.mailbox import Mailbox
from tests.support.report import ABSENT, Report

compiled_once.install()

STRICT = os.environ.get("MICROBLOG_TEST_STRICT") == "1"
"""On a machine that has everything, a skip for want of something is a failure."""

POSTGRESQL = os.environ.get("TEST_DATABASE_URL", "postgresql+psycopg://root@127.0.0.1:5432/test")
PASSWORD = "correct horse battery"
KEY = "k" * 40


def absent(what: str, remedy: str) -> NoReturn:
    """Skip for want of `what`, which `remedy` brings; a failure where the machine is said to have everything."""
    if STRICT:
        pytest.fail(f"{what} is not here, and MICROBLOG_TEST_STRICT=1 says it must be")
    pytest.skip(f"{what} {ABSENT}{remedy}")


def need_pg_dump(database: str) -> None:
    """Skip for want of pg_dump, where `database` is PostgreSQL's."""
    if database.startswith("postgresql"):
        try:
            postgresql._program("pg_dump")
        except BackupFailed:
            absent("pg_dump", "apt-get install postgresql-client")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lone surrogates in captured output would end the run: pytest-xdist cannot send them from process to process."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("microblog")
    group.addoption("--both", action="store_true", help="every test on both databases (tests/support/databases.py)")
    group.addoption("--long", action="store_true", help="loops for two minutes each, and every case of a kind")
    group.addoption("--shuffle", type=int, metavar="SEED", help="the tests in an order drawn by this number")


def pytest_collection_finish() -> None:
    """The garbage collector skips the modules and the tests, which stay until the end."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        os.environ.setdefault(budget.VARIABLE, "120")
        os.environ[budget.LONG] = "1"
    config.pluginmanager.register(Report())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # A running site is a process; tests that start other processes carry the mark themselves.
        if {"site", "broken_site"} & set(getattr(item, "fixturenames", ())) or "tests/door/" in item.nodeid:
            item.add_marker(pytest.mark.process)
    seed = config.getoption("--shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        marks = {"sqlite": (), "postgresql": (pytest.mark.postgresql,)}
        wanted = [pytest.param(kind, marks=marks[kind]) for kind in databases.kinds(metafunc)]
        metafunc.parametrize("database", wanted, indirect=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database as the migrations make it; copied for each test."""
    folder = tmp_path_factory.mktemp("migrated")
    upgrade(
        Settings(paths=Paths(data=str(folder)), logs=Logs(directory=str(folder)), security=Security(secret_key=KEY))
    )
    close()
    engine = sa.create_engine(f"sqlite:///{folder}/microblog.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()  # Python 3.13 warns of a connection that nobody closed
    return folder / "microblog.db"


@pytest.fixture(scope="session")
def postgresql_url(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of this test process's own, migrated; dropped at the end."""
    server = sa.create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"microblog_test_{worker_id}_{os.getpid()}"
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError:
        absent("PostgreSQL", "apt-get install postgresql, or TEST_DATABASE_URL=postgresql+psycopg://…")
    url = sa.make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
    logs = Logs(directory=str(tmp_path_factory.mktemp("postgresql")))
    upgrade(Settings(database=Database(url=url), logs=logs, security=Security(secret_key=KEY)))
    close()
    yield url
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty, migrated database: SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "microblog.db")
        return "sqlite:///microblog.db"
    url = str(request.getfixturevalue("postgresql_url"))
    _empty(url)
    return url


def _empty(url: str) -> None:
    """Delete every row and start each sequence anew: a fourteenth of the time that TRUNCATE takes for small tables."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        tables = reversed(db.metadata.sorted_tables)  # those that refer to others first
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table.name}" for table in tables))
        connection.exec_driver_sql("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    """The defaults, in a folder of the test's own. Override in a test module to change them."""
    return Settings(
        paths=Paths(data=str(tmp_path)),
        database=Database(url=database),
        logs=Logs(directory=str(tmp_path / "logs")),
        server=Server(threads=4),
        security=Security(secret_key=KEY),
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application; no context is pushed, so that each request has its own, as on a server."""
    alerts = start(settings, process="test")
    made = create_app(settings, alerts=alerts)
    made.config["TESTING"] = False
    yield made
    with made.app_context():
        db.engine.dispose()
    close()
    alerts.close()


@pytest.fixture
def fault(app: Flask) -> Iterator[Callable[..., None]]:
    """Let a request fail: ``fault("locked")`` for the next form that is sent, ``fault("500", "GET /login")``.

    More in docs/fault-injection.md. Ask for it before the first request.
    """
    with injecting(app) as edge:
        yield edge.arm


@pytest.fixture
def browser(app: Flask) -> Browser:
    """One person's browser."""
    return Browser(app)


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    """Somebody else's browser, or the same person's phone."""
    return Browser(app)


_hash = ""


@pytest.fixture
def person(app: Flask) -> Callable[..., User]:
    """Make a member: ``person("ana", about_me="…")``. Detached; its plain values can be read."""

    def make(username: str, **values: Any) -> User:
        global _hash
        _hash = _hash or passwords.hash_password(PASSWORD)
        with app.app_context(), writing():
            user = User.register(username=username, email=f"{username}@example.org", password_hash=_hash)
            for name, value in values.items():
                setattr(user, name, value)
            db.session.commit()
            db.session.refresh(user)
            db.session.expunge(user)
        return user

    return make


@pytest.fixture
def ana(person: Callable[..., User]) -> User:
    return person("ana")


@pytest.fixture
def bo(person: Callable[..., User]) -> User:
    return person("bo_")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server that takes everything; see tests/support/mailbox.py for how to make it misbehave."""
    box = Mailbox().start()
    yield box
    box.stop()


@pytest.fixture
def end_sessions(app: Flask) -> Callable[[], None]:
    """Everybody's sessions end, as if they had run out."""

    def end() -> None:
        with app.app_context(), writing():
            db.session.query(Session).delete()
            db.session.commit()

    return end


@pytest.fixture
def stored(app: Flask) -> Callable[..., Any]:
    """Read from the database what is really there: ``stored(select(User.about_me))``."""

    def read(statement: Any) -> Any:
        with app.app_context():
            return db.session.scalar(statement)

    return read


@pytest.fixture
def records(settings: Settings) -> Callable[..., list[dict[str, Any]]]:
    """The log's records so far, each one strict JSON: ``records("request.finished", reference=…)``."""

    def read(event: str = "", **keys: Any) -> list[dict[str, Any]]:
        path = Path(settings.log_dir) / "microblog.jsonl"
        lines = _whole(path).splitlines() if path.exists() else []
        every = [json.loads(line, parse_constant=_refuse) for line in lines]
        return [r for r in every if event in ("", r["event"]) and keys.items() <= r.items()]

    return read


def _whole(path: Path) -> str:
    """The log, once the line that another process is writing at this moment is there to its end."""
    for _ in range(40):
        text = path.read_text("utf-8")
        if not text or text.endswith("\n"):
            break
        time.sleep(0.025)
    return text


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.fixture
def changed(settings: Settings) -> Callable[..., Settings]:
    """The settings with some values changed: ``changed(profile={"about_me_max": 5})``."""

    def change(**sections: dict[str, Any]) -> Settings:
        made = {name: dataclasses.replace(getattr(settings, name), **values) for name, values in sections.items()}
        return dataclasses.replace(settings, **made)

    return change


@contextmanager
def _route(app: Flask, path: str, view: Callable[..., Any], methods: list[str]) -> Iterator[None]:
    # Flask refuses routes after the first request; a test's own app has had none, or is told so.
    app._got_first_request = False
    app.add_url_rule(path, f"test{len(app.view_functions)}", view, methods=methods)
    yield


@pytest.fixture
def route(app: Flask) -> Callable[..., None]:
    """Add a view that exists in this test only: ``route("/broken", view)``."""

    def add(path: str, view: Callable[..., Any], methods: tuple[str, ...] = ("GET", "POST")) -> None:
        with _route(app, path, view, list(methods)):
            pass

    return add
