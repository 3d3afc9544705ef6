"""What is counted for Prometheus, by all processes of the site together. Counting never raises and never waits.

The counts of a process stand in files that all processes can read; whoever is asked adds them up. The files lie in
memory (see `share`), each belongs to a place that one process at a time holds by a lock, and the process that takes a
dead one's place counts on in its files. So nothing is lost with a process, and the files do not become more.

The library keeps one lock for all its values, which a fork in the wrong moment would copy locked for ever; and it
chooses its kind of value when it is imported. So both are made anew here, after each fork.
"""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client import values as library
from prometheus_client.multiprocess import MultiProcessCollector

from microblog.config.settings import Settings
from microblog.log import events
from microblog.log.event import LEVELS
from microblog.log.plain import short_hash
from microblog.log.unlocked import UnlockedHandler

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
"""What no route matched: addresses that are none, and what was refused before it was looked at."""

_FILE_BYTES = 262_144
"""Room for 2,000 series. Reserved in advance: on a memory disk that fills up later, writing would kill the process."""
_FILES = ("counter", "histogram", "gauge_livesum")
_PREFIX = "microblog-metrics"
_PLACES = 256

P = ParamSpec("P")
log = structlog.get_logger(__name__)


class Meters:
    """The counters of this process, made for the library's present kind of value."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_route, options = ["route"], {"namespace": "microblog", "registry": self.registry}
        made: dict[str, Any] = options
        self.requests = Counter("requests", "Requests answered.", ["method", "route", "status"], **made)
        self.seconds = Histogram("request_seconds", "What they took, whole.", by_route, buckets=SECONDS, **made)
        self.in_progress = Gauge(
            "requests_in_progress", "Requests being answered.", multiprocess_mode="livesum", **made
        )
        self.sql = Counter("sql_statements", "SQL statements of requests.", by_route, **made)
        self.sql_seconds = Counter("sql_seconds", "What these took.", by_route, **made)
        self.records = Counter("log_records", "Records logged.", ["level"], **made)
        self.dropped = Counter("log_lines_dropped", "Log lines that reached neither the file nor stderr.", **made)
        self.sign_ins_failed = Counter("sign_ins_failed", "Wrong names or passwords.", **made)
        self.refused = Counter("forms_refused", "Fields that validation refused.", ["form", "field"], **made)

        self._known: dict[tuple[Any, ...], Any] = {}

    def of(self, meter: Any, *labels: str) -> Any:
        """The one of `meter` with these labels; remembered, as the library's way to it costs more than counting."""
        found = self._known.get((meter, *labels))
        if found is None:
            found = self._known[meter, *labels] = meter.labels(*labels)
        return found


disable_created_metrics()  # type: ignore[no-untyped-call]
_meters = Meters()
_folder: Path | None = None  # of the files, where several processes count together
_place: int | None = None  # the descriptor of the lock on ours


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    @wraps(count)
    def counted(*args: P.args, **options: P.kwargs) -> None:
        try:
            count(*args, **options)
        except Exception:  # noqa: BLE001 - a request is worth more than its count
            return

    return counted


# What happened


@_harmless
def request_began() -> None:
    """One more is being answered; `request_ended` takes it back."""
    _meters.in_progress.inc()


@_harmless
def request_ended() -> None:
    _meters.in_progress.dec()


@_harmless
def request_finished(method: str, route: str, status: int, seconds: float, sql_count: int, sql_ms: float) -> None:
    """The same that request.finished tells of a request."""
    route = route or NO_ROUTE
    _meters.of(_meters.requests, method if method in METHODS else "other", route, str(status)).inc()
    _meters.of(_meters.seconds, route).observe(seconds)
    if sql_count:
        _meters.of(_meters.sql, route).inc(sql_count)
        _meters.of(_meters.sql_seconds, route).inc(sql_ms / 1000)


@_harmless
def form_refused(form: str, field: str) -> None:
    _meters.of(_meters.refused, form, field).inc()


@_harmless
def sign_in_failed() -> None:
    _meters.sign_ins_failed.inc()


@_harmless
def line_dropped() -> None:
    _meters.dropped.inc()


class Counting(UnlockedHandler):
    """Counts records by their level; those of a drill are none."""

    def emit(self, record: logging.LogRecord) -> None:
        if not (isinstance(record.msg, dict) and record.msg.get("drill")):
            _count_record(record.levelname.lower())


@_harmless
def _count_record(level: str) -> None:
    _meters.of(_meters.records, level if level in LEVELS else "other").inc()


# Telling it


def exposition() -> bytes:
    """All of it in the text format of Prometheus 0.0.4. Raises what reading the files raises."""
    if _folder is None:
        return generate_latest(_meters.registry)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(_folder))  # type: ignore[no-untyped-call] # the library has no type here
    return generate_latest(registry)


# Several processes


def share(settings: Settings) -> None:
    """Have this process and all it will fork count together. Where that cannot be had, each counts by itself.

    In memory, where there is such a folder: a disk that blocks or is full must not do so to a request.
    """
    global _folder
    memory = Path("/dev/shm")  # noqa: S108 - the folder below is made with a random name, for us alone
    above = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    prefix = f"{_PREFIX}-{short_hash(settings.data_dir)}-"
    try:
        _clean(above, prefix)
        _folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=above))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_folder)
    except OSError as error:
        _alone(error)
    else:
        _take_place()


def end(settings: Settings) -> None:
    """Remove the files; the process that called `share` calls this last."""
    if _folder is not None and f"{short_hash(settings.data_dir)}-{os.getpid()}-" in _folder.name:
        shutil.rmtree(_folder, ignore_errors=True)


def _clean(above: Path, prefix: str) -> None:
    """Remove what servers of this site left that were killed."""
    for left in above.glob(f"{prefix}*"):
        number = left.name.removeprefix(prefix).partition("-")[0]
        if left.stat().st_uid == os.getuid() and number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(left, ignore_errors=True)


def _take_place() -> None:
    """Count in the files of the first place that is free."""
    global _meters, _place
    try:
        number = _free_place()
        library.ValueClass = library.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
        _meters = Meters()
    except (OSError, ValueError, RuntimeError) as error:
        _alone(error)


def _free_place() -> int:
    global _place
    assert _folder is not None
    for number in range(_PLACES):
        descriptor = os.open(_folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        _place = descriptor
        # What it was answering when it died, nobody answers any more.
        (_folder / f"gauge_livesum_{number}.db").unlink(missing_ok=True)
        for kind in _FILES:
            _reserve(_folder / f"{kind}_{number}.db")
        return number
    raise OSError("no place is free")


def _reserve(path: Path) -> None:
    """Make the file at `path` with all its room; it appears whole, for others read it."""
    if path.exists():
        return
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
    draft.replace(path)


def _alone(error: Exception) -> None:
    global _meters
    library.ValueClass = library.MutexValue
    _meters = Meters()
    log.warning(events.METRICS_PARTED, error=f"{type(error).__name__}: {error}")


def _after_fork() -> None:
    """In the child: the place is the parent's, and a lock may be held by a thread that did not come along."""
    global _place, _meters
    if _folder is None:
        _meters = Meters()
        return
    if _place is not None:
        os.close(_place)
        _place = None
    _take_place()


os.register_at_fork(after_in_child=_after_fork)
