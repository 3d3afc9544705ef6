"""Moments in a person's words: how long ago, and the exact time in the zone of whoever reads."""

from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo, available_timezones

from flask import g
from markupsafe import Markup

from microblog.models.columns import now

_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (7 * 86_400, 86_400, "d"))


@lru_cache(maxsize=600)
def zone(name: str) -> tzinfo:
    """The time zone called `name`; UTC where there is none of that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, OSError, ValueError):  # none of that name; a folder; no name at all
        return UTC


@cache
def zones() -> dict[str, list[str]]:
    """The zones that can be chosen, by continent; each as ZoneInfo and the browser call it."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return {continent: list(some) for continent, some in groupby(names, key=lambda name: name.split("/")[0])}


def is_zone(name: str) -> bool:
    """Whether `name` is one of those that can be chosen."""
    return any(name in names for names in zones().values())


def zone_of_viewer() -> tzinfo:
    """The zone whoever looks has chosen."""
    viewer = g.get("viewer")
    return zone(viewer.time_zone) if viewer else UTC


def in_words(value: datetime, moment: datetime, place: tzinfo) -> str:
    """How long before `moment` it was, up to a week; then the day that it was in the time zone `place`."""
    seconds = (moment - value).total_seconds()
    if seconds < 5:
        return "now"  # also what a clock that was put back makes of the future
    for limit, step, unit in _STEPS:
        if seconds < limit:
            return f"{int(seconds // step)} {unit}"
    local = value.astimezone(place)
    return local.strftime("%-d %b" if value.year == moment.year else "%-d %b %Y")


def ago(value: datetime) -> Markup:
    """`value` as "5 min", with the exact time for machines and on hover."""
    place = zone_of_viewer()
    return time_tag(value.astimezone(place), in_words(value, now(), place))


def time_tag(exact: datetime, words: str) -> Markup:
    """`words`, with the exact time, which is in the reader's zone."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.astimezone(UTC).isoformat(timespec="seconds"), exact.strftime("%-d %B %Y, %H:%M %Z"), words
    )
