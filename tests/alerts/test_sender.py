"""When mails go, with a clock of the test's own and a real mail server."""

import pytest

from microblog.alerts import sender
from microblog.alerts.seat import Seat
from microblog.alerts.sender import Sender, retry_after
from microblog.alerts.spool import Sighting, spools
from microblog.alerts.summary import Summary
from tests.support.alerting import settings_for
from tests.support.mailbox import free_port

START = 1_800_000_000.0


class Desk:
    """A sender, its spool, and the time."""

    def __init__(self, settings):
        self.now = START
        self.spool = spools(settings)[0]
        self.sender = Sender(settings, [self.spool], clock=lambda: self.now)

    def see(self, name, count=1):
        example = Summary(at=self.now, event=name, method="GET", route=f"/{name}", status="500")
        self.spool.add({name: Sighting(count, self.now, self.now, [], example)}, self.now)

    def wait(self, seconds, step=1.0):
        """Let time pass, looking as often as the sender itself would."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self.sender.look()


@pytest.fixture
def desk(tmp_path, mailbox):
    def make(**alerts):
        values = {"first_wait": 5, "backoff": (300, 900, 3600)} | alerts
        return Desk(settings_for(tmp_path, mailbox.port, alerts=values))

    return make


def test_it_works(desk, mailbox):
    here = desk()
    here.see("a", 3)
    here.wait(4)
    assert not mailbox.mails
    here.wait(2)
    assert mailbox.subjects == ["[Microblog] 500 a at GET /a (×3)"]


@pytest.mark.slow
def test_the_steps_of_the_back_off(desk, mailbox):
    here = desk()
    gaps = []
    here.see("a")
    last = here.now
    for _ in range(600):
        here.see("a")
        here.wait(20, step=5)
        if len(mailbox.mails) > len(gaps):
            gaps.append(here.now - last)
            last = here.now
    assert gaps == pytest.approx([10, 300, 900] + [3600] * (len(gaps) - 3), abs=25)
    assert len(gaps) >= 5
    assert mailbox.counts()["a"] == 601 - here.spool.waiting()[0].pending


def test_later_mails_say_how_many_since_when(desk, mailbox):
    here = desk()
    here.see("a", 2)
    here.wait(6)
    here.see("a", 17)
    here.wait(301)
    assert mailbox.subjects[1] == "[Microblog] 500 a at GET /a (×17 since 08:00)"
    assert "17 times since the last mail about it at 08:00 UTC, 19 times in all" in mailbox.text()
    assert mailbox.mails[0]["References"] == mailbox.mails[1]["References"]


def test_an_error_that_comes_again_after_its_step_is_told_soon(desk, mailbox):
    here = desk()
    here.see("a")
    here.wait(6)
    here.wait(400, step=100)
    here.see("a")
    here.wait(6)
    assert len(mailbox.mails) == 2


def test_after_a_long_silence_it_is_news(desk, mailbox):
    here = desk()
    for _ in range(3):
        here.see("a")
        here.wait(1000, step=10)
    here.now += 10_000  # longer than the longest step
    here.see("a")
    here.wait(6)
    assert "since" not in mailbox.subjects[-1]


def test_what_is_due_together_goes_together(desk, mailbox):
    here = desk()
    for name in "abcde":
        here.see(name, 2)
        here.now += 0.9
    here.wait(2)
    assert mailbox.subjects == ["[Microblog] 5 different errors (×10): a, b, c, d, e"]


def test_the_cap_and_the_digest(desk, mailbox):
    here = desk(hourly_cap=3, digest=1800)
    for number in range(10):
        here.see(f"bug{number}")
        here.wait(20)
    assert len(mailbox.mails) == 3
    here.wait(1500, step=10)
    assert len(mailbox.mails) == 3
    here.wait(200, step=10)
    assert len(mailbox.mails) == 4
    assert "7 different errors" in mailbox.subjects[3]
    assert "alerts.hourly_cap" in mailbox.text()
    assert mailbox.counts().total() == 10


def test_the_cap_is_for_an_hour(desk, mailbox):
    here = desk(hourly_cap=2, digest=1800)
    for number in range(2):
        here.see(f"bug{number}")
        here.wait(20)
    here.now += 3600
    here.see("later")
    here.wait(6)
    assert len(mailbox.mails) == 3
    assert "alerts.hourly_cap" not in mailbox.text()


@pytest.mark.parametrize("jump", [-86_400, -3600, 86_400])
def test_a_clock_that_jumps_a_day_delays_nothing(desk, mailbox, jump):
    here = desk()
    here.see("a")
    here.now += jump
    here.wait(10)
    assert len(mailbox.mails) == 1
    here.see("b")
    here.wait(10)
    assert len(mailbox.mails) == 2


def test_what_comes_while_a_mail_is_under_way_is_not_told_by_it(desk, mailbox, monkeypatch):
    here = desk()
    here.see("a", 2)
    real = sender.alert

    def slow(settings, groups, **options):
        here.see("a", 5)
        return real(settings, groups, **options)

    monkeypatch.setattr(sender, "alert", slow)
    here.wait(6)
    monkeypatch.undo()
    assert mailbox.counts()["a"] == 2
    here.wait(310)
    assert mailbox.counts()["a"] == 7


def test_many_errors_in_one_mail_stay_readable(desk, mailbox):
    here = desk()
    for number in range(300):
        here.see(f"bug{number}")
    here.wait(6)
    assert len(mailbox.mails) == 1
    assert all(f"500 bug{number} at GET /bug{number} (×1)" in mailbox.text() for number in range(300))
    assert len(mailbox.raw[0]) < 500_000


def test_trouble_is_retried_soon_and_then_less(desk):
    early = [retry_after(attempt, 60, permanent=False) for attempt in range(1, 40)]
    assert early[0] < 3
    assert max(early) <= 30  # so that recovery is noticed within half a minute
    assert 280 > retry_after(100, 700, permanent=False) > 25
    late = [retry_after(attempt, 86_400, permanent=False) for attempt in (1000, 10_000)]
    assert all(200 < wait <= 360 for wait in late)
    assert min(retry_after(1, 0, permanent=True) for _ in range(20)) >= 20


def test_what_cannot_be_noted_is_not_told_twice(desk, mailbox, monkeypatch):
    """The mail was accepted, then the disk is full: the next look must not send it again."""
    here = desk()
    here.see("a")
    real = here.spool.mailed
    full = True

    def mailed(*arguments, **options):
        if full:
            raise sender.SpoolUnusable("no room")
        real(*arguments, **options)

    monkeypatch.setattr(here.spool, "mailed", mailed)
    here.wait(60)
    assert len(mailbox.mails) == 1
    full = False
    here.wait(60)
    assert len(mailbox.mails) == 1
    assert here.spool.waiting() == []


def test_a_spool_that_cannot_be_written_sends_nothing_and_holds_up_no_other(tmp_path, mailbox, monkeypatch):
    settings = settings_for(tmp_path, mailbox.port, alerts={"first_wait": 0})
    first, second, _ = spools(settings)
    for spool, name in ((first, "first"), (second, "second")):
        spool.add({name: Sighting(1, START, START, [], Summary(event=name))}, START)

    def full(**values):
        raise sender.SpoolUnusable("no room")

    monkeypatch.setattr(first, "remember", full)
    here = Sender(settings, [first, second], clock=lambda: START + 1)
    here.look()
    assert "second" in mailbox.text()
    assert list(mailbox.counts()) == ["second"]
    with pytest.raises(sender.SpoolUnusable):
        here.look()
    assert len(mailbox.mails) == 1


def test_only_one_seat(tmp_path):
    first, second = (Seat(spools(settings_for(tmp_path, 1))) for _ in range(2))
    assert first.take()
    assert not second.take()
    first.leave()
    assert second.take()
    (tmp_path / "data" / "alerts.sender.lock").unlink()  # somebody emptied the directory
    assert second.take()
    assert not first.take()
    assert second.take()
    second.leave()
    first.leave()


def test_a_better_seat_is_taken_when_it_is_to_be_had(tmp_path):
    """Without the data directory the seat is elsewhere; with it back there are never two senders for long."""
    first, second = (Seat(spools(settings_for(tmp_path, 1))) for _ in range(2))
    (tmp_path / "data").write_text("in the way")
    assert first.take()
    assert not second.take()
    (tmp_path / "data").unlink()
    assert second.take()
    assert not first.take()
    second.leave()
    assert first.take()
    first.leave()


def test_nothing_is_lost_while_nobody_answers(tmp_path, desk, mailbox):
    here = Desk(settings_for(tmp_path, free_port(), alerts={"first_wait": 5}))
    here.see("a", 4)
    here.wait(10)
    assert [group.pending for group in here.spool.waiting()] == [4]
    assert here.spool.state()["last_error"].startswith("connect: ")
