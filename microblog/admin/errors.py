"""The error inbox in the browser: what fails, how often and for whom; resolve it, mute it, reopen it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from flask import abort, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from microblog.admin import bp
from microblog.alerts.inbox import curve
from microblog.alerts.inbox.groups import OPEN, STATES, Decision, Group
from microblog.alerts.inbox.store import Ambiguous, Inbox, SpoolUnusable, Unknown
from microblog.alerts.inbox.wording import ago, clock, describe
from microblog.alerts.wording import version
from microblog.extensions import settings
from microblog.log.human import exception_lines
from microblog.web.dom import error_id
from microblog.web.htmx import leave_to, wants_fragment
from microblog.web.toasts import Back, Toast, keep_for_next_page

PAGE = 30
PIECES = 5  # of the log read on while somebody waits; half a second at most, the sender of the alerts reads the rest
WEEK = 7 * 86_400.0
_HEIGHT = 16


@dataclass(frozen=True)
class Shown:
    """One failure as its partial draws it; `path` is the curve as an SVG path, `most` its highest bar."""

    group: Group
    state: str
    said: str
    seen: str
    path: str
    most: int


@contextmanager
def opened() -> Iterator[Inbox]:
    """The inbox. A file that cannot be used now makes a 503."""
    made: Inbox = current_app.extensions.setdefault("inbox", Inbox(settings()))
    try:
        yield made
    except SpoolUnusable as error:
        raise ServiceUnavailable from error


def known(inbox: Inbox, fingerprint: str) -> Group:
    """The failure with that id, or its beginning. 404 where there is none, or where there are several."""
    try:
        return inbox.find(fingerprint)
    except (Unknown, Ambiguous):
        abort(404, "No failure has this id. It may have made room for others.")


def shown(inbox: Inbox, *groups: Group) -> list[Shown]:
    """Ready to be drawn. One query for all curves."""
    now = time.time()
    hours = inbox.hours((group.fingerprint for group in groups), curve.first_hour(now))
    found = []
    for group in groups:
        bars = curve.bars(hours[group.fingerprint], now)
        facts = (group.state(now), describe(group, now), ago(now - group.last_seen))
        found.append(Shown(group, *facts, _path(bars), max(bars)))
    return found


def _path(bars: list[int]) -> str:
    most = max(bars) or 1
    tall = {number: max(2, round(bar * _HEIGHT / most)) for number, bar in enumerate(bars) if bar}
    return "".join(f"M{number} {_HEIGHT}v-{height}h.8v{height}z" for number, height in tall.items())


@bp.get("/errors")
def errors() -> ResponseReturnValue:
    """Every failure in a state, the latest first; open ones where no state is asked for."""
    state, now = request.args.get("state", "open"), time.time()
    if state not in ("open", *STATES):
        abort(404)
    with opened() as inbox:
        inbox.read_on(PIECES)
        every = inbox.groups()
        chosen = [one for one in every if one.state(now) == state or (state == "open" and one.state(now) in OPEN)]
        page, more = _page(chosen, request.args.get("after", ""))
        listed = shown(inbox, *page)
    counts = dict.fromkeys(("open", *STATES), 0)
    for group in every:
        counts[group.state(now)] += 1
        counts["open"] += group.state(now) in OPEN
    after = page[-1].fingerprint if more else ""
    return render_template(
        "admin/errors.html", errors=listed, state=state, counts=counts, after=after, nothing=not every
    )


def _page(groups: list[Group], after: str) -> tuple[list[Group], bool]:
    """What follows the failure `after`, from the beginning where it is not there any more; whether there is more."""
    begin = next((number for number, group in enumerate(groups, 1) if group.fingerprint == after), 0)
    return groups[begin : begin + PAGE], len(groups) > begin + PAGE


@bp.get("/errors/<fingerprint>")
def error(fingerprint: str) -> ResponseReturnValue:
    """One failure with its example and its traceback."""
    with opened() as inbox:
        inbox.read_on(PIECES)
        group = known(inbox, fingerprint)
        (one,) = shown(inbox, group)
        record = inbox.example(group.fingerprint)
    described = record.get("exception")
    lines = list(exception_lines(described)) if isinstance(described, list) else []
    return render_template("admin/error.html", error=one, lines=lines, clock=clock)


@bp.post("/errors/<fingerprint>/resolve")
def resolve(fingerprint: str) -> ResponseReturnValue:
    decision = Decision("resolved", time.time(), g.viewer.username, version())
    return _decided(fingerprint, decision, f"Resolved in {version()}.", "If it comes back, a mail says so at once.")


@bp.post("/errors/<fingerprint>/mute")
def mute(fingerprint: str) -> ResponseReturnValue:
    now = time.time()
    until = now + WEEK if request.form.get("for") == "week" else 0.0
    decision = Decision("muted", now, g.viewer.username, version(), until)
    return _decided(fingerprint, decision, f"Muted{' for a week' if until else ''}.", "No mail, and still counted.")


@bp.post("/errors/<fingerprint>/reopen")
def reopen(fingerprint: str) -> ResponseReturnValue:
    decision = Decision("", time.time(), g.viewer.username, version())
    return _decided(fingerprint, decision, "Open again.", "Mails about it come as usual.")


@bp.post("/errors/<fingerprint>/undo")
def undo(fingerprint: str) -> ResponseReturnValue:
    """Take back what the toast was about, unless somebody has decided something else since."""
    with opened() as inbox:
        group = known(inbox, fingerprint)
        done = inbox.undo(group.fingerprint, request.form.get("at", 0.0, type=float))
        toast = Toast(
            "Put back." if done else "Something else was decided meanwhile.", kind="success" if done else "note"
        )
        return _answer(inbox, group, toast)


def _decided(fingerprint: str, decision: Decision, title: str, text: str) -> ResponseReturnValue:
    with opened() as inbox:
        group = known(inbox, fingerprint)
        now = time.time()
        # A double click, or two administrators: what is so already keeps its moment, and Undo what was before it.
        same = replace(group, decision=decision).state(now) == group.state(now)
        if same and group.decision.until == decision.until:
            return _answer(inbox, group, Toast("It is so already.", kind="note"))
        inbox.decide(group.fingerprint, decision)
        address = f"/admin/errors/{group.fingerprint}/undo"
        values = {"at": repr(decision.at), "whole": request.form.get("whole", "")}
        return _answer(inbox, group, Toast(title, text, back=Back(address, error_id(group.fingerprint), values)))


def _answer(inbox: Inbox, group: Group, toast: Toast) -> ResponseReturnValue:
    """The failure as it is now, in place, with a toast; without htmx its page."""
    if not wants_fragment():
        keep_for_next_page(toast)
        return leave_to("admin.error", fingerprint=group.fingerprint)
    (one,) = shown(inbox, known(inbox, group.fingerprint))
    return render_template("admin/decided.swaps.html", error=one, whole=bool(request.form.get("whole")), toast=toast)
