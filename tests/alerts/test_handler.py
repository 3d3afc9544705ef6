"""The handler itself: what it takes, what it leaves, and what it costs."""

import logging
import threading
from pathlib import Path

import pytest

from microblog.alerts import handler as alerts
from microblog.alerts import spool
from microblog.log.reference import new_reference
from tests.support.alerting import bug, handler_for, raised, record, settings_for, with_mail
from tests.support.mailbox import wait_until


def pending(settings):
    return {group.example.name: group.pending for group in spool.spools(settings)[0].waiting()}


def test_it_works(handler, mailbox):
    reference = new_reference()
    error = raised(ZeroDivisionError("division by zero"))
    handler.emit(
        record(
            error,
            method="POST",
            route="/edit_profile",
            path="/edit_profile",
            status=500,
            user_id=17,
            reference=reference,
        )
    )
    assert handler.queued(reference)
    assert wait_until(lambda: mailbox.mails)

    (mail,) = mailbox.mails
    assert mail["Subject"] == "[Microblog] 500 ZeroDivisionError at POST /edit_profile (×1)"
    assert mail["From"] == "Microblog <microblog@blog.example.org>"
    assert mail["To"] == "ana@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@blog.example.org>")
    for said in (mailbox.text(), mailbox.html()):
        assert f"python3 manage.py logs show {reference}" in said
        assert "POST /edit_profile" in said
        assert "17" in said
        assert "0.1.0" in said
        assert "division by zero" in said
        assert "in raised" in said


def test_an_exception_from_anybodys_logger(handler, mailbox):
    logger = logging.getLogger("somebody.elses")
    logger.addHandler(handler)
    try:
        logger.error("Nothing for %s", "warnings below")
        logger.warning("not this")
        try:
            1 // 0  # noqa: B018
        except ZeroDivisionError:
            logger.exception("And %d more", 1)
    finally:
        logger.removeHandler(handler)
    assert wait_until(lambda: mailbox.mails)
    assert "ERROR Nothing for warnings below" in mailbox.text()
    assert "ZeroDivisionError" in mailbox.text()
    assert "ZeroDivisionError: And 1 more (×1)" in mailbox.text()
    assert mailbox.counts().total() == 2


@pytest.mark.parametrize("given", [True, "tuple", "exception"])
def test_every_form_of_exc_info(handler, mailbox, given):
    try:
        raise LookupError("here")
    except LookupError as error:
        forms = {"tuple": (type(error), error, error.__traceback__), "exception": error}
        handler.emit(record(exc_info=forms.get(given, given)))
    assert wait_until(lambda: mailbox.mails)
    assert "LookupError: here" in mailbox.text()


@pytest.mark.parametrize("info", [None, (None, None, None), (), "text", 0, object()])
def test_an_exc_info_that_is_none_is_no_trouble(handler, mailbox, info):
    handler.emit(record(event="database.corrupt", level=logging.CRITICAL, exc_info=info))
    assert wait_until(lambda: mailbox.mails)
    assert mailbox.subjects == ["[Microblog] CRITICAL database.corrupt (×1)"]


def test_a_wrong_call_of_a_foreign_logger(handler, mailbox):
    handler.emit(logging.LogRecord("other", logging.ERROR, "x.py", 1, "two %s %s", ("one",), None))
    assert wait_until(lambda: mailbox.mails)
    assert "two %s %s" in mailbox.subjects[0]


def test_the_canonical_line_of_a_failed_request_is_no_second_alert(handler, mailbox, settings):
    handler.emit(record(event="request.finished", status=500))
    handler.flush()
    assert pending(settings) == {}


def test_numbers_in_a_message_make_no_other_error(handler, settings):
    for number in range(50):
        handler.emit(
            logging.LogRecord("pool", logging.ERROR, "x.py", 1, f"connection {number} at 0x{number:x} lost", (), None)
        )
    handler.flush()
    assert list(pending(settings).values()) == [50]


