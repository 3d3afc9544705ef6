"""What the daily mail says."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from microblog.alerts.inbox.groups import Group, State
from microblog.alerts.message import compose, is_address
from microblog.alerts.wording import tag_of, version
from microblog.config.settings import Settings

SHOWN = 20  # failures of one state that are named


@dataclass(frozen=True)
class Failing:
    """One failure, and how often it was seen within the day."""

    group: Group
    state: State
    times: int


@dataclass(frozen=True)
class Slow:
    """A route, how often it was answered, and the milliseconds that 95 of 100 answers did not take longer than."""

    route: str
    count: int
    p95: float


@dataclass(frozen=True)
class Day:
    """24 hours. `traffic` and `week` are requests and those of them that failed; `quiet` counts muted and resolved."""

    failing: list[Failing]
    quiet: int
    traffic: tuple[int, int]
    week: tuple[int, int] | None
    slow: list[Slow]
    refused: list[tuple[str, int]]

    def of(self, state: State) -> list[Failing]:
        """The failures in one state, the most frequent first."""
        return sorted((one for one in self.failing if one.state == state), key=lambda one: -one.times)


def daily(settings: Settings, day: Day) -> EmailMessage:
    """The mail. Plain text: it is read on a phone at breakfast."""
    admins = [address for address in settings.administrators if is_address(address)]
    numbers = {state: len(day.of(state)) for state in ("regressed", "new", "ongoing")}
    headers = {"X-Microblog-Daily": ", ".join(f"{state}={number}" for state, number in numbers.items())}
    subject = f"[{tag_of(settings)}] {_subject(day, numbers)}"
    return compose(settings, admins, subject, "\n\n".join(_paragraphs(settings, day)) + "\n", None, headers)


def _subject(day: Day, numbers: dict[str, int]) -> str:
    if day.failing:
        return "The last day: " + ", ".join(f"{number} {state}" for state, number in numbers.items() if number)
    requests, failed = day.week or day.traffic
    if failed:
        return f"The week: {requests:,} requests, {failed:,} errors"
    return f"All is well: {requests:,} requests, 0 errors"


def _paragraphs(settings: Settings, day: Day) -> Iterator[str]:
    yield _answered("In the last 24 hours", day.traffic)
    if day.week is not None:
        proof = f"This mail comes every {settings.alerts.weekly}, so that silence is never taken for health."
        yield f"{_answered('In the last 7 days', day.week)}\n{proof}"
    for state, heading in (
        ("regressed", "Came back after it was resolved"),
        ("new", "New"),
        ("ongoing", "Still there"),
    ):
        if found := day.of(state):  # type: ignore[arg-type]
            more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
            yield "\n".join([f"{heading}:", *(_line(one) for one in found[:SHOWN]), *more])
    if day.quiet:
        yield f"Resolved or muted, and seen all the same: ×{day.quiet:,}."
    if day.slow:
        rows = (f"  {one.p95:>8,.0f} ms  {one.route or '(no route)'}  ({one.count:,} requests)" for one in day.slow)
        yield "\n".join(["Slowest routes, 95 of 100 answers within:", *rows])
    if day.refused:
        rows = (f"  {count:>8,}  {what}" for what, count in day.refused)
        yield "\n".join(["Most refused fields:", *rows])
    yield f"{settings.site.url}/admin/errors\nMicroblog {version()}, {settings.site.environment}"


def _answered(when: str, traffic: tuple[int, int]) -> str:
    requests, failed = traffic
    return f"{when}: {requests:,} requests, {failed:,} of them failed."


def _line(one: Failing) -> str:
    group = one.group
    people = f", {group.affected} {'member' if group.people == 1 else 'members'}" if group.people else ""
    resolved = f", resolved in {group.decision.release}" if one.state == "regressed" else ""
    where = f"\n          {', '.join(group.routes[:3]) or group.place}"
    return f"  {f'×{one.times:,}':>6}  {group.title} [{group.fingerprint[:8]}]{resolved}{people}{where}"
