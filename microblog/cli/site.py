"""The application for a command: with its log, without a server."""

from collections.abc import Iterator
from contextlib import contextmanager

from microblog import create_app
from microblog.config.settings import Settings
from microblog.extensions import db
from microblog.log.setup import configure


@contextmanager
def opened(settings: Settings, *, create_database: bool = False) -> Iterator[None]:
    """The application's context; what happens inside is logged, and its connections are closed at the end."""
    configure(settings, process="cli")
    with create_app(settings, create_database=create_database).app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()
