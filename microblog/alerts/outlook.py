"""What a process knows of mutes and of the mail server, so that a request can tell the truth without asking either."""

import contextlib
import time

from microblog.alerts.inbox.groups import Decision
from microblog.alerts.inbox.store import Inbox
from microblog.alerts.spool import Spool, SpoolUnusable
from microblog.config.settings import Settings

EVERY = 5.0  # seconds between two looks
LONG = 600.0  # seconds without mail after which nobody can be said to be notified
SHORT = 60.0  # seconds without mail that are no news


class Outlook:
    """Refreshed by the writer's thread of each process; read from requests, without a lock and without a disk."""

    def __init__(self, settings: Settings, spool: Spool) -> None:
        self._inbox, self._spool = Inbox(settings), spool
        self._refresh_at = 0.0  # time.monotonic()
        self._decisions: dict[str, Decision] = {}
        self.failing_since: float | None = None

    def refresh(self, now: float) -> None:
        """Look, unless that was done just now. What cannot be read counts as nothing decided, and as no trouble."""
        if time.monotonic() < self._refresh_at:
            return
        self._refresh_at = time.monotonic() + EVERY
        decisions, since = {}, None
        with contextlib.suppress(SpoolUnusable):
            decisions = {one: decision for one, decision in self._inbox.decisions().items() if decision.mutes(now)}
        with contextlib.suppress(SpoolUnusable, ValueError):
            kept = self._spool.state().get("failing_since")
            since = float(kept) if kept else None
        self._decisions, self.failing_since = decisions, since

    def tells(self, fingerprint: str, now: float) -> bool:
        """Whether a mail about this failure goes soon."""
        decision = self._decisions.get(fingerprint)
        if decision is not None and decision.mutes(now):
            return False
        return self.failing_since is None or now - self.failing_since < LONG

    def trouble(self, now: float) -> float | None:
        """Since when no mail could be sent; None where all is well, or has been until a moment ago."""
        since = self.failing_since
        return since if since is not None and now - since >= SHORT else None
