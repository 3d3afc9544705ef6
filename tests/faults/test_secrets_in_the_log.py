"""F56, the log side: canary secrets, sent down every way into the log, are in no line of it."""

import dataclasses
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from werkzeug.datastructures import Headers, MultiDict

from microblog.config.settings import Logs, Settings
from microblog.log import events, setup

pytestmark = pytest.mark.fault(56)

log = structlog.get_logger("microblog.auth.views")
# Put together here, so that no source line quoted in a traceback holds it.
CANARY = "-".join(("canary", "7f3a", "secret"))


@dataclasses.dataclass
class SignInForm:
    username: str
    password: str


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path), level="debug")), process="test")
    yield tmp_path / setup.FILE_NAME
    setup.close()


def expect_no_canary(written: Path, *, lines: int) -> None:
    text = written.read_text()
    assert CANARY not in text
    assert len([json.loads(line) for line in text.splitlines()]) == lines, "nothing is hidden by not being logged"


def test_under_a_key(written: Path) -> None:
    keys = ["password", "password2", "csrf_token", "X-CSRFToken", "Cookie", "Set-Cookie", "session", "Authorization"]
    for key in [*keys, "remember_token", "reset_token", "secret_key", "SECRET_KEY", "MAIL_PASSWORD", "api_key"]:
        log.info(events.FORM_REFUSED, **{key: CANARY})
        log.info(events.FORM_REFUSED, form={"deep": [{key: CANARY}, (key, CANARY), [[key, CANARY]]]})
    expect_no_canary(written, lines=28)


def test_inside_the_things_of_a_request(written: Path) -> None:
    log.info(events.FORM_REFUSED, form=MultiDict({"username": "ana", "password": CANARY}))
    log.info(events.FORM_REFUSED, form=Headers({"Cookie": f"session={CANARY}; x={CANARY}"}))
    log.info(events.FORM_REFUSED, form=SignInForm("ana", CANARY))
    log.info(events.FORM_REFUSED, form=[SignInForm("ana", CANARY)], field={"environ": {"HTTP_COOKIE": CANARY}})
    log.info(events.FORM_REFUSED, form=Settings(), field=repr(SignInForm("ana", CANARY)))
    expect_no_canary(written, lines=5)


def test_in_an_address(written: Path) -> None:
    for path in (
        f"/x?token={CANARY}&a=1",
        f"/reset_password/{CANARY}",
        f"/confirm/{CANARY}?next=/",
        f"/?csrf_token={CANARY}",
    ):
        log.error(events.REQUEST_FAILED, path=path)
        logging.getLogger("werkzeug").info('127.0.0.1 - - "GET %s HTTP/1.1" 500 -', path)
    logging.getLogger("sqlalchemy.pool").error("cannot reach postgresql://microblog:%s@db:5432/x", CANARY)
    expect_no_canary(written, lines=9)


def test_in_an_exception(written: Path) -> None:
    password = CANARY  # a local, which is where passwords are

    def sign_in(form: SignInForm, secret: str) -> None:
        raise ValueError(f"cannot sign in {form} with token={secret!r}, Authorization: Bearer {secret}")

    try:
        sign_in(SignInForm("ana", password), CANARY)
    except ValueError:
        log.exception(events.REQUEST_FAILED)
        logging.getLogger("foreign").exception("it failed")
    expect_no_canary(written, lines=2)


@pytest.mark.parametrize("hidden", [True, False])
def test_in_what_the_database_says(written: Path, hidden: bool) -> None:
    engine = sa.create_engine("sqlite://", hide_parameters=hidden)
    bio = f"My bio\n(Background on this error at: nowhere)\n[parameters: {CANARY}\n{CANARY}"
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("UPDATE users SET about_me = :about_me"), {"about_me": bio})
    except sa.exc.OperationalError as problem:
        log.exception(events.DATABASE_UNAVAILABLE, error=problem)
        log.exception(events.DATABASE_UNAVAILABLE, error=str(problem))
        try:
            raise RuntimeError(f"could not save: {problem}") from problem
        except RuntimeError:
            log.exception(events.REQUEST_FAILED)
    engine.dispose()
    expect_no_canary(written, lines=3)


def test_in_a_warning(written: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # pytest looks for warnings in its own way
        logging.captureWarnings(capture=True)
        warnings.warn(f"password={CANARY} is weak", stacklevel=1)
    expect_no_canary(written, lines=1)
