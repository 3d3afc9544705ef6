"""Put the faults into an application. The only door to this package."""

from collections.abc import Callable

from flask import Flask

from microblog.dev.debug_mode import required
from microblog.dev.faults import strikes
from microblog.dev.faults.edge import Edge
from microblog.dev.faults.panel import Panel
from microblog.extensions import db


def install(app: Flask, *, panel: bool = True) -> tuple[Edge, Callable[[], None]]:
    """The edge, which arms and clears, and a function that takes away what would outlive `app`. Raises NotInDebugMode.

    Call it before the first request, after everything else was set up.
    """
    required("microblog.dev.faults")
    with app.app_context():
        undo = strikes.prepare(app, db.engine)
    edge = Edge(app.wsgi_app, app.config["SETTINGS"], Panel(app) if panel else None)
    app.wsgi_app = edge  # type: ignore[method-assign]
    return edge, undo
