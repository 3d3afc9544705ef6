"""The file of the inbox: counts, decisions, and how far the log was read, each change all or nothing.

The log is read outside of any transaction, then added in one that first looks whether the place it was read from is
still the kept one. So any number of processes may read on at once: one of them is counted.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

import structlog

from microblog.alerts.inbox.filling import add, place_of
from microblog.alerts.inbox.groups import NOTHING, Decision, Group
from microblog.alerts.inbox.reading import read
from microblog.alerts.spool_file import SpoolBroken, SpoolFile, SpoolUnusable
from microblog.config.settings import Settings
from microblog.log import events
from microblog.log.setup import FILE_NAME
from microblog.logbook.follow import Place

__all__ = ["Ambiguous", "Inbox", "SpoolUnusable", "Unknown"]

NAME = "errors.sqlite3"
MAX_DECISIONS = 2000


class Unknown(LookupError):
    """No failure has that id."""


class Ambiguous(LookupError):
    """Several ids begin so."""


class Inbox(SpoolFile):
    """The inbox of a site. Every method may raise SpoolUnusable; a broken file is set aside and filled anew."""

    NAME = "inbox"
    SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    fingerprint TEXT PRIMARY KEY, level TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, message TEXT NOT NULL,
    first_seen REAL NOT NULL, last_seen REAL NOT NULL, count INTEGER NOT NULL, first_release TEXT NOT NULL,
    last_release TEXT NOT NULL, first_reference TEXT NOT NULL, last_reference TEXT NOT NULL, routes TEXT NOT NULL,
    example TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (
    fingerprint TEXT PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, who TEXT NOT NULL, release TEXT NOT NULL, until REAL NOT NULL,
    before TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS people (fingerprint TEXT, user_id INTEGER, PRIMARY KEY (fingerprint, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hours (fingerprint TEXT, hour INTEGER, count INTEGER, PRIMARY KEY (fingerprint, hour)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traffic (hour INTEGER PRIMARY KEY, requests INTEGER NOT NULL, failed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS drills (fingerprint TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""  # noqa: E501 - a table is read as a table
    PROBE = "SELECT 1 FROM groups, decisions, people, hours, traffic, drills, state LIMIT 1"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.data_dir / NAME)
        self.log = settings.log_dir / FILE_NAME
        self._unchanged: tuple[int, int] | None = None
        self._decided: tuple[list[tuple[int, int]], dict[str, Decision], float] = ([], {}, 0.0)

    def tell_broken(self, kept: Path, broken: SpoolBroken) -> None:
        self._unchanged = None
        with suppress(Exception):
            structlog.get_logger(__name__).warning(events.INBOX_LOST, path=str(kept), error=str(broken))

    # Filling

    def read_on(self, pieces: int = 1_000_000) -> int:
        """Count in what the log has since the last time, at most `pieces` of some 20,000 lines; how many lines."""
        now = self._size()
        if now is not None and now == self._unchanged and self.path.exists():
            return 0  # the usual case, once a minute
        lines = 0
        for _ in range(pieces):
            place, release = self.use(place_of, reads=True)
            found = read(self.log, place, release)
            if not found.lines:
                self._unchanged = now
                break
            lines += found.lines
            self.use(lambda db, place=place, found=found: add(db, place, found))  # type: ignore[misc]
        return lines

    def reindex(self) -> int:
        """Forget every count and read all log files anew; decisions stay. Returns the number of lines."""
        return self.use(self._reindex)

    def _reindex(self, db: sqlite3.Connection) -> int:
        for table in ("groups", "people", "hours", "traffic", "drills", "state"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        place, release, lines = Place(), "", 0
        while (found := read(self.log, place, release)).lines:
            add(db, place, found)
            place, release, lines = found.place, found.release, lines + found.lines
        return lines

    def _size(self) -> tuple[int, int] | None:
        try:
            about = self.log.stat()
        except OSError:
            return None
        return about.st_ino, about.st_size

    # Asking

    def groups(self) -> list[Group]:
        """Every failure, the one seen last first."""
        return self.use(lambda db: [_group(row) for row in db.execute(f"{_GROUPS} {_NEWEST_FIRST}")], reads=True)

    def find(self, prefix: str) -> Group:
        """The failure whose id begins with `prefix`. Raises Unknown and Ambiguous."""
        wanted = prefix.strip().lower()
        if not wanted.isalnum():
            raise Unknown(prefix)
        question = f"{_GROUPS} WHERE substr(g.fingerprint, 1, ?) = ? LIMIT 2"
        rows = self.use(lambda db: db.execute(question, (len(wanted), wanted)).fetchall(), reads=True)
        if len(rows) > 1:
            raise Ambiguous(prefix)
        if not rows:
            raise Unknown(prefix)
        return _group(rows[0])

    def example(self, fingerprint: str) -> dict[str, Any]:
        """The newest record of a failure, shortened where it was long; empty where there is none."""
        question = "SELECT example FROM groups WHERE fingerprint = ?"
        row = self.use(lambda db: db.execute(question, (fingerprint,)).fetchone(), reads=True)
        kept = json.loads(row[0]) if row else {}
        return kept if isinstance(kept, dict) else {}

    def hours(self, fingerprints: Iterable[str], since: int) -> dict[str, dict[int, int]]:
        """How often each of `fingerprints` was seen in each hour (counted from 1970) from `since` on."""
        wanted = list(fingerprints)
        question = "SELECT * FROM hours WHERE hour >= ? AND fingerprint IN (SELECT value FROM json_each(?))"
        found: dict[str, dict[int, int]] = {one: {} for one in wanted}
        for one, hour, count in self.use(lambda db: db.execute(question, (since, json.dumps(wanted))).fetchall()):
            found[one][hour] = count
        return found

    def traffic(self, since: int) -> tuple[int, int]:
        """How many requests were answered from hour `since` on, and how many of them with an error of ours."""
        question = "SELECT coalesce(sum(requests), 0), coalesce(sum(failed), 0) FROM traffic WHERE hour >= ?"
        requests, failed = self.use(lambda db: db.execute(question, (since,)).fetchone(), reads=True)
        return int(requests), int(failed)

    def has_drill(self, fingerprint: str) -> bool:
        """Whether a failure that was asked for has been read from the log; it stands in no list."""
        question = "SELECT 1 FROM drills WHERE fingerprint = ?"
        return bool(self.use(lambda db: db.execute(question, (fingerprint,)).fetchone(), reads=True))

    # Deciding

    def decisions(self) -> dict[str, Decision]:
        """Every decision there is, by fingerprint. Makes no file, and reads none that nobody has written to."""
        written = [_written(path) for path in (self.path, Path(f"{self.path}-wal"))]
        if not written[0][1]:
            return {}
        if written == self._decided[0] and time.monotonic() < self._decided[2]:
            return self._decided[1]
        question = "SELECT fingerprint, kind, at, who, release, until FROM decisions WHERE kind != ''"
        rows = self.use(lambda db: db.execute(question).fetchall(), 1.0, reads=True)
        found = {fingerprint: Decision(*decision) for fingerprint, *decision in rows}
        self._decided = (written, found, time.monotonic() + 5.0)
        return found

    def decide(self, fingerprint: str, decision: Decision) -> None:
        """Let `decision` take the place of whatever was decided before; one of no kind takes it back."""
        self.use(lambda db: _decide(db, fingerprint, decision))

    def undo(self, fingerprint: str, at: float) -> bool:
        """What was decided before the decision of `at` counts again; False where that one does not count any more."""
        return self.use(lambda db: _undo(db, fingerprint, at))


def _written(path: Path) -> tuple[int, int]:
    """What differs after every write to a file; zeros where there is none."""
    try:
        about = path.stat()
    except OSError:
        return (0, 0)
    return about.st_mtime_ns, about.st_size


# Inside one transaction

_GROUPS = (
    "SELECT g.fingerprint, level, g.kind, place, message, first_seen, last_seen, count, "
    "(SELECT count(*) FROM people p WHERE p.fingerprint = g.fingerprint), first_release, last_release, "
    "first_reference, last_reference, routes, coalesce(d.kind, ''), coalesce(d.at, 0), coalesce(d.who, ''), "
    "coalesce(d.release, ''), coalesce(d.until, 0) FROM groups g LEFT JOIN decisions d USING (fingerprint)"
)
_NEWEST_FIRST = "ORDER BY last_seen DESC, g.fingerprint"


def _group(row: tuple[Any, ...]) -> Group:
    values = [*row[:13], json.loads(row[13]), Decision(*row[14:])]
    return Group(*values)


_DECISION = "SELECT kind, at, who, release, until, before FROM decisions WHERE fingerprint = ?"


def _decide(db: sqlite3.Connection, fingerprint: str, decision: Decision) -> None:
    row = db.execute(_DECISION, (fingerprint,)).fetchone() or astuple(NOTHING)
    values = (fingerprint, *astuple(decision), json.dumps(row[:5]))
    db.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    # A failure may come again when its group is long gone, so decisions outlive groups; but not without end.
    oldest = "SELECT fingerprint FROM decisions ORDER BY at DESC LIMIT -1 OFFSET ?"
    db.execute(f"DELETE FROM decisions WHERE fingerprint IN ({oldest})", (MAX_DECISIONS,))  # noqa: S608 - constants


def _undo(db: sqlite3.Connection, fingerprint: str, at: float) -> bool:
    row = db.execute(_DECISION, (fingerprint,)).fetchone()
    if row is None or row[1] != at:
        return False
    values = (fingerprint, *json.loads(row[5]), json.dumps(astuple(NOTHING)))
    db.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return True
