"""How a fault strikes: by the exception that the real trouble would raise, at the place where it would be raised."""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import psycopg.errors
from flask import Flask, request, session
from jinja2 import TemplateNotFound
from sqlalchemy import Engine, event
from werkzeug.exceptions import BadRequest, NotFound, ServiceUnavailable

from microblog.alerts.smtp import Delivery, NotDelivered, Receipt
from microblog.dev.faults.catalogue import Fault
from microblog.extensions import login_manager
from microblog.models.columns import now
from microblog.models.errors import NotYours, Stale, Taken, TooFast
from microblog.models.user import Edit, User


class Injected(RuntimeError):
    """The bug of the faults 500 and mail."""


@dataclass
class Strike:
    """The fault of the running request; `spent` once it has struck."""

    fault: Fault
    spent: bool = False


_strike: ContextVar[Strike | None] = ContextVar("strike", default=None)


@contextmanager
def striking(fault: Fault) -> Iterator[None]:
    """The request that runs inside meets `fault`."""
    token = _strike.set(Strike(fault))
    try:
        yield
    finally:
        _strike.reset(token)


def _meets(*names: str) -> str:
    """The fault that the running request meets, where it is one of `names`."""
    strike = _strike.get()
    return strike.fault.name if strike and strike.fault.name in names else ""


# In Flask


def before_anything() -> None:
    """Before the token and the member are looked at: a session that ended, a form with too many fields."""
    if _meets("413"):
        request.max_form_parts = 0
    if _meets("session"):
        if "_user_id" in session:
            session["_user_id"] = "of a session that has ended"
            session.modified = False  # for this request only: the cookie stays as it is
        else:
            session.clear()


def at_the_view() -> None:
    """Raises what the product raises for the status, where its views raise it."""
    if _meets("mail"):
        global _no_mail_until
        _no_mail_until = time.monotonic() + NO_MAIL
    if status := _meets(*_RAISES):
        raise _RAISES[status]()
    if _meets("400") and not request.content_length:
        raise BadRequest  # nothing was there to be cut: see edge.py
    if _meets("409") and ("version" not in request.form or request.files):
        # Else it is a form of the profile: the model raises it, see `_last_edit`, and the view shows both texts.
        raise Stale("This was changed in another tab or on another device meanwhile.")


_RAISES: dict[str, Callable[[], Exception]] = {
    "403": lambda: NotYours("This belongs to another member."),
    "404": NotFound,
    "422": lambda: Taken("Somebody else has this already.", "username"),
    "429": lambda: TooFast("You have done this very often in a short time.", 2),
    "500": lambda: Injected("a bug"),
    "502": lambda: ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "503": lambda: ServiceUnavailable(retry_after=2),
    "504": lambda: TimeoutError("timed out"),
    "507": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "mail": lambda: Injected("a bug that nobody hears of"),
}


def _missing(name: str) -> None:
    """Raises TemplateNotFound for the first template; the error page that follows is there."""
    strike = _strike.get()
    if strike and strike.fault.name == "template" and not strike.spent:
        strike.spent = True
        raise TemplateNotFound(name)


def _last_edit(real: Callable[[User, str], Edit | None]) -> Callable[[User, str], Edit | None]:
    def last_edit(person: User, field: str) -> Edit | None:
        return Edit(2_000_000_000, now()) if _meets("409") else real(person, field)

    return last_edit


# The mail server

NO_MAIL = 60.0
"""Seconds: the alert about the bug is sent some seconds after it."""

_no_mail_until = 0.0


def _send(real: Callable[[Delivery, EmailMessage], Receipt]) -> Callable[[Delivery, EmailMessage], Receipt]:
    def send(delivery: Delivery, message: EmailMessage) -> Receipt:
        if time.monotonic() < _no_mail_until:
            raise NotDelivered("connect", "Connection refused")
        return real(delivery, message)

    return send


# In the database

_WRITES = ("INSERT", "UPDATE", "DELETE")
_LOCKS = ("BEGIN IMMEDIATE", *_WRITES)

_SQLITE = {
    "down": ("SQLITE_CANTOPEN", "unable to open database file"),
    "readonly": ("SQLITE_READONLY", "attempt to write a readonly database"),
    "full": ("SQLITE_FULL", "database or disk is full"),
}
_POSTGRESQL: dict[str, tuple[type[psycopg.Error], str]] = {
    "locked": (psycopg.errors.LockNotAvailable, "canceling statement due to lock timeout"),
    "down": (psycopg.OperationalError, "connection failed: Connection refused"),
    "readonly": (psycopg.errors.ReadOnlySqlTransaction, "cannot execute UPDATE in a read-only transaction"),
    "full": (psycopg.errors.DiskFull, "could not extend file: No space left on device"),
}


def _at_statement(_cursor: Any, statement: str, _parameters: Any, context: Any) -> None:
    """Raises the driver's own exception; SQLAlchemy wraps it as it does with a real one."""
    fault = _meets("locked", "down", "readonly", "full")
    if not fault:
        return
    writes = statement.lstrip().upper().startswith(_WRITES if fault == "full" else _LOCKS) or "FOR UPDATE" in statement
    if fault != "down" and not writes:
        return
    if context.dialect.name != "sqlite":
        made, text = _POSTGRESQL[fault]
        raise made(text)
    if fault != "locked":  # SQLite is truly locked: see edge.py
        name, text = _SQLITE[fault]
        error = sqlite3.OperationalError(text)
        error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
        raise error


def prepare(app: Flask, engine: Engine) -> Callable[[], None]:
    """Attach everything above; what is returned takes away what outlives `app`."""
    app.before_request_funcs.setdefault(None, []).insert(0, before_anything)
    dispatch, get_template = app.dispatch_request, app.jinja_env.get_template
    last_edit, send = User.last_edit, Delivery.send

    def dispatch_request() -> Any:
        if _meets("401"):
            return login_manager.unauthorized()  # as login_required does
        if request.routing_exception is None:
            at_the_view()
        return dispatch()

    def get(name: Any, *args: Any, **options: Any) -> Any:
        _missing(str(name))
        return get_template(name, *args, **options)

    app.dispatch_request = dispatch_request  # type: ignore[method-assign]
    app.jinja_env.get_template = get  # type: ignore[method-assign]
    User.last_edit = _last_edit(last_edit)  # type: ignore[method-assign,assignment]
    Delivery.send = _send(send)  # type: ignore[method-assign,assignment]
    event.listen(engine, "do_execute", _at_statement)

    def undo() -> None:
        User.last_edit, Delivery.send = last_edit, send  # type: ignore[method-assign]

    return undo
