"""How much is tried: for how long a loop looks for the rare case, and how many cases of one kind."""

import os
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

VARIABLE = "MICROBLOG_TEST_SECONDS"
"""Seconds for each such loop; `manage.py test --long` makes it 120."""

LONG = "MICROBLOG_TEST_LONG"
"""Set by --long."""

Case = TypeVar("Case")


def few(every: Iterable[Case], *kept: Case) -> list[Case]:
    """The cases `kept`, which differ from each other; all of `every`, which do not, with --long."""
    cases = list(every)
    assert set(kept) <= set(cases)
    return cases if os.environ.get(LONG) else list(kept)


def seconds(usual: float = 3) -> float:
    """The value of MICROBLOG_TEST_SECONDS, else `usual`."""
    return float(os.environ.get(VARIABLE, usual))


def rounds(at_least: int = 1) -> Iterator[int]:
    """0, 1, 2 and so on until the time is up, but `at_least` so many."""
    end, number = time.monotonic() + seconds(), 0
    while number < at_least or time.monotonic() < end:
        yield number
        number += 1