def test_secrets_stay_here(handler, mailbox):
    canaries = {"password": "canary-1", "X-CSRF-Token": "canary-2", "session_cookie": "canary-3"}
    error = raised(
        ValueError("at postgresql://blog:canary-4@db/blog with token='canary-5'\nCookie: a=canary-6; b=canary-7")
    )
    handler.emit(record(error, route="/reset/<token>", path="/reset/canary-8?password=canary-9", **canaries))
    handler.emit(record(event="job.failed", path="/x?key=canary-10"))
    assert wait_until(lambda: mailbox.mails)
    assert "canary" not in mailbox.text() + mailbox.html() + mailbox.subjects[0]
    assert "[redacted]" in mailbox.text()


def test_no_variable_of_a_frame_is_told(handler, mailbox):
    def sign_in(password):
        raise RuntimeError("no")

    try:
        sign_in("canary" + "-local")
    except RuntimeError as error:
        handler.emit(record(error))
    assert wait_until(lambda: mailbox.mails)
    assert "sign_in" in mailbox.text()
    assert "canary-local" not in mailbox.text()


def test_too_many_different_errors_are_counted_together(handler, settings, monkeypatch):
    monkeypatch.setattr(alerts, "MAX_ERRORS", 10)
    monkeypatch.setattr(handler, "_wake", lambda: None)
    for number in range(100):
        handler.emit(record(event=f"made.{'x' * number}"))
    handler.flush()
    groups = spool.spools(settings)[0].waiting()
    assert sum(group.total for group in groups) == 100
    assert len(groups) <= 11


def test_many_threads_are_counted_exactly(handler, settings):
    def work():
        for _ in range(500):
            handler.emit(record(bug(2)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.flush()
    with spool.spools(settings)[0]._connected(1) as db:
        assert db.execute("SELECT total FROM groups").fetchall() == [(4000,)]


def test_off_means_nothing_at_all(tmp_path):
    settings = with_mail(settings_for(tmp_path, 1), admins=())
    with handler_for(settings) as handler:
        handler.start()
        handler.emit(record(bug(0), reference="K7Q2F-9M4ZX"))
        handler.flush()
        assert not handler.queued("K7Q2F-9M4ZX")
    assert not settings.data_dir.exists()


def test_a_spool_on_a_full_disk_is_told_from_another_place(tmp_path, mailbox):
    """The data directory cannot be written; what happens there is exactly what has to be told."""
    settings = settings_for(tmp_path, mailbox.port)
    settings.data_dir.parent.mkdir(exist_ok=True)
    settings.data_dir.write_text("a file where the directory should be")
    with handler_for(settings) as handler:
        handler.emit(record(event="database.full", level=logging.CRITICAL))
        assert wait_until(lambda: mailbox.mails)
        assert mailbox.subjects == ["[Microblog] CRITICAL database.full (×1)"]
        settings.data_dir.unlink()
        handler.emit(record(bug(0)))
        assert wait_until(lambda: len(mailbox.mails) == 2)
    assert (settings.data_dir / "alerts.sqlite3").exists()


def test_references_are_forgotten_in_order(handler, monkeypatch):
    monkeypatch.setattr(alerts, "MAX_ACCEPTED", 3)
    references = [new_reference() for _ in range(5)]
    for reference in references:
        handler.emit(record(bug(0), reference=reference))
    assert [handler.queued(reference) for reference in references] == [False, False, True, True, True]


def test_the_spool_is_nobody_elses_business(handler, settings):
    handler.emit(record(bug(0)))
    handler.flush()
    assert (settings.data_dir / "alerts.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_closed_handler_leaves_no_thread_and_no_file(settings):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with handler_for(settings) as handler:
        handler.emit(record(bug(0)))
        assert wait_until(lambda: any(t.name == "alerts-sender" for t in threading.enumerate()))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("alerts")]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_logging_shutdown_writes_what_is_left(settings):
    with handler_for(settings) as handler:
        handler._wake = lambda: None
        handler.emit(record(bug(0)))
        logging.shutdown()
    assert pending(settings) == {"ZeroDivisionError": 1}
