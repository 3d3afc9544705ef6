"""What the shell and the page both say about a failure."""

import time

from microblog.alerts.inbox.groups import Group


def describe(group: Group, now: float) -> str:
    """The state with who decided what: ``regressed: resolved in 0.1.0 by ana, 2026-11-21 14:02``."""
    state, decision = group.state(now), group.decision
    if state not in ("regressed", "resolved", "muted"):
        return state
    word = "muted" if decision.kind == "muted" else f"resolved in {decision.release}"
    said = f"{word} by {decision.by}, {clock(decision.at)}"
    if state == "muted" and decision.until:
        said += f", until {clock(decision.until)}"
    return f"regressed: {said}" if state == "regressed" else said


def clock(at: float) -> str:
    """A time in UTC, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def ago(length: float) -> str:
    """``3 min ago``."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if length >= size:
            return f"{int(length // size)} {unit} ago"
    return "just now"
