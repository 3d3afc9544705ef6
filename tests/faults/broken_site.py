"""`manage.py`, with views that fail. Started as a process by the tests; see tests/support/site.py."""

import asyncio
import os
import sys
import time
from pathlib import Path

from flask import Flask

from microblog.cli import main
from microblog.serving import production

make = production.create_app


class NoErrorAtAll(BaseException):
    """Not even an Exception."""


KNOWN = {error.__name__: error for error in (SystemExit, GeneratorExit, asyncio.CancelledError, NoErrorAtAll)}


def endless(number: int = 0) -> int:
    return endless(number + 1)


def fail(name: str) -> str:
    if name == "RecursionError":
        endless()
    if name == "MemoryError":
        return "x" * (1 << 62)
    raise KNOWN.get(name, RuntimeError)(name)


def hang(seconds: float) -> str:
    """For so long, or until there is a file `released` in the data directory."""
    end, released = time.monotonic() + seconds, Path(os.environ["MICROBLOG_PATHS__DATA"]) / "released"
    while time.monotonic() < end and not released.exists():
        time.sleep(0.1)
    return "woke up"


def create_app(*args: object, **options: object) -> Flask:
    app: Flask = make(*args, **options)  # type: ignore[arg-type]
    app.add_url_rule("/test/raise/<name>", view_func=fail)
    app.add_url_rule("/test/hang/<float:seconds>", view_func=hang)
    app.add_url_rule("/test/large", "large", lambda: "x" * 30_000_000)
    app.add_url_rule("/test/pid", "pid", lambda: str(os.getpid()))
    return app


production.create_app = create_app

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
