"""The Flask extensions, made once and bound to each application in create_app."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, has_request_context, request
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import MetaData, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

from microblog.config.settings import ROOT, Settings
from microblog.db import engine, schema


class Base(DeclarativeBase):
    """Constraint names are given, so that a migration can name what it drops, on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class FreshTokenCsrf(CSRFProtect):  # type: ignore[misc]
    """Prefers the header: a page that was given a new token has it there, while its forms still hold the old one."""

    def _get_csrf_token(self) -> str | None:
        for header in current_app.config["WTF_CSRF_HEADERS"]:
            if token := request.headers.get(header):
                return token
        return super()._get_csrf_token()  # type: ignore[no-any-return]


db = SQLAlchemy(model_class=Base)
csrf = FreshTokenCsrf()
login_manager = LoginManager()

event.listen(db.session, "before_flush", engine.refuse_unlocked_writes)
event.listen(db.session, "after_begin", schema.before_use)


class Claim:
    """The form that is being answered, as far as it has a key; this one has none. See microblog/models/outcome.py."""

    def stake(self) -> None:
        """Have the form's key for this change alone. Raises Repeated."""

    def first(self) -> dict[str, Any] | None:
        """What was kept when this very form made its change; None where it has made none. One statement."""
        return None

    def keep(self, **values: object) -> None:
        """What a repeat of the form will be told; JSON, nothing secret. Within `writing`, before the commit."""

    def earlier(self) -> list[dict[str, Any]]:
        """What was kept of the same form with other content, oldest first: sent before, its answer perhaps lost."""
        return []

    def secret(self, salt: str, site_secret: str) -> str:
        """A secret that only this form, sent again, leads to; empty without a key."""
        return ""


@contextmanager
def writing(*, claims: bool = True) -> Iterator[Claim]:
    """``with writing(): load; change; commit``: what is read inside is what is changed. See microblog/db/engine.py.

    Inside a request this is the form's own change: it happens once. Raises Repeated where it has happened before; left
    without a commit, it has not happened. With ``claims=False`` it is bookkeeping (a count, "last seen"), which may.
    """
    make = current_app.extensions.get("claim") if claims and has_request_context() else None
    claim: Claim = make() if make else Claim()
    with engine.writing(db.session()):
        claim.stake()
        yield claim


def look_at_the_schema(app: Flask) -> None:
    """At the start of a server: whether the database has the tables of this code, so that the log says it at once."""
    with app.app_context():
        try:
            db.session.connection()
        except SQLAlchemyError:
            return  # logged, or what the first request will meet and tell
        finally:
            db.session.remove()


def settings() -> Settings:
    """The settings of the running application."""
    return current_app.config["SETTINGS"]  # type: ignore[no-any-return]


def init_app(app: Flask, *, create_database: bool = False) -> None:
    """Bind the extensions to `app`."""
    from flask_migrate import Migrate  # and Alembic, as in schema.wanted

    chosen: Settings = app.config["SETTINGS"]
    app.config["SQLALCHEMY_DATABASE_URI"] = chosen.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine.engine_options(
        chosen.database_url, chosen.server.threads, create=create_database
    )
    db.init_app(app)
    with app.app_context():
        engine.prepare(db.engine)
        schema.prepare(db.engine)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    csrf.init_app(app)
    # Its context processor would load the member while an error page is drawn, from a database that may be the error.
    login_manager.init_app(app, add_context_processor=False)
    login_manager.session_protection = None  # the session is a row of ours; see microblog/models/session.py
