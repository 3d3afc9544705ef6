"""One call that sets everything up, again and again, and takes it back."""

import json
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
import structlog

from microblog.config.settings import ROOT, Logs, Settings
from microblog.log import context, events, setup

log = structlog.get_logger("microblog.tests")


def ours() -> list[logging.Handler]:
    return [handler for handler in logging.getLogger().handlers if type(handler).__module__.startswith("microblog")]


def test_it_works(records: Any) -> None:
    context.bind(reference="K7Q2F-9M4ZX")
    log.info(events.PROFILE_SAVED, user_id=1)
    logging.getLogger("alembic.runtime").info("Running upgrade")
    logging.getLogger("alembic.runtime.plugins").info("setup plugin alembic.autogenerate.tables")
    logging.getLogger("anything.else").warning("odd")

    assert [(record["logger"], record["reference"]) for record in records()] == [
        ("microblog.tests", "K7Q2F-9M4ZX"),
        ("alembic.runtime", "K7Q2F-9M4ZX"),
        ("anything.else", "K7Q2F-9M4ZX"),
    ]
    assert context.reference() == "K7Q2F-9M4ZX"


def test_again_changes_nothing(configured: None, settings: Settings, records: Any) -> None:
    before = ours()
    setup.configure(settings, process="test")
    log.info(events.PROFILE_SAVED)

    assert ours() == before
    assert len(records()) == 1


def test_again_after_somebody_threw_the_handlers_out(configured: None, settings: Settings, records: Any) -> None:
    logging.getLogger().handlers.clear()
    setup.configure(settings, process="test")
    log.info(events.PROFILE_SAVED)

    assert len(records()) == 1


def test_other_settings_replace_the_first(configured: None, tmp_path: Path, log_file: Path) -> None:
    setup.configure(Settings(logs=Logs(directory=str(tmp_path / "elsewhere"))), process="test")
    log.info(events.PROFILE_SAVED)

    assert log_file.read_bytes() == b""
    assert len((tmp_path / "elsewhere" / setup.FILE_NAME).read_text().splitlines()) == 1


def test_close_leaves_all_as_it_was(settings: Settings) -> None:
    werkzeug, theirs = logging.getLogger("werkzeug"), logging.NullHandler()
    werkzeug.addHandler(theirs)
    werkzeug.propagate = False
    state = (logging.getLogger().handlers[:], logging.getLogger().level, structlog.is_configured())
    setup.configure(settings, process="test")
    assert werkzeug.propagate
    setup.close()

    assert (logging.getLogger().handlers, logging.getLogger().level, structlog.is_configured()) == state
    assert (werkzeug.handlers, werkzeug.propagate) == ([theirs], False)
    werkzeug.removeHandler(theirs)
    werkzeug.propagate = True


def test_another_application_keeps_its_logging(configured: None, records: Any) -> None:
    seen: list[str] = []

    class Theirs(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    theirs = logging.getLogger("theirs")
    theirs.addHandler(handler := Theirs())
    theirs.info("quiet")
    theirs.warning("loud")
    theirs.removeHandler(handler)

    assert logging.getLogger().level == logging.WARNING
    assert seen == ["loud"]
    assert [record["event"] for record in records()] == ["loud"]


def test_another_handler_sees_no_secret(configured: None, ours_alone: Any) -> None:
    seen: list[str] = []

    class Theirs(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(self.format(record))

    logging.getLogger().addHandler(handler := Theirs())
    log.info(events.PROFILE_SAVED, password="canary", broken=type("X", (), {"__repr__": lambda self: 1 / 0})())
    logging.getLogger().removeHandler(handler)

    assert "canary" not in seen[0]
    assert json.loads(seen[0])["event"] == "profile.saved"


def test_the_level_is_kept(tmp_path: Path) -> None:
    settings = Settings(logs=Logs(directory=str(tmp_path), level="warning"))
    setup.configure(settings, process="test")
    log.info(events.PROFILE_SAVED)
    log.warning(events.SIGN_IN_FAILED)
    setup.close()

    lines = (tmp_path / setup.FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["sign_in.failed"]


def test_warnings_are_records(configured: None, records: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # pytest looks for warnings in its own way
        logging.captureWarnings(capture=True)
        warnings.warn("this is going away", DeprecationWarning, stacklevel=1)

    (record,) = records()
    assert record["logger"] == "py.warnings"
    assert "this is going away" in record["event"]


def test_threads_do_not_share_their_context(configured: None, records: Any) -> None:
    def other() -> None:
        log.info(events.PROFILE_SAVED)

    context.bind(reference="K7Q2F-9M4ZX")
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    context.clear()
    log.info(events.PROFILE_SAVED)

    assert not any("reference" in record for record in records())


def test_capture_logs_sees_events(configured: None) -> None:
    log.info(events.PROFILE_SAVED)  # a logger that was used before must not have kept the chain of then
    with structlog.testing.capture_logs() as seen:
        log.info(events.PROFILE_SAVED)

    assert seen[0]["event"] == "profile.saved"


PIN = """
import logging, sys
from microblog.config.settings import Logs, Settings
from microblog.log import setup
setup.configure(Settings(logs=Logs(directory=sys.argv[1], console=sys.argv[2])))
from werkzeug.debug import DebuggedApplication
from werkzeug._internal import _log
_log("info", " * Debugger PIN: %s", "123-456-789")
_log("info", " * Debugger is active!")
logging.getLogger("microblog.x").info("hello")
"""


@pytest.mark.process
@pytest.mark.parametrize("console", ["auto", "off", "on"])
def test_the_pin_is_told_once_and_never_in_the_file(tmp_path: Path, console: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PIN, str(tmp_path), console], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stderr.count("123-456-789") == 1
    text = (tmp_path / setup.FILE_NAME).read_text()
    assert "PIN" not in text
    assert "Debugger is active" in text
    assert ("hello" in done.stderr) == (console == "on")


GUNICORN = """
import sys
from gunicorn.config import Config
from microblog.config.settings import Logs, Settings
from microblog.log import setup
from microblog.serving.worker import Logger
setup.configure(Settings(logs=Logs(directory=sys.argv[1])))
logger = Logger(Config())
logger.warning("Starting gunicorn %s", "27")
logger.setup(logger.cfg)
logger.error("Worker (pid:%s) was sent SIGKILL!", 17)
"""


@pytest.mark.process
def test_gunicorn_speaks_through_the_same_file_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GUNICORN, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    records = [json.loads(line) for line in (tmp_path / setup.FILE_NAME).read_text().splitlines()]
    assert [(record["logger"], record["level"]) for record in records] == [
        ("gunicorn.error", "warning"),
        ("gunicorn.error", "error"),
    ]
    assert done.stderr == ""


class Exploding(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.msg["event"])  # type: ignore[call-overload]
        log.error(events.ALERT_FAILED, error="said from inside")
        raise RuntimeError("a bug in the mail")


def test_a_bug_behind_the_file_is_one_line_and_no_recursion(settings: Settings, log_file: Path) -> None:
    exploding = Exploding()
    setup.configure(settings, process="test", alert_handler=exploding)
    log.error(events.REQUEST_FAILED)
    log.info(events.PROFILE_SAVED)
    setup.close()

    found = [json.loads(line) for line in log_file.read_text().splitlines()]
    assert [(record["event"], record.get("error")) for record in found] == [
        ("request.failed", None),
        ("alert.failed", "said from inside"),
        ("alert.failed", "RuntimeError in Exploding"),
        ("profile.saved", None),
    ]
    assert exploding.seen == ["request.failed"]
