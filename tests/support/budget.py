"""How long a loop that looks for the rare case may take."""

import os
import time
from collections.abc import Iterator

VARIABLE = "MICROBLOG_TEST_SECONDS"
"""Seconds for each such loop; `manage.py test --long` makes it 120."""


def seconds(usual: float = 3) -> float:
    """What the setting says, else `usual`."""
    return float(os.environ.get(VARIABLE, usual))


def rounds(at_least: int = 1) -> Iterator[int]:
    """0, 1, 2 and so on until the time is up, but `at_least` so many."""
    end, number = time.monotonic() + seconds(), 0
    while number < at_least or time.monotonic() < end:
        yield number
        number += 1
