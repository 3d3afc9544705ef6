"""What the alerts have to say about themselves: into the log, below ERROR, so that it is never mailed.

Everything here is total: when even the log fails, nobody is left to tell.
"""

import contextlib
import time

import structlog

from microblog.log import events, plain
from microblog.log.redaction import scrub

QUIET = 60.0  # seconds in which the same kind of trouble is reported once

# Asked for each time: a logger kept here would keep the configuration of its first use.
_NAME = "microblog.alerts"


def sent(*, fingerprints: list[str], count: int, recipients: int, ms: float, reason: str) -> None:
    """A server has accepted a mail that tells `count` errors. `reason`: "alert" or "digest"."""
    with contextlib.suppress(Exception):
        log = structlog.get_logger(_NAME)
        log.info(
            events.ALERT_SENT,
            fingerprints=fingerprints,
            count=count,
            recipients=recipients,
            ms=round(ms, 1),
            reason=reason,
        )


def failed(
    step: str,
    problem: str,
    *,
    code: int | None = None,
    attempt: int | None = None,
    retry_in: float | None = None,
    queued: int | None = None,
) -> None:
    """`step` went wrong; nothing is lost by it. `retry_in` in seconds, `queued` errors wait to be told."""
    with contextlib.suppress(Exception):
        log = structlog.get_logger(_NAME)
        log.warning(
            events.ALERT_FAILED,
            error=f"{step}: {problem}",
            code=code,
            attempt=attempt,
            retry_in=retry_in,
            queued=queued,
        )


class Troubles:
    """Reports a kind of trouble that may come a thousand times a second once a minute."""

    def __init__(self) -> None:
        self._reported: dict[str, float] = {}

    def report(self, step: str, error: BaseException) -> None:
        """Report `error` unless this step was reported within the last minute."""
        now = time.monotonic()
        if now - self._reported.get(step, -QUIET) >= QUIET:
            self._reported[step] = now
            failed(step, scrub(f"{plain.type_name(error)}: {plain.line(error, 300)}"))
