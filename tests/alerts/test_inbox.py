"""Alerts and the inbox: muted is silent, a regression is told at once, and the inbox costs no alert."""

import time

import pytest

from microblog.alerts import handler as handlers
from microblog.alerts import outlook
from microblog.alerts.inbox.groups import Decision
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.spool import Sighting, spools
from microblog.alerts.summary import Summary
from microblog.log.reference import new_reference
from tests.alerts.test_sender import Desk
from tests.support.alerting import bug, record, settings_for
from tests.support.mailbox import wait_until


@pytest.fixture
def here(tmp_path, mailbox):
    """A desk that has told of `a` once."""
    desk = Desk(settings_for(tmp_path, mailbox.port, alerts={"first_wait": 5, "backoff": (300, 900, 3600)}))
    desk.inbox = Inbox(settings_for(tmp_path, mailbox.port))
    desk.see("a")
    desk.wait(6)
    assert len(mailbox.mails) == 1
    return desk


def test_it_works(here, mailbox):
    """Resolved, and seen again half a minute later: a mail at once, which the pace would have sent in five minutes."""
    here.inbox.decide("a", Decision("resolved", here.now, "ana", "0.1.0"))
    here.now += 30
    here.see("a", 2)
    here.wait(6)
    subject = " ".join(mailbox.subjects[1].split())  # folded on the way
    assert subject == "[Microblog] regressed, resolved in 0.1.0: 500 a at GET /a (×2)"
    assert "https://blog.example.org/admin/errors/a" in mailbox.text()

    here.see("a")
    here.wait(200, step=20)
    assert len(mailbox.mails) == 2, "from there on the pace is the usual one"
    here.wait(120, step=20)
    assert mailbox.subjects[2].startswith("[Microblog] 500 a at GET /a (×1 since ")


def test_a_regression_among_others_is_in_the_subject_too(here, mailbox):
    here.inbox.decide("a", Decision("resolved", here.now, "ana", "0.1.0"))
    here.now += 30
    here.see("a", 2)
    here.see("b")
    here.wait(6)
    assert mailbox.subjects[1] == "[Microblog] 2 different errors, 1 regressed (×3): a, b"


def test_muted_is_silent_and_for_a_time_only(here, mailbox):
    here.inbox.decide("a", Decision("muted", here.now, "ana", "0.1.0", here.now + 2000))
    for _ in range(4):
        here.see("a")
        here.wait(400, step=20)
    assert len(mailbox.mails) == 1
    here.now += 1000
    here.see("a", 3)
    here.wait(6)
    assert mailbox.counts()["a"] == 1 + 3, "what came while it was muted is not told"


def test_what_was_left_to_tell_of_something_resolved_is_not_told(here, mailbox):
    here.see("a")
    here.now += 1
    here.inbox.decide("a", Decision("resolved", here.now, "ana", "0.1.0"))
    here.wait(400, step=20)
    assert len(mailbox.mails) == 1


def test_others_are_told_as_ever(here, mailbox):
    here.inbox.decide("a", Decision("muted", here.now, "ana", "0.1.0"))
    here.see("a")
    here.see("b")
    here.wait(6)
    assert mailbox.subjects[1] == "[Microblog] 500 b at GET /b (×1)"


def test_an_inbox_that_cannot_be_read_costs_no_alert(here, mailbox):
    here.inbox.decide("a", Decision("muted", here.now, "ana", "0.1.0"))
    for path in here.inbox.path.parent.glob("errors.sqlite3*"):
        path.unlink()
    here.inbox.path.mkdir()
    here.see("a")
    here.see("b")
    here.wait(6)
    assert mailbox.counts() == {"a": 1, "b": 1}
    here.wait(300, step=20)
    assert mailbox.counts() == {"a": 2, "b": 1}


def test_the_sender_reads_the_log_on(here):
    log = here.inbox.log
    log.parent.mkdir(exist_ok=True)
    log.write_text('{"timestamp":"2026-11-21T13:39:52.015Z","level":"error","event":"database.full","logger":"x"}\n')
    here.sender._read_on_at = 0.0
    here.sender.look()
    assert [group.kind for group in here.inbox.groups()] == ["database.full"]


def test_nobody_is_said_to_be_notified_of_what_is_muted(handler, settings, mailbox):
    first = new_reference()
    handler.emit(record(bug(0), reference=first))
    assert handler.queued(first)
    assert wait_until(lambda: mailbox.mails)
    (fingerprint,) = mailbox.counts()
    Inbox(settings).decide(fingerprint, Decision("muted", time.time(), "ana", "0.1.0"))
    handler.outlook._refresh_at = 0.0
    handler.outlook.refresh(time.time())
    second, third = new_reference(), new_reference()
    handler.emit(record(bug(0), reference=second))
    handler.emit(record(bug(1), reference=third))
    assert (handler.queued(second), handler.queued(third)) == (False, True)


def test_nobody_is_said_to_be_notified_while_mail_has_failed_for_long(handler, settings):
    spools(settings)[0].remember(failing_since=time.time() - outlook.LONG - 1)
    handler.outlook.refresh(time.time())
    assert handler.outlook.trouble(time.time())
    reference = new_reference()
    handler.emit(record(bug(0), reference=reference))
    assert not handler.queued(reference)


def test_a_process_looks_around_by_itself(handler, settings, monkeypatch):
    monkeypatch.setattr(outlook, "EVERY", 0.05)
    monkeypatch.setattr(handlers, "ELECTION", 0.05)
    handler.start()
    spools(settings)[0].add({"x": Sighting(1, 0, 0, [], Summary())}, time.time())
    spools(settings)[0].remember(failing_since=123.0)
    assert wait_until(lambda: handler.outlook.failing_since == 123.0)
