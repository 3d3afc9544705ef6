"""Whether the site can do its work, part by part: what keeps it from working, and what only makes it poorer.

The site is not ready without its database. All else is degraded and stays 200: a machine that is taken out of service
because its mail server is away, or its disk is read-only, would cost the members what still works.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from microblog.alerts.health import Health, health
from microblog.config.settings import Settings
from microblog.db import schema
from microblog.extensions import db
from microblog.log import setup

NEEDED = ("database", "migrations")
"""Without these the answer is 503."""

LITTLE_SPACE = 100_000_000  # bytes; `manage.py check` fails below it too
KEPT = 5.0  # seconds for which what was read from the spool of the alerts counts

T = TypeVar("T")


class Kept(Generic[T]):
    """What `ask` answered within the last KEPT seconds; one thread asks anew, the others get the old answer."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask, self._asking = ask, threading.Lock()
        self._answer: tuple[float, T] | None = None

    def get(self) -> T:
        """The answer, new or kept. Raises what `ask` raises."""
        known = self._answer
        if known is not None and (time.monotonic() - known[0] < KEPT or self._asking.locked()):
            return known[1]
        with self._asking:
            if known is self._answer:  # else somebody was quicker
                self._answer = (time.monotonic(), self._ask())
            return self._answer[1]  # type: ignore[index] # set above, by us or by whoever was quicker


def mail_health(settings: Settings) -> Kept[Health]:
    """How the alerts by mail are doing; made once for each application."""
    return Kept(lambda: health(settings))


def look(settings: Settings, mail: Kept[Health]) -> dict[str, str]:
    """Each part with "ok", "off" or what is wrong with it. Writes nothing."""
    return {**_database(), "disk": _disk(settings), "log": _log(), "mail": _mail(mail.get())}


def is_ready(checks: dict[str, str]) -> bool:
    """Whether nothing that the site needs is wrong."""
    return all(checks[name] == "ok" for name in NEEDED)


def degraded(checks: dict[str, str]) -> list[str]:
    """What is wrong without keeping the site from working."""
    return [name for name, said in checks.items() if name not in NEEDED and said not in {"ok", "off"}]


def _database() -> dict[str, str]:
    found = dict.fromkeys(NEEDED, "ok")
    try:
        schema.compare(db.session.connection())
        db.session.execute(text("SELECT 1 FROM users LIMIT 1"))
    except schema.SchemaBehind:
        found["migrations"] = "the database is at another version than the code"
    except SQLAlchemyError:
        found["database"] = "does not answer"
    return found


def _disk(settings: Settings) -> str:
    wrong = [said for path in dict.fromkeys((settings.data_dir, settings.log_dir)) if (said := _folder(path))]
    return "; ".join(wrong) or "ok"


def _folder(path: Path) -> str:
    # Asked of the system and not tried: on a read-only disk and for lack of a right it says no.
    if not os.access(path, os.W_OK | os.X_OK):
        return f"{path} cannot be written" if path.is_dir() else f"{path} is not there"
    free = shutil.disk_usage(path).free
    return f"{path} has {free / 1e6:,.0f} MB left" if free < LITTLE_SPACE else ""


def _log() -> str:
    file = setup.log_file()
    if file is None or not file.failing:
        return "ok"
    missing = f"; {file.dropped:,} lines are missing" if file.dropped else ""
    return f"{file.path} cannot be written by this process{missing}"


def _mail(found: Health) -> str:
    if found.state == "failing":
        return found.sentence
    return "ok" if found.state == "fine" else "off"
