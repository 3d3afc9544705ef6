"""How often something happened in the last two weeks, as a few numbers and as a line of text."""

from collections.abc import Mapping, Sequence

DAYS = 14
BARS = 56  # of six hours each
_BLOCKS = "▁▂▃▄▅▆▇█"


def first_hour(now: float) -> int:
    """The hour, counted from 1970, in which the curve begins."""
    return int(now // 3600) - DAYS * 24 + 1


def bars(hours: Mapping[int, int], now: float, count: int = BARS) -> list[int]:
    """The two weeks before `now` in `count` equal parts; `hours` maps an hour from 1970 to a number."""
    begin, each = first_hour(now), DAYS * 24 // count
    found = [0] * count
    for hour, times in hours.items():
        if 0 <= (part := (hour - begin) // each) < count:
            found[part] += times
    return found


def line(parts: Sequence[int]) -> str:
    """``▁▁▃█▁``: nothing is a space's width of the lowest block, the most is the highest."""
    most = max(parts, default=0)
    if not most:
        return _BLOCKS[0] * len(parts)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[-(-part * top // most)] for part in parts)
