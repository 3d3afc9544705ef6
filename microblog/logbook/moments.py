"""Times as people write them, and as records are stamped."""

import re
from datetime import UTC, datetime, timedelta

from microblog.log.records import timestamp

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"([0-9]{1,9})\s*([smhdw])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def duration(text: str) -> float | None:
    """The seconds of ``90s``, ``10m``, ``2h``, ``3d`` or ``1w``; None for anything else."""
    ago = _AGO.fullmatch(text.strip().lower())
    return int(ago[1]) * UNITS[ago[2]] if ago else None


def moment(text: str, *, now: float, end: bool = False) -> str | None:
    """The timestamp meant by ``2h`` (ago), ``2026-11-21`` or ``2026-11-21T13:39``, in UTC; None where none is.

    With `end` it is the last moment meant: a day lasts until midnight, a minute until the next.
    """
    try:
        if (ago := duration(text)) is not None:
            return timestamp(now - ago)
        found = datetime.fromisoformat(text.strip())
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if end and _DAY.fullmatch(text.strip()):
            at += timedelta(days=1, milliseconds=-1)
        elif end and not (at.second or at.microsecond):
            at += timedelta(minutes=1, milliseconds=-1)
        return timestamp(at.timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def shifted(stamp: str, seconds: float) -> str:
    """The timestamp so many seconds later, or earlier; as it is where it is no timestamp."""
    try:
        return timestamp(datetime.fromisoformat(stamp).timestamp() + seconds)
    except (ValueError, OverflowError, OSError):
        return stamp
