"""The mail that sums up a day, with a clock of the test's own, a log and a real mail server."""

import pytest

from microblog.alerts.inbox.groups import Decision
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.sender import Sender
from microblog.alerts.spool import spools
from microblog.log.reference import new_reference
from tests.inbox.conftest import Log
from tests.support.alerting import settings_for
from tests.support.mailbox import free_port

DAY = 86_400
FRIDAY = 1_800_000_000.0 // DAY * DAY  # 2027-01-15, midnight in UTC


class Days:
    """A site whose sender looks when it is told to; time passes by hand."""

    def __init__(self, tmp_path, port, monkeypatch, **alerts):
        self.settings = settings_for(tmp_path, port, alerts={"daily": "08:00"} | alerts)
        self.log, self.inbox = Log(self.settings.log_dir), Inbox(self.settings)
        self.now = FRIDAY
        monkeypatch.setattr("microblog.alerts.inbox.filling.time.time", lambda: self.now)
        self.restart()

    def restart(self):
        self.sender = Sender(self.settings, spools(self.settings), clock=lambda: self.now)

    def at(self, day, hour, minute=0):
        self.now = FRIDAY + day * DAY + hour * 3600 + minute * 60
        for _ in range(3):
            self.sender._retry_at = 0.0
            self.sender.look()


@pytest.fixture
def days(tmp_path, mailbox, monkeypatch):
    return lambda **alerts: Days(tmp_path, mailbox.port, monkeypatch, **alerts)


def test_it_works(days, mailbox):
    here = days()
    here.at(0, 7)
    here.log.answered(12, at=here.now, route="/slow")
    here.log.answered(1, status=500, at=here.now, route="/slow")
    here.log.write(*[here.log.line("form.refused", at=here.now, form="profile", field="username", rule="taken")] * 3)
    old = here.log.fails("KeyError", at=here.now - 2 * DAY)
    new = here.log.fails("ValueError", at=here.now, user_id=3, route="/profile")
    here.log.fails("KeyError", at=here.now, reference=new_reference())
    back, muted = here.log.fails("TypeError", at=here.now), here.log.fails("OSError", at=here.now)
    here.inbox.decide(back, Decision("resolved", here.now - 60, "ana", "0.0.9"))
    here.inbox.decide(muted, Decision("muted", here.now - 60, "ana", "0.1.0"))
    here.at(0, 7, 59)
    assert not mailbox.mails
    here.at(0, 8)
    assert mailbox.subjects == ["[Microblog] The last day: 1 regressed, 1 new, 1 ongoing"]
    assert mailbox.mails[0]["X-Microblog-Daily"] == "regressed=1, new=1, ongoing=1"
    text = " ".join(mailbox.text().split())
    for said in (
        "In the last 24 hours: 13 requests, 1 of them failed.",
        f"×1 ValueError: no ValueError here [{new[:8]}], 1 member /profile",
        f"×1 TypeError: no TypeError here [{back[:8]}], resolved in 0.0.9 microblog/people/views.py in save",
        f"×1 KeyError: no KeyError here [{old[:8]}]",
        "Resolved or muted, and seen all the same: ×1.",
        "5 ms /slow (13 requests)",
        "3 profile username taken",
        "https://blog.example.org/admin/errors",
    ):
        assert said in text, said


def test_once_a_day_also_over_restarts(days, mailbox):
    here = days()
    here.at(0, 7)
    here.log.fails(at=here.now)
    for hour in (8, 9, 23):
        here.at(0, hour)
        here.restart()
    assert len(mailbox.mails) == 1
    here.log.fails(at=here.now)
    here.at(1, 7)
    assert len(mailbox.mails) == 1
    here.restart()
    here.at(1, 12)  # the site was down at eight
    assert len(mailbox.mails) == 2


def test_nothing_to_tell_and_a_first_start_send_nothing(days, mailbox):
    here = days()
    here.log.fails(at=FRIDAY + 8 * 3600)
    here.at(0, 9)
    assert not mailbox.mails, "the first start, an hour after eight"
    here.at(2, 9)
    assert not mailbox.mails, "nothing for a day"


def test_once_a_week_also_where_all_is_well(days, mailbox):
    here = days(weekly="monday")
    here.at(0, 9)
    here.log.answered(40, at=here.now)
    here.at(2, 9)
    assert not mailbox.mails
    here.at(3, 9)
    assert mailbox.subjects == ["[Microblog] All is well: 40 requests, 0 errors"]
    assert "This mail comes every monday" in mailbox.text()
    here.at(11, 9)  # it was down on Monday
    assert mailbox.subjects[1:] == ["[Microblog] All is well: 0 requests, 0 errors"]


def test_off(days, mailbox):
    here = days(daily="")
    here.at(0, 7)
    here.log.fails(at=here.now)
    here.at(0, 9)
    here.at(4, 9)
    assert not mailbox.mails


def test_weekly_without_daily(days, mailbox):
    here = days(daily="", weekly="saturday")
    here.at(0, 7)
    here.log.fails(at=here.now)
    here.at(0, 9)
    assert not mailbox.mails
    here.at(1, 9)
    assert mailbox.subjects == ["[Microblog] All is well: 0 requests, 0 errors"]


def test_a_server_that_is_down_delays_it(tmp_path, mailbox, monkeypatch):
    here = Days(tmp_path, free_port(), monkeypatch)
    here.at(0, 7)
    here.log.fails(at=here.now)
    here.at(0, 8)
    assert "failing_since" in spools(here.settings)[0].state()
    here.settings = settings_for(tmp_path, mailbox.port, alerts={"daily": "08:00"})
    here.restart()
    here.at(0, 8, 30)
    assert len(mailbox.mails) == 1
    assert "failing_since" not in spools(here.settings)[0].state()


def test_an_inbox_that_cannot_be_read_sends_none_and_holds_up_nothing(days, mailbox):
    here = days()
    here.at(0, 7)
    for path in here.settings.data_dir.glob("errors.sqlite3*"):
        path.unlink()
    here.inbox.path.mkdir()
    here.at(0, 9)
    assert not mailbox.mails
    assert not here.sender._daily.due(here.now)
