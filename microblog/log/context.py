"""What is known of the running request: counted and noted while it runs, written once it is over."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from microblog.network import network_of


@dataclass(frozen=True)
class Told:
    """What the person was told of a failure. `said` is empty where it was the usual words of the status."""

    code: str
    answer: str
    said: str = ""


@dataclass
class RequestStats:
    """Filled by whoever knows; read by the one canonical line. Times in milliseconds."""

    sql_count: int = 0
    sql_ms: float = 0.0
    route: str = ""
    endpoint: str = ""
    user_id: int | None = None
    drill: bool = False  # an error on purpose, which counts nowhere
    told: Told | None = None
    environ: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sender(self) -> str:
        """The member who asks, or else the network; asked at the end, when a proxy's word for it is known."""
        if self.user_id is not None:
            return f"user {self.user_id}"
        return network_of(self.environ.get("REMOTE_ADDR", ""))


stats: ContextVar[RequestStats | None] = ContextVar("stats", default=None)


@contextmanager
def sent_from(client: Any) -> Iterator[None]:
    """Log for what never became a request, sent by `client`: a socket's address."""
    token = stats.set(RequestStats(environ={"REMOTE_ADDR": str(client[0]) if isinstance(client, tuple) else ""}))
    try:
        yield
    finally:
        stats.reset(token)


def count_sql(ms: float, *, counts: bool = True) -> None:
    """Add an SQL statement's `ms` milliseconds to the running request, if there is one.

    Without `counts` only the time is added: taking the lock costs time but is not a query.
    """
    current = stats.get()
    if current is not None:
        current.sql_count += counts
        current.sql_ms += ms


def note_told(told: Told) -> None:
    """What the running request says of its failure."""
    current = stats.get()
    if current is not None:
        current.told = told


def bind(**keys: object) -> None:
    """Have every record of the running request carry `keys` from now on, those of other libraries included."""
    bind_contextvars(**keys)


def clear() -> None:
    """Forget what was bound and counted: a thread that answers many requests starts each with nothing."""
    clear_contextvars()
    stats.set(None)


def reference() -> str | None:
    """The reference of the running request, if there is one."""
    found = get_contextvars().get("reference")
    return found if isinstance(found, str) else None
