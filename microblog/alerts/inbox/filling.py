"""What was read from the log, counted into the file; everything here runs inside one transaction."""

import json
import sqlite3
import time

from microblog.alerts.inbox.curve import DAYS
from microblog.alerts.inbox.groups import MANY_PEOPLE
from microblog.alerts.inbox.reading import MAX_ROUTES, Read, Tally
from microblog.alerts.inbox.telling import example, names
from microblog.logbook.follow import Place

MAX_GROUPS = 1000  # failures kept; beyond that the quietest goes, one that is resolved before all others
MAX_DRILLS = 20
KEPT_HOURS = DAYS * 24  # for the curve, and for the counts of the weekly mail


def place_of(db: sqlite3.Connection) -> tuple[Place, str]:
    """How far the log was read, and which release ran there."""
    kept = dict(db.execute("SELECT key, value FROM state"))
    return Place(kept.get("head", ""), int(kept.get("offset", 0))), kept.get("release", "")


def add(db: sqlite3.Connection, place: Place, found: Read) -> None:
    """Count `found` in, unless somebody else has read on from `place` meanwhile."""
    if place_of(db)[0] != place:
        return
    for fingerprint, tally in found.failures.items():
        _count(db, fingerprint, tally)
    for hour in found.requests:
        db.execute(
            "INSERT INTO traffic VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " requests = requests + excluded.requests, failed = failed + excluded.failed",
            (hour, found.requests[hour], found.failed[hour]),
        )
    db.executemany("INSERT OR REPLACE INTO drills VALUES (?, ?)", found.drills.items())
    state = {"head": found.place.head, "offset": found.place.offset, "release": found.release}
    db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", state.items())
    _make_room(db)


def _count(db: sqlite3.Connection, fingerprint: str, tally: Tally) -> None:
    row = db.execute("SELECT last_seen, routes FROM groups WHERE fingerprint = ?", (fingerprint,)).fetchone()
    kind, place, message = names(tally.newest)
    routes = list(dict.fromkeys([*(json.loads(row[1]) if row else []), *tally.routes]))[:MAX_ROUTES]
    told = (str(tally.newest.get("level", ""))[:20], kind, place, message, example(tally.newest))
    if row is None:
        times = (tally.first, tally.last, tally.count, tally.first_release, tally.last_release)
        references = (tally.first_reference, tally.last_reference)
        db.execute(
            "INSERT INTO groups (fingerprint, level, kind, place, message, example, first_seen, last_seen, count,"
            " first_release, last_release, first_reference, last_reference, routes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (fingerprint, *told, *times, *references, json.dumps(routes)),
        )
    else:
        db.execute(
            "UPDATE groups SET count = count + ?, first_seen = min(first_seen, ?), last_seen = max(last_seen, ?),"
            " routes = ? WHERE fingerprint = ?",
            (tally.count, tally.first, tally.last, json.dumps(routes), fingerprint),
        )
        if tally.last >= row[0]:
            db.execute(
                "UPDATE groups SET level = ?, kind = ?, place = ?, message = ?, example = ?, last_release = ?,"
                " last_reference = coalesce(nullif(?, ''), last_reference) WHERE fingerprint = ?",
                (*told, tally.last_release, tally.last_reference, fingerprint),
            )
    db.executemany(
        "INSERT INTO hours VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        ((fingerprint, hour, count) for hour, count in tally.hours.items()),
    )
    known = "SELECT count(*) FROM people WHERE fingerprint = ?"
    room = MANY_PEOPLE + 1 - int(db.execute(known, (fingerprint,)).fetchone()[0])
    if room > 0:
        db.executemany("INSERT OR IGNORE INTO people VALUES (?, ?)", _some(fingerprint, tally.people, db, room))


def _some(fingerprint: str, people: set[int], db: sqlite3.Connection, room: int) -> list[tuple[str, int]]:
    """Those of `people` that are not known, as many as there is room for."""
    question = "SELECT user_id FROM people WHERE fingerprint = ?"
    known = {row[0] for row in db.execute(question, (fingerprint,))}
    return [(fingerprint, person) for person in sorted(people - known)[:room]]


def _make_room(db: sqlite3.Connection) -> None:
    """The curve shows two weeks; of more failures than can be kept the quietest go, resolved ones first."""
    oldest = int(time.time() // 3600) - KEPT_HOURS
    db.execute("DELETE FROM hours WHERE hour < ?", (oldest,))
    db.execute("DELETE FROM traffic WHERE hour < ?", (oldest,))
    db.execute("DELETE FROM drills WHERE at NOT IN (SELECT at FROM drills ORDER BY at DESC LIMIT ?)", (MAX_DRILLS,))
    too_many = int(db.execute("SELECT count(*) FROM groups").fetchone()[0]) - MAX_GROUPS
    if too_many <= 0:
        return
    quietest = (
        "SELECT fingerprint FROM groups g LEFT JOIN decisions d USING (fingerprint)"
        " ORDER BY coalesce(d.kind = 'resolved' AND last_seen <= d.at, 0) DESC, last_seen LIMIT ?"
    )
    gone = list(db.execute(quietest, (too_many,)))
    for table in ("groups", "people", "hours"):
        db.executemany(f"DELETE FROM {table} WHERE fingerprint = ?", gone)  # noqa: S608 - constants
