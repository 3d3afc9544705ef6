"""What happened to one request, and around it: gathered from the log alone, for a shell or a page to tell.

Nothing here asks the database; a person is a number, or an address where nobody was signed in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from microblog.logbook.conditions import Condition
from microblog.logbook.moments import shifted
from microblog.logbook.query import Query, find
from microblog.logbook.reader import Search

AROUND = 120.0  # seconds before and after
RETRIED = 600.0  # seconds within which somebody tries again
TOLD = 86_400.0  # seconds after which no mail is still about this: the longest usual wait of alerts.backoff
LINES = 20  # of what the same person did around it


@dataclass
class Story:
    """The records of one request, and what else the log knows."""

    reference: str
    records: list[dict[str, Any]]
    finished: dict[str, Any] = field(default_factory=dict)
    """The one line of the request; empty where it never ended, or the line is lost."""
    failed: dict[str, Any] = field(default_factory=dict)
    """The first record with an exception."""
    alert: dict[str, Any] | None = None
    """The mail about it."""
    around: list[dict[str, Any]] = field(default_factory=list)
    """The same person's other requests, in order of time; at most LINES."""
    more_around: int = 0
    retry: dict[str, Any] | None = None
    """The next request of the same person with the same method and path: the first that worked, else the first."""

    def known(self, key: str) -> Any:
        """What the records say about `key`: the line of the request first, then whoever says it."""
        for record in (self.finished, *self.records):
            if record.get(key) not in (None, ""):
                return record[key]
        return None

    @property
    def retry_worked(self) -> bool:
        return self.retry is not None and _status(self.retry) < 400

    @property
    def person(self) -> Condition | None:
        """Whose request it was: the member's number, else the address where the log has it in full."""
        if (user_id := self.known("user_id")) is not None:
            return Condition("user_id", "=", str(user_id))
        address = str(self.known("address") or "")
        shortened = address.endswith(("::", ".0"))
        return Condition("address", "=", address) if address and not shortened else None


def gather(found: Search, current: Path) -> Story:
    """The story of what `logs.reader.search` found; nothing that is missing in the log makes it fail."""
    records = [one.record for one in found.records]
    story = Story(found.reference, records)
    story.finished = next((record for record in records if record.get("event") == "request.finished"), {})
    story.failed = next((record for record in records if "exception" in record), {})
    if not records:
        return story
    first, last = (str(records[end].get("timestamp", "")) for end in (0, -1))
    if story.person is not None:
        _look_around(story, current, first, last)
    if fingerprint := story.known("fingerprint"):
        mail = (Condition("event", "=", "alert.sent"), Condition("fingerprints", "=", str(fingerprint)))
        sent = find(Query(mail, since=last, until=shifted(last, TOLD)), current)
        story.alert = next((hit.record for hit in sent), None)
        sent.close()
    return story


def _look_around(story: Story, current: Path, first: str, last: str) -> None:
    """What the same person did shortly before and after, and whether the same worked later."""
    assert story.person is not None
    conditions = (story.person, Condition("event", "=", "request.finished"))
    before = find(Query(conditions, since=shifted(first, -AROUND), until=first), current, newest_first=True)
    earlier = list(_others(before, story))
    after = find(Query(conditions, since=first, until=shifted(last, RETRIED)), current)
    later = []
    for record in _others(after, story):
        again = all(record.get(key) == story.known(key) for key in ("method", "path"))
        if again and not story.retry_worked and (story.retry is None or _status(record) < 400):
            story.retry = record
        if str(record.get("timestamp", "")) <= shifted(last, AROUND):
            later.append(record)
        elif story.retry_worked:
            break
    half = LINES // 2
    kept_earlier = earlier[: max(half, LINES - len(later))]
    kept_later = later[: LINES - len(kept_earlier)]
    story.around = kept_earlier[::-1] + kept_later
    story.more_around = len(earlier) + len(later) - len(story.around)


def _others(hits: Iterator[Any], story: Story) -> Iterator[dict[str, Any]]:
    """At most a thousand, so that a script of the same person cannot fill the memory."""
    for hit in islice(hits, 1000):
        if hit.record.get("reference") != story.reference:
            yield hit.record


def _status(record: dict[str, Any]) -> int:
    status = record.get("status")
    return status if isinstance(status, int) else 599
