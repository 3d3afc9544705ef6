"""Levels at run time: `manage.py logs level sqlalchemy=debug --for 10m`, seen by every process within a second or two.

What is wanted stands in one small file beside the log, with its end. Each process looks once a second, on the thread
that watches for slow requests: a request pays nothing for it. A process that starts anew finds the file as it is.
"""

import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from microblog.log import events
from microblog.log.event import LEVELS
from microblog.log.records import timestamp

FILE_NAME = "levels.json"
LONGEST = 7 * 86_400.0
"""Seconds that a change may last: whoever wants more means the setting logs.level."""
_LARGEST = 10_000  # bytes

log = structlog.get_logger(__name__)


class UnfitLevels(ValueError):
    """The text is not a sentence about levels; it says why."""


@dataclass(frozen=True)
class Wanted:
    """The levels by the names of their loggers, until then (seconds since 1970)."""

    levels: Mapping[str, str] = field(default_factory=dict)
    until: float = 0.0


def read(path: Path, known: Mapping[str, object], now: float) -> Wanted:
    """What the file wants now; nothing where there is none, or its time is over. Raises UnfitLevels, OSError.

    Only loggers in `known`, or below them, and only for LONGEST: the file may have been written by anybody.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Wanted()
    try:
        found = json.loads(text) if len(text) <= _LARGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or set(found) != {"levels", "until"} or not isinstance(found["levels"], dict):
        raise UnfitLevels("it is not what `manage.py logs level` writes")
    until = found["until"]
    if isinstance(until, bool) or not isinstance(until, int | float) or not until <= now + LONGEST:
        raise UnfitLevels("its end is none, or too far away")
    for name, level in found["levels"].items():
        if not is_known(name, known) or level not in LEVELS:
            raise UnfitLevels("it names a logger or a level that is not known")
    return Wanted(found["levels"], float(until)) if until > now else Wanted()


def write(path: Path, wanted: Wanted) -> None:
    """Put the file in place, whole; remove it where nothing is wanted. Raises OSError."""
    if not wanted.levels:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{FILE_NAME}.", delete=False) as draft:
        json.dump({"levels": dict(wanted.levels), "until": wanted.until}, draft)
    try:
        os.chmod(draft.name, 0o640)  # noqa: PTH101 - as the log itself
        if os.geteuid() == 0:  # the site must be able to read what `sudo manage.py` wrote
            owner = path.parent.stat()
            os.chown(draft.name, owner.st_uid, owner.st_gid)
        os.replace(draft.name, path)  # noqa: PTH105 - a name, not a Path
    except OSError:
        with suppress(OSError):
            os.unlink(draft.name)  # noqa: PTH108
        raise


def is_known(name: object, known: Mapping[str, object]) -> bool:
    """Whether `name` is one of `known` or a logger below one."""
    return isinstance(name, str) and len(name) < 200 and any(f"{name}.".startswith(f"{one}.") for one in known)


class Levels:
    """The levels of one process: those of the settings in `base`, and above them what the file wants."""

    def __init__(self, path: Path, base: Mapping[str, int], program: Callable[[int], None]) -> None:
        """`program` is told the least level that any of our own loggers has."""
        self.path, self._base, self._program = path, base, program
        self._seen: tuple[int, ...] | None = ()
        self._wanted = Wanted()
        self._changed: dict[str, int] = {}
        self._lock = threading.Lock()

    def look(self, now: float | None = None) -> None:
        """Do what the file wants, or no longer wants. Never raises; what cannot be used is told once."""
        now = time.time() if now is None else now
        with self._alone():
            seen = self._stat()
            if seen == self._seen and (not self._wanted.levels or now < self._wanted.until):
                return
            problem = ""
            try:
                wanted = read(self.path, self._base, now) if seen else Wanted()  # no folder either: told by the log
            except (UnfitLevels, OSError) as error:
                wanted, problem = Wanted(), str(error)
            fresh = seen != self._seen
            self._seen = seen
            told = wanted != self._wanted
            if told:
                self._apply(wanted)
        if problem and fresh:
            log.warning(events.LOG_LEVELS_IGNORED, path=str(self.path), error=problem)
        if told:
            until = timestamp(wanted.until) if wanted.levels else None
            log.info(events.LOG_LEVEL_CHANGED, levels=dict(wanted.levels), until=until, pid=os.getpid())

    def take_back(self) -> None:
        """As the settings say."""
        with self._alone():
            self._apply(Wanted())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        held = self._lock.acquire(timeout=1)  # not for ever: a fork may have copied it while it was held
        try:
            yield
        finally:
            if held:
                self._lock.release()

    def _stat(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - once a second, in every process
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _apply(self, wanted: Wanted) -> None:
        for name, before in self._changed.items():
            logging.getLogger(name).setLevel(self._base.get(name, before))
        self._changed = {}
        numbers = logging.getLevelNamesMapping()
        least = self._base["microblog"]
        for name, level in wanted.levels.items():
            self._changed[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(numbers[level.upper()])
            if name.split(".")[0] == "microblog":
                least = min(least, numbers[level.upper()])
        self._program(least)
        self._wanted = wanted


def switchable(level: int) -> tuple[type[Any], Callable[[int], None]]:
    """structlog's bound logger for `level`, and how to give it another one while loggers made of it are in use.

    Its methods are replaced by those of the class for the other level, so a call costs what it always costs.
    """
    made: type[Any] = type("SwitchableLogger", (structlog.make_filtering_bound_logger(level),), {})

    def switch(to: int) -> None:
        for name, method in vars(structlog.make_filtering_bound_logger(to)).items():
            if not name.startswith("__"):
                setattr(made, name, method)

    return made, switch
