"""Errors to a service that speaks Sentry's protocol (Sentry, GlitchTip, Bugsink), where one is set; off by default.

The package sentry-sdk, which is not among the requirements, carries and queues; what is told is made here from the
record that stands in the log: redacted, without variables, and without what says who asked. Nothing of the package
watches the program, and no request waits for the service: it has a thread of its own, and drops what it cannot hold.
"""

import importlib
import logging
import os
import threading
from typing import Any

from microblog.alerts.summary import Seen
from microblog.alerts.wording import version
from microblog.config.settings import ROOT, Settings
from microblog.log.records import build, fields
from microblog.log.unlocked import UnlockedHandler

PACKAGE = "sentry_sdk"
CLOSE_SECONDS = 2.0  # for what is still queued when the process ends

_SILENT = frozenset({"request.finished"})  # the failure itself has its own record
_ITS_OWN = ("sentry_sdk", "urllib3")
_TAGS = ("reference", "method", "route", "status", "drill")
_EXTRA = ("code", "error", "part", "recent", "seconds", "dropped")
_LEVELS = {"critical": "fatal"}


def missing(settings: Settings) -> str | None:
    """Why nothing is sent although a service is set; None where nothing is wrong."""
    if not settings.alerts.sentry_dsn:
        return None
    try:
        importlib.import_module(PACKAGE)
    except ImportError:
        return (
            "alerts.sentry_dsn is set, but its package is not installed, so nothing is sent there: "
            "pip install --require-hashes -r requirements-sentry.txt"
        )
    return None


def handler(settings: Settings) -> "SentryHandler | None":
    """The handler, where a service is set and the package is there."""
    wanted = bool(settings.alerts.sentry_dsn) and missing(settings) is None
    return SentryHandler(settings) if wanted else None


class SentryHandler(UnlockedHandler):
    """Hands records from ERROR on to the package's queue. Stand it behind `setup.Guarded`: it may raise."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(logging.ERROR)
        self._settings = settings
        self._client: Any = None
        self._pid = 0
        self._making = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue it, or drop it where the queue is full."""
        told = fields(record)
        # What the package says of itself, in its thread, would come back to it.
        if told.get("event") not in _SILENT and not record.name.startswith(_ITS_OWN):
            self._connected().capture_event(event_of(record, told))

    def close(self) -> None:
        """Give what is queued a moment."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close(timeout=CLOSE_SECONDS)
        super().close()

    def _connected(self) -> Any:
        """The client of this process: a thread does not come along through a fork."""
        with self._making:
            if self._client is None or self._pid != os.getpid():
                self._client, self._pid = self._make(), os.getpid()
            return self._client

    def _make(self) -> Any:
        return importlib.import_module(PACKAGE).Client(
            dsn=self._settings.alerts.sentry_dsn,
            release=f"microblog@{version()}",
            environment=self._settings.site.environment,
            # Nothing is collected, patched or started beside the queue.
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            enable_backpressure_handling=False,
            enable_metrics=False,
            spotlight=False,
            send_client_reports=False,
            max_breadcrumbs=0,
            # Said again, though nothing but what `event_of` makes is ever handed over.
            include_local_variables=False,
            max_request_body_size="never",
            shutdown_timeout=CLOSE_SECONDS,
        )


def event_of(record: logging.LogRecord, told: dict[str, Any]) -> dict[str, Any]:
    """The record as the protocol wants it. Its fingerprint is ours, so that groups are those of the mail."""
    built = build(record, told)
    event: dict[str, Any] = {
        "platform": "python",
        "timestamp": built["timestamp"],
        "level": _LEVELS.get(built["level"], built["level"]),
        "logger": built["logger"],
        "fingerprint": [Seen.of(record).fingerprint],
        "tags": {key: str(built[key]) for key in _TAGS if key in built} | {"event": built["event"][:200]},
        "extra": {key: built[key] for key in _EXTRA if key in built},
    }
    if built.get("route"):
        event["transaction"] = built["route"]
    if described := built.get("exception"):
        event["exception"] = {"values": [_exception(one) for one in reversed(described)]}  # the cause first
    else:
        event["logentry"] = {"message": built["event"]}
    return event


def _exception(one: dict[str, Any]) -> dict[str, Any]:
    frames = [
        {
            "filename": frame["file"],
            "lineno": frame["line"],
            "function": frame["function"],
            "context_line": frame["source"],
            "in_app": (ROOT / frame["file"]).is_file(),  # what stands in the checkout
        }
        for frame in one["frames"]
    ]
    return {
        "type": one["type"],
        "module": one["module"],
        "value": one["message"],
        **({"stacktrace": {"frames": frames}} if frames else {}),
    }
