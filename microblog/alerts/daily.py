"""The mail that sums up a day: when it goes, and what it holds. Once a week it goes although all is well."""

import heapq
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import orjson

from microblog.alerts import daily_wording
from microblog.alerts.daily_wording import Day, Failing, Slow
from microblog.alerts.inbox.groups import OPEN
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.spool import Spool, SpoolUnusable
from microblog.config.settings import Settings
from microblog.log import plain
from microblog.log.records import timestamp
from microblog.logbook.follow import Place, lines_after

DAY, WEEK = 86_400.0, 7 * 86_400.0
MOST = 5  # routes and fields that are named
OFTEN = 10  # answers of a route that make its times worth telling
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_STATE = "daily"


@dataclass(frozen=True)
class Report:
    """A day that is worth a mail."""

    settings: Settings
    day: Day

    def message(self) -> EmailMessage:
        return daily_wording.daily(self.settings, self.day)

    @property
    def fingerprints(self) -> list[str]:
        return [one.group.fingerprint for one in self.day.failing]

    @property
    def count(self) -> int:
        return sum(one.times for one in self.day.failing)


class Daily:
    """The daily mail of a machine. The moment of the last one stands in the spool, so a restart sends none twice."""

    def __init__(self, settings: Settings, spool: Spool, inbox: Inbox) -> None:
        self._settings, self._spool, self._inbox = settings, spool, inbox
        self._told: float | None = None
        self._planned = 0.0

    def due(self, now: float) -> bool:
        """Whether the mail of the last moment that was set for one is still to come. A spool that fails says no."""
        moment = self._moment(now)
        if moment is None or (self._told is not None and moment <= self._told):
            return False
        if self._told is None:
            try:
                kept = self._spool.state().get(_STATE)
            except SpoolUnusable:
                return False
            if kept is None:
                # The first start: there is no day to tell of yet.
                self._planned = moment
                self.done()
                return False
            self._told = float(kept)
        self._planned = moment
        return moment > self._told

    def report(self, now: float) -> Report | None:
        """What happened in the last 24 hours; None where that is nothing, and it is not the day of the week."""
        self._inbox.read_on()
        weekly = self._is_weekly()
        day = gather(self._inbox, now, weekly=weekly)
        return Report(self._settings, day) if weekly or (self._settings.alerts.daily and day.failing) else None

    def done(self) -> None:
        """Not again before the next moment, also of another process; of that one only if the spool takes note."""
        self._told = self._planned
        with suppress(SpoolUnusable):
            self._spool.remember(**{_STATE: repr(self._planned)})

    def _moment(self, now: float) -> float | None:
        """The last moment before `now` that is set for a mail."""
        alerts = self._settings.alerts
        if not (alerts.daily or alerts.weekly):
            return None
        hour, minute = map(int, (alerts.daily or "08:00").split(":"))
        offset = hour * 3600 + minute * 60
        return (now - offset) // DAY * DAY + offset

    def _is_weekly(self) -> bool:
        """Whether the day of the proof of life lies between the last mail and this one."""
        wanted, moment, told = self._settings.alerts.weekly, self._planned, self._told or 0.0
        days = (moment - number * DAY for number in range(7) if moment - number * DAY > told)
        return any(_WEEKDAYS[datetime.fromtimestamp(day, UTC).weekday()] == wanted for day in days)


def gather(inbox: Inbox, now: float, *, weekly: bool) -> Day:
    """The 24 hours before `now`; for the week also how much was answered in it."""
    since = now - DAY
    groups = [group for group in inbox.groups() if group.last_seen >= since]
    hours = inbox.hours([group.fingerprint for group in groups], int(since // 3600) + 1)
    failing = [Failing(group, group.state(now), sum(hours[group.fingerprint].values())) for group in groups]
    slow, refused = _from_the_log(inbox.log, since)
    return Day(
        failing=[one for one in failing if one.state in OPEN],
        quiet=sum(one.times for one in failing if one.state not in OPEN),
        traffic=inbox.traffic(int(since // 3600) + 1),
        week=inbox.traffic(int((now - WEEK) // 3600) + 1) if weekly else None,
        slow=slow,
        refused=refused,
    )


def _from_the_log(log: Path, since: float) -> tuple[list[Slow], list[tuple[str, int]]]:
    """The slowest routes and the most refused fields since then: a few seconds a day for 200 MB of log."""
    begin = timestamp(since).encode()
    times: dict[str, array[float]] = {}
    refused: Counter[str] = Counter()
    for line, _ in lines_after(log, Place()):
        head = line[:140]
        finished = b'"event":"request.finished"' in head
        if line[14:38] < begin or not (finished or b'"event":"form.refused"' in head):
            continue
        try:
            record = orjson.loads(line)
            if finished:
                times.setdefault(plain.line(record.get("route") or "", 100), array("f")).append(float(record["ms"]))
            else:
                refused[" ".join(plain.line(record.get(key), 60) for key in ("form", "field", "rule"))] += 1
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # a torn or foreign line
    slow = [Slow(route, len(ms), sorted(ms)[len(ms) * 95 // 100]) for route, ms in times.items() if len(ms) >= OFTEN]
    return heapq.nlargest(MOST, slow, key=lambda one: one.p95), refused.most_common(MOST)
