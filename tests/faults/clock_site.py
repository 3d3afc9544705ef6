"""`manage.py`, in a world whose clock can be set: seconds ahead stand in the file CLOCK. Started by the tests."""

import datetime
import os
import sys
import time
from pathlib import Path

_file = Path(os.environ["CLOCK"])
_time = time.time


def ahead() -> float:
    return float(_file.read_text() or 0)


def wall_clock() -> float:
    return _time() + ahead()


class _Moment(type(datetime.datetime)):  # type: ignore[misc]
    """So that what the C library makes is still a datetime."""

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, _datetime)


_datetime = datetime.datetime


class Jumping(_datetime, metaclass=_Moment):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "Jumping":
        return cls.fromtimestamp(wall_clock(), tz)


time.time = wall_clock
time.time_ns = lambda: int(wall_clock() * 1e9)
datetime.datetime = Jumping  # type: ignore[misc]

from microblog.cli import main  # noqa: E402 - only now is the world as it should be

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
