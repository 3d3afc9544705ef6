"""The log in numbers: how many, how fast, what fails, where people stumble. Memory does not grow with the log."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SLOWEST = 10
_STEP = math.log(1.05)  # a bucket of the histogram is 5 % wide
_KINDS = 10_000  # routes, fields and fingerprints come from the code; this is for a log that somebody else writes


@dataclass
class Route:
    """The requests of one route: how many, how many failed (5xx), and a histogram of their milliseconds."""

    count: int = 0
    errors: int = 0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, ms: float, status: int) -> None:
        self.count += 1
        self.errors += status >= 500
        self.buckets[math.floor(math.log(max(ms, 0.01)) / _STEP)] += 1

    def percentile(self, share: float) -> float:
        """The milliseconds within which `share` of the requests were answered, to about 3 %."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return round(math.exp((bucket + 0.5) * _STEP), 1)
        return 0.0


@dataclass
class Failures:
    """One kind of failure: how often, what it is, and the last reference to look it up with."""

    count: int = 0
    what: str = ""
    last: str = ""
    reference: str = ""


@dataclass
class Stats:
    """Filled record by record."""

    records: int = 0
    first: str = ""
    last: str = ""
    routes: dict[str, Route] = field(default_factory=dict)
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failures: dict[str, Failures] = field(default_factory=dict)
    slowest: list[tuple[float, str, str, str]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(route.count for route in self.routes.values())

    @property
    def errors(self) -> int:
        return sum(route.errors for route in self.routes.values())

    def add(self, record: dict[str, Any]) -> None:
        """Count one record; those of a drill are none."""
        if record.get("drill") is True:
            return
        self.records += 1
        stamp = str(record.get("timestamp", ""))
        self.first, self.last = min(self.first or stamp, stamp), max(self.last, stamp)
        event = record.get("event")
        if event == "request.finished":
            self._add_request(record, stamp)
        elif event == "form.refused":
            what = tuple(str(record.get(key, "")) for key in ("form", "field", "rule"))
            if what in self.refused or len(self.refused) < _KINDS:
                self.refused[what] += 1  # type: ignore[index]  # three of them, as written above
        if record.get("fingerprint"):
            self._add_failure(str(record["fingerprint"]), record, stamp)

    def _add_request(self, record: dict[str, Any], stamp: str) -> None:
        name = f"{record.get('method', '')} {record.get('route') or '(no route)'}"
        ms, status = record.get("ms"), record.get("status")
        if not isinstance(ms, int | float) or (name not in self.routes and len(self.routes) >= _KINDS):
            return
        self.routes.setdefault(name, Route()).add(ms, status if isinstance(status, int) else 0)
        entry = (float(ms), str(record.get("reference", "")), name, stamp)
        if len(self.slowest) < SLOWEST:
            heapq.heappush(self.slowest, entry)
        else:
            heapq.heappushpop(self.slowest, entry)

    def _add_failure(self, fingerprint: str, record: dict[str, Any], stamp: str) -> None:
        if fingerprint not in self.failures and len(self.failures) >= _KINDS:
            return
        kind = self.failures.setdefault(fingerprint, Failures())
        kind.count += 1
        if stamp >= kind.last:
            kind.last, kind.reference = stamp, str(record.get("reference", ""))
        described = record.get("exception")
        if not kind.what and isinstance(described, list) and described and isinstance(described[0], dict):
            kind.what = f"{described[0].get('type', '')} at {record.get('route') or record.get('event')}"

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, the most frequent and the slowest first."""
        return {
            "records": self.records,
            "first": self.first,
            "last": self.last,
            "requests": self.requests,
            "errors": self.errors,
            "routes": [
                {
                    "route": name,
                    "requests": route.count,
                    "errors": route.errors,
                    **{f"p{share}": route.percentile(share / 100) for share in (50, 95, 99)},
                }
                for name, route in sorted(self.routes.items(), key=lambda one: (-one[1].count, one[0]))
            ],
            "slowest": [
                {"ms": ms, "reference": reference, "route": name, "timestamp": stamp}
                for ms, reference, name, stamp in sorted(self.slowest, reverse=True)
            ],
            "refused": [
                {"form": form, "field": field_, "rule": rule, "count": count}
                for (form, field_, rule), count in self.refused.most_common()
            ],
            "failures": [
                {
                    "fingerprint": fingerprint,
                    "count": kind.count,
                    "what": kind.what,
                    "last": kind.last,
                    "reference": kind.reference,
                }
                for fingerprint, kind in sorted(self.failures.items(), key=lambda one: -one[1].count)
            ],
        }


def counted(records: Iterable[dict[str, Any]]) -> Stats:
    """The numbers of `records`."""
    stats = Stats()
    for record in records:
        stats.add(record)
    return stats
