"""The switch that tests of faults use: debug mode said explicitly, for as long as one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Flask

from microblog.dev import debug_mode

if TYPE_CHECKING:
    from microblog.dev.faults.edge import Edge


@contextmanager
def injecting(app: Flask, *, panel: bool = False) -> Iterator["Edge"]:
    """The faults in `app`, which has had no request yet; gone at the end."""
    debug_mode.enter(replace(app.config["SETTINGS"], debug=True))
    from microblog.dev.faults.install import install  # not before: see microblog/dev/faults/__init__.py

    edge, undo = install(app, panel=panel)
    try:
        yield edge
    finally:
        undo()
        debug_mode.leave()
