"""What the tests of the alerts share: settings for a mailbox, records as structlog hands them over, other processes."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

from microblog.alerts.handler import AlertHandler
from microblog.config.settings import ROOT, Alerts, Logs, Mail, Paths, Settings, Site


def settings_for(directory, port, *, alerts=None, **mail):
    """Alerts on, to `port` on this machine, quick enough for a test."""
    values = {"server": "127.0.0.1", "port": port, "admins": ("ana@example.org",), "timeout": 5} | mail
    return Settings(
        site=Site(url="https://blog.example.org"),
        paths=Paths(data=str(directory / "data")),
        logs=Logs(directory=str(directory / "logs")),
        mail=Mail(**values),
        alerts=Alerts(**({"first_wait": 0.3, "backoff": (300, 900), "daily": "", "weekly": ""} | (alerts or {}))),
    )


def with_mail(settings, **mail):
    return replace(settings, mail=replace(settings.mail, **mail))


def record(error=None, *, event="request.failed", level=logging.ERROR, **keys):
    """A LogRecord as structlog's wrap_for_formatter makes it: msg is the event dict."""
    values = {"event": event, **keys}
    if error is not None:
        values["exc_info"] = error
    made = logging.LogRecord("microblog.errors", level, __file__, 1, values, (), None)
    made._logger, made._name = None, "error"
    return made


def raised(error):
    """`error` with a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


def bug(number):
    """Five different bugs: each raised in a function of its own."""

    def zero():
        return 1 // 0

    def one():
        return {}["missing"]

    def two():
        return [][1]

    def three():
        return int("x")

    def four():
        raise RuntimeError("four")

    try:
        (zero, one, two, three, four)[number]()
    except Exception as error:
        return error


@contextlib.contextmanager
def handler_for(settings, **options):
    handler = AlertHandler(settings, **options)
    try:
        yield handler
    finally:
        handler.close()


class Worker:
    """Another process with a handler of its own: tests/support/alert_worker.py. Speaks lines over its pipes."""

    def __init__(self, settings, environment=None):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                str(Path(__file__).with_name("alert_worker.py")),
                json.dumps(asdict(settings)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words):
        self.tell(*words)
        return self.process.stdout.readline().strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(60)
        self._reap()

    def _reap(self):
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


@contextlib.contextmanager
def workers(settings, number):
    started = [Worker(settings) for _ in range(number)]
    try:
        yield started
    finally:
        for worker in started:
            worker.end()
