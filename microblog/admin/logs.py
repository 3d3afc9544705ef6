"""/admin/logs: the log in the browser, newest first. Every view is an address, and says its command for the shell."""

import json
import re
import shlex
import time
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from microblog.admin import bp
from microblog.errors.stories import STRANGER, summary
from microblog.extensions import db, settings
from microblog.log.event import LEVELS
from microblog.log.human import exception_lines, safe
from microblog.log.records import FIRST
from microblog.log.reference import normalise
from microblog.log.setup import file_path
from microblog.log.values import STEPS, Plain
from microblog.logbook.by_hand import command
from microblog.logbook.conditions import Condition
from microblog.logbook.follow import Place, end, lines_after
from microblog.logbook.moments import moment
from microblog.logbook.query import Hit, Query, Told, find
from microblog.logbook.reader import search, taken_apart
from microblog.logbook.story import gather
from microblog.models.user import User

PAGE = 40
PATIENCE = 2.0  # seconds that a view may search; then it says how far it came
AT_ONCE = 200  # new records in one answer; a burst is for a reload
_APART = frozenset((*FIRST, "exception", "stack"))
_PLACE = re.compile(r"([0-9a-f]{32})\.([0-9]{1,15})")
SINCE = {"": "any time", "15m": "15 minutes", "2h": "2 hours", "24h": "24 hours", "7d": "7 days"}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: `words` as `logs grep` takes them, and the two choices beside them."""

    words: tuple[str, ...] = ()
    level: str = ""
    since: str = ""
    problem: str = ""
    query: Query = field(default_factory=Query)

    @property
    def typed(self) -> str:
        """The words as they are typed into the field."""
        return shlex.join(self.words)

    def address(self, **more: str) -> str:
        """The page with the same question."""
        values = {"q": self.typed, "level": self.level, "since": self.since, **more}
        given = {key: value for key, value in values.items() if value}
        return url_for("admin.logs") + (f"?{urlencode(given)}" if given else "")

    def new(self, after: Place) -> str:
        """Where to ask for what came since."""
        page = self.address(after=_spelled(after))
        return url_for("admin.new_logs") + page[page.index("?") :]

    def with_word(self, word: str) -> str:
        """The page for this as well."""
        return self.address() if word in self.words else replace(self, words=(*self.words, word)).address()

    def without(self, word: str) -> str:
        """The page without that word."""
        return replace(self, words=tuple(one for one in self.words if one != word)).address()


@dataclass(frozen=True)
class Row:
    """One record as a page shows it; everything masked and plain."""

    record: dict[str, Any]
    place: str

    @property
    def values(self) -> list[tuple[str, str]]:
        """What stands below the first line, each as the word that would ask for it."""
        return [(key, _text(value)) for key, value in self.record.items() if key not in _APART]

    @property
    def exception(self) -> list[str]:
        described = self.record.get("exception")
        return list(exception_lines(described)) if isinstance(described, list) else []

    @property
    def stack(self) -> list[str]:
        stack = self.record.get("stack")
        return [_text(line) for line in (stack if isinstance(stack, list) else str(stack or "").splitlines())]

    def text(self, key: str) -> str:
        """A value as text; empty where there is none, or something that is no plain value."""
        value = self.record.get(key)
        return _text(value) if isinstance(value, str | int) else ""

    @property
    def says(self) -> str:
        """The record in a few words."""
        known = self.record
        if "ms" in known and "path" in known:
            return f"{self.text('method')} {self.text('path')} · {self.text('status')} · {_text(known['ms'])} ms"
        keys = [key for key in known if key not in _APART and key not in ("method", "route", "user_id", "fingerprint")]
        return ", ".join(f"{key} {_text(known[key])[:80]}" for key in keys[:3])


@bp.get("/logs")
def logs() -> ResponseReturnValue:
    asked, before = asked_for(), _place(request.args.get("before", ""))
    told = Told(deadline=time.monotonic() + PATIENCE)
    newest = end(_current())
    hits = find(asked.query, _current(), told, newest_first=True, before=before or newest)
    found = [] if asked.problem else list(islice(hits, PAGE + 1))
    hits.close()
    older = found[PAGE - 1].start if len(found) > PAGE else told.stopped
    return render_template(
        "admin/logs.html",
        asked=asked,
        rows=[row(hit) for hit in found[:PAGE]],
        told=told,
        older=_spelled(older) if older else "",
        first=before is None,
        live=before is None and not asked.problem and request.args.get("live") != "0",
        new=asked.new(newest),
        command=command(asked.query),
        levels=LEVELS,
        since=SINCE,
    )


@bp.get("/logs/new")
def new_logs() -> ResponseReturnValue:
    """What came since; the place of the next look travels in the answer."""
    asked, after = asked_for(), _place(request.args.get("after", "")) or end(_current())
    rows: list[Row] = []
    behind = after
    for line, behind in islice(lines_after(_current(), after), 20 * AT_ONCE):
        record = taken_apart(line)
        if record is not None and asked.query.holds(line, record) and len(rows) < AT_ONCE:
            rows.append(row(Hit(line, record, behind, behind)))
    return render_template("admin/logs.swaps.html", asked=asked, rows=rows[::-1], new=asked.new(behind), live=True)


@bp.get("/logs/<reference>")
def log_story(reference: str) -> ResponseReturnValue:
    wanted = normalise(reference) or abort(404, "That is not a reference. One looks like K7Q2F-9M4ZX.")
    found = search(wanted, _current())
    if not found.records:
        abort(404, "No record of this reference is in the log. It may be older than the oldest file.")
    story = gather(found, _current())
    user_id = story.known("user_id")
    name = db.session.scalar(select(User.username).where(User.id == user_id)) if isinstance(user_id, int) else None
    who = f"{name} (member {user_id})" if name else STRANGER if user_id is None else f"member {user_id}"
    return render_template(
        "admin/log_story.html",
        reference=wanted,
        asked=Asked(),
        lines=[(word, _text(text)) for word, text in summary(story, who)],
        rows=[row(Hit(b"", record, Place(), Place())) for record in story.records],
        around=[row(Hit(b"", record, Place(), Place())) for record in story.around],
        person=str(story.person or ""),
    )


def asked_for() -> Asked:
    """What the address asks for; what it cannot mean becomes a sentence instead of an error."""
    text, level, since = (safe(request.args.get(key, "")[:500].strip()) for key in ("q", "level", "since"))
    try:
        words = tuple(shlex.split(text))
    except ValueError:  # a quote that is never closed
        words = tuple(text.split())
    level, since = level if level in LEVELS else "", since if since in SINCE else ""
    asked = Asked(words, level, since)
    conditions, texts = [], []
    for word in words:
        condition = Condition.parsed(word)
        if condition is None:
            texts.append(word)
        elif condition.key == "user" and condition.operator == "=":
            user_id = db.session.scalar(select(User.id).where(User.username == condition.value))
            if user_id is None:
                return replace(asked, problem=f"Nobody is called {condition.value}.")
            conditions.append(Condition("user_id", "=", str(user_id)))
        else:
            conditions.append(condition)
    stamp = moment(since, now=time.time()) or "" if since else ""
    return replace(asked, query=Query(tuple(conditions), tuple(texts), since=stamp, level=level))


def row(hit: Hit) -> Row:
    """A record of the file for a page: what nobody must see is masked once more, whoever wrote the line."""
    return Row(Plain(STEPS[1]).value(hit.record), _spelled(hit.start))


def _current() -> Path:
    return Path(file_path(settings()))


def _text(value: Any) -> str:
    """A value as one would ask for it, without what a page must not hold."""
    return safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _spelled(place: Place) -> str:
    return f"{place.head}.{place.offset}"


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    return Place(found[1], int(found[2])) if found else None
