"""The production server: gunicorn with several processes of several threads, started from here and not by a file.

Why gunicorn, with the figures: docs/server.md. What is set differently from its defaults, and why, stands at each line.
"""

import errno
import os
import platform
import random
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from microblog import create_app
from microblog.alerts.health import missing
from microblog.alerts.start import start
from microblog.config.settings import Settings
from microblog.db import in_use
from microblog.log import events, metrics
from microblog.serving.worker import Logger, Worker, hide_server_header
from microblog.web.assets import has_htmx

STOP_SECONDS = 15  # requests in flight get this long after SIGTERM; with the flush of alerts it stays under 20
IDLE_SECONDS = 5  # a kept-alive connection; browsers open a new one in no time, and proxies keep their own
SILENT_SECONDS = 60  # a worker whose main loop says nothing for so long is replaced

MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes its file there under a random name and unlinks it at once
Announce = Callable[[Settings, int], None]

log = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The address cannot be served; the text is one sentence that says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for `host` and `port`; port 0 takes a free one. Raises CannotListen.

    Bound here and not by gunicorn, which tries five times, a second each, and tells in ten lines.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Two sockets may be bound to one port with SO_REUSEADDR as long as none listens; so this one does at once.
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise CannotListen(_why_not(host, port, error)) from error
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken by another program; stop that one, or take another port: "
            f"python3 manage.py run --port {port + 1 if port < 65535 else 8000}"
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}; from 1024 on everybody may: python3 manage.py run --port 8000"
    return f"{host} is not an address of this machine ({error.strerror}); 127.0.0.1 always is."


def serve(settings: Settings, listener: socket.socket, *, version: str, announce: Announce) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `announce` is called with the settings and our
    process id once the site answers.

    SIGTERM lets requests in flight finish, for STOP_SECONDS at most.
    """
    # Here too, and not only in the workers: it is this process that sees one die.
    start(settings, process="web")
    in_use.hold(settings)
    metrics.share(settings)
    hide_server_header()
    try:
        _Master(_Application(settings, listener.detach(), version, announce)).run()
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0


def processors() -> list[int]:
    """Those that workers may be given, in any order: two sites on one machine shall not begin with the same.

    Empty where a process cannot be kept on one (macOS), or gains nothing from it (a Python without the global lock).
    """
    if not hasattr(os, "sched_getaffinity") or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return []
    allowed = list(os.sched_getaffinity(0))
    random.shuffle(allowed)
    return allowed


def stay(_arbiter: Any, worker: Any) -> None:
    """Keep the process that runs this on its worker's processor.

    One thread of a process runs Python at a time. On two processors each system call of one wakes another thread over
    there, which finds the interpreter's lock taken again or makes the first one wait: twice the time for a request,
    whenever it comes to that (docs/server.md has the figures). On one processor there is nothing to be won by waking.
    """
    if worker.processor is not None:
        with suppress(OSError):  # no longer ours: the kernel knows a better one
            os.sched_setaffinity(0, {worker.processor})


class _Master(Arbiter):  # type: ignore[misc] # gunicorn has no types
    """The process that starts, watches and stops the workers."""

    def handle_hup(self) -> None:
        """The terminal is gone: stop, as every program does. gunicorn would load its configuration again and stay."""
        raise StopIteration

    def handle_usr2(self) -> None:
        """gunicorn would start a second copy of itself by a command line that it does not have here."""


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """What gunicorn asks for: its configuration, and the WSGI application of each worker."""

    def __init__(self, settings: Settings, descriptor: int, version: str, announce: Announce) -> None:
        self.settings, self.descriptor, self.version, self.announce = settings, descriptor, version, announce
        self.processors = processors()
        self.master = os.getpid()
        self.started = time.monotonic()
        super().__init__()

    def load_config(self) -> None:
        server = self.settings.server
        chosen = {
            "bind": [f"fd://{self.descriptor}"],
            "limit_request_line": 8190,  # long links are the application's to refuse, with a page of ours
            "worker_class": Worker,
            "workers": server.workers,
            "threads": server.threads,
            "graceful_timeout": STOP_SECONDS,
            "keepalive": IDLE_SECONDS,
            "timeout": SILENT_SECONDS,
            # Each worker makes its own application: threads, database connections and locks do not survive a fork.
            "preload_app": False,
            # Heartbeat files on a disk block a worker when the disk does.
            "worker_tmp_dir": MEMORY if Path(MEMORY).is_dir() else None,
            # Who is believed about X-Forwarded-* is the application's decision (server.proxies), and nobody else's.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "control_socket_disable": True,  # no second way in
            "accesslog": None,  # request.finished tells more
            "logger_class": Logger,
            "loglevel": "warning",
            "proc_name": "microblog",
            "pre_fork": self._choose_processor,
            "post_fork": stay,
            "post_worker_init": self._worker_ready,
            "on_exit": self._stopped,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        alerts = start(self.settings, process="web")
        alerts.start()  # what an earlier process could not send any more is sent now
        return create_app(self.settings, alerts=alerts, serving=True)

    def _choose_processor(self, arbiter: Any, worker: Any) -> None:
        """The one that the fewest workers have; called before the worker's process begins."""
        taken = [other.processor for other in arbiter.WORKERS.values()]
        worker.processor = min(self.processors, key=taken.count, default=None)

    def _worker_ready(self, worker: Any) -> None:
        log.info(events.WORKER_STARTED, pid=worker.pid)
        if worker.age == 1:  # the very first; its replacements are older
            self._up()

    def _up(self) -> None:
        settings = self.settings
        if not has_htmx():
            log.warning(events.ASSETS_MISSING, hint="every page works as plain forms; the next start tries again")
        self.announce(settings, self.master)
        log.info(
            events.SERVER_STARTED,
            version=self.version,
            python=platform.python_version(),
            pid=self.master,
            host=settings.server.host,
            port=settings.server.port,
            url=settings.site.url,
            workers=settings.server.workers,
            threads=settings.server.threads,
            environment=settings.site.environment,
            debug=False,
            database=settings.database_url.partition(":")[0].partition("+")[0],
            mail=missing(settings) is None,
        )
        for notice in settings.notices:
            log.warning(events.CONFIG_NOTICED, hint=notice)

    def _stopped(self, _arbiter: Any) -> None:
        log.info(events.SERVER_STOPPED, pid=self.master, uptime=round(time.monotonic() - self.started))
        metrics.end(self.settings)
