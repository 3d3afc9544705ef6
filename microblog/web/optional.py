"""What a page can do without: when it fails, the page comes all the same, and the log and one mail tell why."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from flask import current_app, request
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError

from microblog.db.engine import is_writing
from microblog.db.schema import SchemaBehind, misses_something
from microblog.db.trouble import trouble
from microblog.extensions import db
from microblog.log import events

log = structlog.get_logger(__name__)

Value = TypeVar("Value")
Other = TypeVar("Other")


def attempt(part: str, work: Callable[[], Value], otherwise: Other) -> Value | Other:
    """What `work` returns, or `otherwise` where it fails; `part` names it in the log.

    Three failures are not swallowed: of a database that is in trouble, because the whole page needs it; within
    `writing`, because what was changed would be lost; and in debug mode, where the debugger wants it.
    """
    try:
        return work()
    except Exception as error:
        whole_page = trouble(error) or isinstance(error, SchemaBehind)
        if current_app.config["PROPAGATE_EXCEPTIONS"] or is_writing() or whole_page:
            raise
        # PostgreSQL refuses every statement after one that failed, until the transaction ends. Nothing is pending in
        # it; what was loaded is read again when it is used. A savepoint would cost two statements on every page.
        db.session.rollback()
        if isinstance(error, DBAPIError) and misses_something(error.orig):
            db.session.connection()  # raises SchemaBehind where that is why
        log.error(events.PARTIAL_FAILED, part=part, exc_info=error)
        return otherwise


def optional_partial(template: str, what: str, **context: object) -> Markup:
    """The partial, or one line that says that `what` cannot be shown. Values that can be called are called inside.

    So a query belongs into a function: ``optional_partial("home/_newcomers.html", "New members", people=newest)``.
    """

    env = current_app.jinja_env

    def draw() -> Markup:
        values = {name: value() if callable(value) else value for name, value in context.items()}
        return Markup(env.get_template(template).render(values))  # noqa: S704 - drawn by Jinja, which escapes

    drawn = attempt(template, draw, None)
    if drawn is not None:
        return drawn
    reference = request.environ.get("microblog.reference", "")
    line = env.get_template("shared/_missing.html").render(what=what, reference=reference)
    return Markup(line)  # noqa: S704 - the same
