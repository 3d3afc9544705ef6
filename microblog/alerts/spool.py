"""What has still to be told, kept on disk: one small SQLite file that every process of the site adds to.

Counts are exact (one transaction for each addition) and outlive kill -9. A connection lives for one operation only,
so none is ever carried over a fork, and a file that was taken away is simply made again.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microblog.alerts.pace import Pace
from microblog.alerts.spool_file import SpoolFile, SpoolUnusable
from microblog.alerts.summary import Summary
from microblog.config.settings import Settings
from microblog.log.plain import short_hash

__all__ = ["MAX_GROUPS", "OVERFLOW", "Group", "Sighting", "Spool", "SpoolUnusable", "spools"]

NAME = "alerts.sqlite3"
MAX_GROUPS = 1000  # different errors remembered; beyond that the oldest that is told makes room
MAX_REFERENCES = 10
OVERFLOW = short_hash("more different errors than can be kept apart")


@dataclass
class Sighting:
    """What one process saw of one error since it last wrote."""

    count: int
    first: float
    last: float
    references: list[str]
    example: Summary

    def add(self, other: "Sighting") -> None:
        """Count `other` in. The example stays the first one."""
        self.count += other.count
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.references = (self.references + other.references)[:MAX_REFERENCES]


@dataclass(frozen=True)
class Group:
    """One error with everything not yet told about it. `pending` of its `total` sightings came after the last mail."""

    fingerprint: str
    first_seen: float
    last_seen: float
    total: int
    pending: int
    since: float
    due: float
    deferred: bool
    stage: int
    mailed: float
    references: list[str] = field(default_factory=list)
    example: Summary = field(default_factory=Summary)
    regressed: str = ""  # the release in which somebody had said that it is resolved; set by the sender


class Spool(SpoolFile):
    """The spool at `path`. Every method may raise SpoolUnusable; a broken file is set aside and made anew."""

    SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    fingerprint TEXT PRIMARY KEY, first_seen REAL NOT NULL, last_seen REAL NOT NULL, total INTEGER NOT NULL,
    pending INTEGER NOT NULL, since REAL NOT NULL, due REAL NOT NULL, deferred INTEGER NOT NULL DEFAULT 0,
    stage INTEGER NOT NULL DEFAULT 0, mailed REAL NOT NULL DEFAULT 0, refs TEXT NOT NULL, example TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS groups_pending ON groups (pending, due);
CREATE TABLE IF NOT EXISTS sent (at REAL NOT NULL, groups INTEGER NOT NULL, count INTEGER NOT NULL, digest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""  # noqa: E501 - a table is read as a table
    PROBE = "SELECT pending FROM groups, sent, state LIMIT 1"

    def __init__(self, path: Path, pace: Pace, *, shared: bool = False) -> None:
        super().__init__(path, shared=shared)
        self._pace = pace

    def add(self, sightings: Mapping[str, Sighting], now: float, *, patience: float = 5.0) -> None:
        """Count in what was seen: all of it or, if this raises, nothing."""
        self.use(lambda db: self._add(db, sightings, now), patience)

    def waiting(self) -> list[Group]:
        """Every group of which something is still to be told, the oldest first."""
        return [] if not self.path.exists() else self.use(_waiting, reads=True)

    def mailed(self, groups: Iterable[Group], now: float, *, digest: bool) -> None:
        """A mail about `groups` was accepted: what it covered is told, what came meanwhile waits for its step."""
        self.use(lambda db: self._mailed(db, list(groups), now, digest))

    def silence(self, groups: Iterable[Group]) -> None:
        """Nobody wants to hear of what `groups` cover; what came meanwhile is still to be told."""
        rows = [(group.pending, group.fingerprint) for group in groups]
        question = "UPDATE groups SET pending = max(pending - ?, 0), deferred = 0 WHERE fingerprint = ?"
        self.use(lambda db: db.executemany(question, rows))

    def defer(self, groups: Iterable[Group], until: float) -> None:
        """Too many mails in this hour: gather these until then."""
        rows = [(until, group.fingerprint) for group in groups]
        self.use(lambda db: db.executemany("UPDATE groups SET due = ?, deferred = 1 WHERE fingerprint = ?", rows))

    def mails_between(self, start: float, end: float) -> int:
        """How many mails were sent then, digests not counted."""
        question = "SELECT count(*) FROM sent WHERE NOT digest AND at BETWEEN ? AND ?"
        return int(self.use(lambda db: db.execute(question, (start, end)).fetchone()[0], reads=True))

    def state(self) -> dict[str, str]:
        """What is remembered of the sending itself: failing_since, last_error, attempts, attempted_at, last_sent."""
        return {} if not self.path.exists() else self.use(_state, reads=True)

    def remember(self, **values: object) -> None:
        """Keep state; None forgets a key."""
        self.use(lambda db: _remember(db, **values))

    # Inside one transaction

    def _add(self, db: sqlite3.Connection, sightings: Mapping[str, Sighting], now: float) -> None:
        for fingerprint, seen in sightings.items():
            row = _row(db, fingerprint)
            if row is None and not _room(db):
                fingerprint, row = OVERFLOW, _row(db, OVERFLOW)
            if row is None:
                start = (
                    fingerprint,
                    seen.first,
                    seen.last,
                    seen.count,
                    seen.count,
                    seen.first,
                    self._pace.due(now, 0, 0),
                )
                rest = (json.dumps(seen.references), seen.example.to_json())
                db.execute(
                    "INSERT INTO groups (fingerprint, first_seen, last_seen, total, pending, since, due, refs, example)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*start, *rest),
                )
                continue
            known = _group(row)
            if known.pending:
                references = (known.references + seen.references)[:MAX_REFERENCES]
                since, due, stage, example = known.since, known.due, known.stage, known.example
            else:
                references, since, example = seen.references[:MAX_REFERENCES], seen.first, seen.example
                stage = self._pace.stage_after_silence(known.stage, seen.first - known.last_seen)
                due = self._pace.due(now, stage, known.mailed)
            rest = (json.dumps(references), example.to_json())
            db.execute(
                "UPDATE groups SET last_seen = max(last_seen, ?), total = total + ?, pending = pending + ?, since = ?,"
                " due = ?, stage = ?, refs = ?, example = ? WHERE fingerprint = ?",
                (seen.last, seen.count, seen.count, since, due, stage, *rest, fingerprint),
            )

    def _mailed(self, db: sqlite3.Connection, groups: list[Group], now: float, digest: bool) -> None:
        for group in groups:
            row = _row(db, group.fingerprint)
            later = [] if row is None else [r for r in _group(row).references if r not in group.references]
            stage, due = group.stage + 1, now + self._pace.step(group.stage + 1)
            db.execute(
                "UPDATE groups SET pending = max(pending - ?, 0), stage = ?, mailed = ?, since = ?, due = ?,"
                " deferred = 0, refs = ? WHERE fingerprint = ?",
                (group.pending, stage, now, now, due, json.dumps(later), group.fingerprint),
            )
        db.execute("INSERT INTO sent VALUES (?, ?, ?, ?)", (now, len(groups), sum(g.pending for g in groups), digest))
        db.execute("DELETE FROM sent WHERE at < ?", (now - 7 * 86400,))
        _remember(db, failing_since=None, last_error=None, attempts=None, last_sent=now)


def spools(settings: Settings) -> list[Spool]:
    """The best first. When the disk with the data is full or read-only, that must be told too, so there are others."""
    pace = Pace.of(settings.alerts)
    site = short_hash(settings.data_dir)
    return [
        Spool(settings.data_dir / NAME, pace),
        Spool(settings.log_dir / NAME, pace),
        Spool(Path(tempfile.gettempdir()) / f"microblog-alerts-{site}" / NAME, pace, shared=True),
    ]


_COLUMNS = "fingerprint, first_seen, last_seen, total, pending, since, due, deferred, stage, mailed, refs, example"


def _waiting(db: sqlite3.Connection) -> list[Group]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM groups WHERE pending > 0 ORDER BY first_seen, rowid")  # noqa: S608 - constants
    return [_group(row) for row in rows]


def _state(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT key, value FROM state"))


def _row(db: sqlite3.Connection, fingerprint: str) -> tuple[Any, ...] | None:
    question = f"SELECT {_COLUMNS} FROM groups WHERE fingerprint = ?"  # noqa: S608 - constants
    row: tuple[Any, ...] | None = db.execute(question, (fingerprint,)).fetchone()
    return row


def _group(row: tuple[Any, ...]) -> Group:
    *columns, references, example = row
    return Group(*(*columns, json.loads(references), Summary.from_json(example)))


def _remember(db: sqlite3.Connection, **values: object) -> None:
    for key, value in values.items():
        db.execute("DELETE FROM state WHERE key = ?", (key,))
        if value is not None:
            db.execute("INSERT INTO state VALUES (?, ?)", (key, str(value)))


def _room(db: sqlite3.Connection) -> bool:
    """Whether another group fits; the group that has been quiet longest and is told makes room."""
    if int(db.execute("SELECT count(*) FROM groups").fetchone()[0]) < MAX_GROUPS:
        return True
    oldest = "SELECT fingerprint FROM groups WHERE pending = 0 ORDER BY last_seen LIMIT 1"
    return db.execute(f"DELETE FROM groups WHERE fingerprint = ({oldest})").rowcount > 0  # noqa: S608 - constants
