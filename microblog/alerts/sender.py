"""Who sends the alerts, and when: one thread on one process of the machine, elected by a file lock.

The lock goes with its process, whatever way that ends, and the next one to look takes over. Every count stays in the
spool until a server has accepted the mail that tells it, so a mail may come twice (when the process dies in between)
but never not at all.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial

from microblog.alerts import notes
from microblog.alerts.daily import Daily
from microblog.alerts.decided import sorted_out
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.message import site_domain
from microblog.alerts.notes import Troubles
from microblog.alerts.pace import Pace
from microblog.alerts.smtp import Delivery, NotDelivered, Receipt
from microblog.alerts.spool import Group, Spool, SpoolUnusable
from microblog.alerts.wording import alert
from microblog.config.settings import Settings

POLL = 1.0  # seconds between two looks at the spool: other processes add to it without telling
READ_ON = 60.0  # seconds between two looks into the log, for the inbox; five pieces of it at most
PATIENT = 600.0  # seconds of trouble after which it is retried less and less often
EAGER, SLOW = 25.0, 300.0  # seconds between attempts at most, before and after; with jitter of a fifth


class Sender:
    """Looks into the spools and sends what is due. All methods but `stop` and `abort` belong to one thread."""

    def __init__(self, settings: Settings, spools: Sequence[Spool], *, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self._settings = settings
        self._spools = spools
        self._troubles = Troubles()
        self._clock = clock
        self._pace = Pace.of(settings.alerts)
        self._stopped = threading.Event()
        self._delivery: Delivery | None = None
        self._attempts = 0
        self._began = 0.0  # time.monotonic() of the first of them
        self._failing_since: float | None = None
        self._retry_at = 0.0  # time.monotonic()
        self._brief = False
        self._untold: dict[Spool, Callable[[], None]] = {}
        self._inbox = Inbox(settings)
        self._read_on_at = time.monotonic() + READ_ON / 6  # not while everything starts
        self._daily = Daily(settings, spools[0], self._inbox)

    def run(self) -> None:
        """Send until `stop`. Never raises."""
        with contextlib.suppress(SpoolUnusable, ValueError):
            kept = self._spools[0].state().get("failing_since")  # by the sender before us
            self._failing_since = float(kept) if kept else None
        while not self._stopped.is_set():
            try:
                wait = self.look()
            except SpoolUnusable as error:
                self._troubles.report("spool", error)
                wait = 5.0
            except Exception as error:  # noqa: BLE001 - a bug here must not end the alerts for good
                self._troubles.report("sender", error)
                wait = 30.0
            self._stopped.wait(wait)

    def stop(self) -> None:
        """End `run` after the delivery that is under way."""
        self._stopped.set()

    def abort(self) -> None:
        """End `run` now. What the delivery under way would have told stays in the spool."""
        self._stopped.set()
        delivery = self._delivery
        if delivery is not None:
            delivery.abort()

    def look(self) -> float:
        """Send what is due now, in one mail. Returns the seconds until the next look. Raises SpoolUnusable."""
        now = self._clock()
        self._note_untold()
        self._keep_the_inbox()
        waiting = {spool: groups for spool in self._spools if (groups := self._open(spool, self._waiting(spool), now))}
        moments = [self._due(group, now) for groups in waiting.values() for group in groups]
        if self._retry_at > time.monotonic():
            return min(POLL, self._retry_at - time.monotonic())
        if moments and min(moments) <= now:
            self._tell(waiting, now)
            return 0.05
        if self._daily.due(now):
            self._tell_the_day(now)
            return 0.05
        return min([POLL, *(moment - now for moment in moments)])

    def _note_untold(self) -> None:
        for spool, note in list(self._untold.items()):
            try:
                note()
            except SpoolUnusable as error:
                self._troubles.report("spool", error)
            else:
                del self._untold[spool]

    def _waiting(self, spool: Spool) -> list[Group]:
        if spool in self._untold:  # a mail was accepted, the disk did not take note: it would be told again
            return []
        try:
            return spool.waiting()
        except SpoolUnusable as error:
            # One of several places is out of order; the others still tell.
            self._troubles.report("spool", error)
            return []

    def _keep_the_inbox(self) -> None:
        """Read the log on for the inbox. Its troubles are its own: no alert waits for it."""
        if time.monotonic() < self._read_on_at:
            return
        self._read_on_at = time.monotonic() + READ_ON
        try:
            if self._inbox.read_on(5):
                self._read_on_at = time.monotonic() + POLL  # there may be more
        except Exception as error:  # noqa: BLE001 - whatever it is, the mails go on
            self._troubles.report("inbox", error)

    def _open(self, spool: Spool, groups: list[Group], now: float) -> list[Group]:
        """`groups` as the inbox sees them; where that cannot be read, as if nothing had been decided."""
        if not groups:
            return groups
        try:
            decisions = self._inbox.decisions()
        except Exception as error:  # noqa: BLE001 - whatever it is, the mails go on
            self._troubles.report("inbox", error)
            return groups
        told, quiet = sorted_out(groups, decisions, now, self._pace.first_wait)
        if quiet:
            spool.silence(quiet)
        return told

    def _due(self, group: Group, now: float) -> float:
        return self._pace.sane(group.due, now, group.stage, deferred=group.deferred)

    def _tell(self, waiting: dict[Spool, list[Group]], now: float) -> None:
        # What becomes due a moment later goes along: five bugs of one deployment are one mail.
        due = {
            spool: chosen
            for spool, groups in waiting.items()
            if (chosen := [group for group in groups if self._due(group, now) <= now + self._pace.first_wait])
        }
        # A digest is due when something that was put off for it is; it does not count against the cap.
        cap = self._settings.alerts.hourly_cap
        digest = sum(spool.mails_between(now - 3600, now) for spool in due) >= cap
        if digest and not any(g.deferred and self._due(g, now) <= now for groups in due.values() for g in groups):
            self._put_off(waiting, due, now)
            return
        # A write that must succeed before anything is sent: a spool that cannot note what was told stays silent.
        for spool in list(due):
            try:
                spool.remember(attempted_at=now)
            except SpoolUnusable:
                if len(due) == 1:
                    raise
                del due[spool]
        groups = [group for chosen in due.values() for group in chosen]
        started = time.monotonic()
        try:
            receipt = self._deliver(partial(self._compose, groups, digest=digest))
        except NotDelivered as problem:
            self._failed(problem, groups, now)
            return
        self._accepted(due, now, digest=digest)
        notes.sent(
            fingerprints=[group.fingerprint for group in groups[:20]],
            count=sum(group.pending for group in groups),
            recipients=len(receipt.accepted),
            ms=(time.monotonic() - started) * 1000,
            reason="digest" if digest else "alert",
        )
        for address, answer in receipt.refused.items():
            notes.failed("recipient", f"{address}: {answer}")

    def _put_off(self, waiting: dict[Spool, list[Group]], due: dict[Spool, list[Group]], now: float) -> None:
        """Over the cap: everything due joins the digest that is already planned, or plans one."""
        planned = [group.due for groups in waiting.values() for group in groups if group.deferred and group.due > now]
        until = min([*planned, now + self._pace.digest])
        for spool, groups in due.items():
            spool.defer(groups, until)

    def _compose(self, groups: list[Group], *, digest: bool) -> EmailMessage:
        return alert(self._settings, groups, digest=digest, outage=self._outage(), brief=self._brief)

    def _tell_the_day(self, now: float) -> None:
        """The daily mail, where there is something to tell; then not again until tomorrow."""
        try:
            report = self._daily.report(now)
        except Exception as error:  # noqa: BLE001 - an inbox or a log that cannot be read: no mail today, alerts go on
            self._troubles.report("daily", error)
            report = None
        if report is None:
            self._daily.done()
            return
        started = time.monotonic()
        try:
            receipt = self._deliver(report.message)
        except NotDelivered as problem:
            self._failed(problem, [], now)
            return
        self._daily.done()
        with contextlib.suppress(SpoolUnusable):
            self._spools[0].remember(failing_since=None, last_error=None, attempts=None, last_sent=now)
        self._attempts, self._failing_since, self._retry_at = 0, None, 0.0
        ms, recipients = (time.monotonic() - started) * 1000, len(receipt.accepted)
        notes.sent(
            fingerprints=report.fingerprints[:20], count=report.count, recipients=recipients, ms=ms, reason="daily"
        )

    def _deliver(self, compose: Callable[[], EmailMessage]) -> Receipt:
        if self._stopped.is_set():
            raise NotDelivered("connect", "stopped")
        try:
            message = compose()
            self._delivery = Delivery(self._settings.mail, hello=site_domain(self._settings))
        except Exception as error:
            raise NotDelivered("compose", f"{type(error).__name__}: {error}") from error
        try:
            if self._stopped.is_set():  # stop() may have looked just before there was something to abort
                raise NotDelivered("connect", "stopped")
            return self._delivery.send(message)
        finally:
            self._delivery = None

    def _accepted(self, due: dict[Spool, list[Group]], now: float, *, digest: bool) -> None:
        for number, (spool, chosen) in enumerate(due.items()):
            # In a second spool it is written down as a digest: one mail counts once against the cap.
            note = partial(spool.mailed, chosen, now, digest=digest or number > 0)
            try:
                note()
            except SpoolUnusable:
                self._untold[spool] = note
        self._attempts, self._failing_since, self._retry_at, self._brief = 0, None, 0.0, False

    def _failed(self, problem: NotDelivered, groups: list[Group], now: float) -> None:
        if self._stopped.is_set():
            return  # broken off by us; the next sender tries at once
        if not self._attempts:
            self._began = time.monotonic()
        self._attempts += 1
        if self._failing_since is None:
            self._failing_since = now
        # Too large, or something in it that a filter dislikes: the next attempt says only the least.
        self._brief = self._brief or (problem.permanent and problem.step == "message")
        wait = retry_after(self._attempts, time.monotonic() - self._began, permanent=problem.permanent)
        self._retry_at = time.monotonic() + wait
        notes.failed(
            problem.step,
            problem.problem,
            code=problem.code or None,
            attempt=self._attempts,
            retry_in=round(wait, 1),
            queued=sum(group.pending for group in groups),
        )
        with contextlib.suppress(SpoolUnusable):
            self._spools[0].remember(
                failing_since=self._failing_since,
                last_error=f"{problem.step}: {problem.problem}",
                attempts=self._attempts,
            )

    def _outage(self) -> str:
        if self._failing_since is None:
            return ""
        since = f"{datetime.fromtimestamp(self._failing_since, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"This comes late: since {since} no mail could be delivered. Nothing that happened meanwhile is missing."


def retry_after(attempts: int, failing_for: float, *, permanent: bool) -> float:
    """Seconds until the next attempt: 2, 4, 8 … at most 30 in the first ten minutes, then doubling up to six minutes.

    A refusal that names a mistake (a wrong password) starts slow: many servers lock an account after a few attempts.
    """
    if failing_for < PATIENT:
        wait = EAGER if permanent else min(2.0 ** min(attempts, 10), EAGER)
    else:
        wait = min(EAGER * 2 ** min((failing_for - PATIENT) / PATIENT + 1, 10), SLOW)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, so that many sites do not knock together
