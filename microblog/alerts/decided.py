"""What the decisions of the inbox mean for the mails: silence, or a mail at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from microblog.alerts.inbox.groups import NOTHING, Decision
from microblog.alerts.spool import Group


def sorted_out(
    groups: Sequence[Group], decisions: Mapping[str, Decision], now: float, first_wait: float
) -> tuple[list[Group], list[Group]]:
    """What is to be told of `groups`, and what nobody wants to hear of.

    Quiet is what is muted, and what is left to tell of something that was resolved since. What came after it was
    resolved is a regression: news again, due at once, and called so until the first mail about it.
    """
    told, quiet = [], []
    for group in groups:
        decision = decisions.get(group.fingerprint, NOTHING)
        regressed = decision.broken_by(group.last_seen)
        if decision.mutes(now) or (decision.kind == "resolved" and not regressed):
            quiet.append(group)
        elif regressed and group.mailed < decision.at:
            due = min(group.due, max(group.since, decision.at) + first_wait)
            told.append(replace(group, stage=0, due=due, deferred=False, regressed=decision.release or "?"))
        else:
            told.append(group)
    return told, quiet
