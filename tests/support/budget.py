"""How long a loop that looks for the rare case may take."""

import os
import time
from collections.abc import Iterator

VARIABLE = "MICROBLOG_TEST_SECONDS"
"""Seconds for each such loop; `manage.py test --long` makes it 120."""


def seconds() -> float:
    return float(os.environ.get(VARIABLE, "3"))


def rounds(at_least: int = 1) -> Iterator[int]:
    """0, 1, 2 and so on until the time is up, but `at_least` so many."""
    end, number = time.monotonic() + seconds(), 0
    while number < at_least or time.monotonic() < end:
        yield number
        number += 1
