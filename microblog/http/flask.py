"""Our Flask: a finished answer is sent, a repeated form is told what it did, an exception is logged once."""

from contextlib import suppress
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, Unauthorized

from microblog.extensions import db
from microblog.log import events
from microblog.models.errors import DomainError, Repeated
from microblog.web import once
from microblog.web.access import SAFE_METHODS

log = structlog.get_logger(__name__)


class MicroblogFlask(Flask):
    """Flask, but an answer that is finished is sent: what fails while cleaning up is logged, not told.

    Otherwise a teardown error after the commit turns a finished 200 into the server's bare 500. And what was done is
    never told as refused.
    """

    def do_teardown_request(self, *args: Any) -> None:
        try:
            super().do_teardown_request(*args)
        except Exception as error:  # whatever it is, the answer stands
            log.error(events.TEARDOWN_FAILED, exc_info=error)

    def do_teardown_appcontext(self, *args: Any) -> None:
        try:
            super().do_teardown_appcontext(*args)
        except Exception as error:  # whatever it is, the answer stands
            log.error(events.TEARDOWN_FAILED, exc_info=error)
            with suppress(SQLAlchemyError):
                db.session.remove()  # it stood after the function that failed

    def dispatch_request(self) -> ResponseReturnValue:
        """Flask's; but a form that a view refuses is told of what it did, where it was done before."""
        if request.method in SAFE_METHODS:
            return super().dispatch_request()
        try:
            answer = self.make_response(super().dispatch_request())
        except Repeated as repeated:
            return once.answer_repeated(repeated)
        except Unauthorized:
            raise  # who asks comes first
        except (DomainError, HTTPException):
            repeat = once.answer_refused()
            if repeat is None:
                raise
            return repeat
        refused = 400 <= answer.status_code < 500 and answer.status_code != Unauthorized.code
        repeat = once.answer_refused() if refused else None
        return answer if repeat is None else repeat

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """Flask's; but what failed after the view fails again after its error page, and is told once."""
        if not from_error_handler:
            return super().finalize_request(rv)
        response = self.make_response(rv)
        try:
            return self.process_response(response)
        except Exception as error:  # the error page stands
            if type(error) is not g.get("failed_with"):
                log.error(events.REQUEST_FAILED, exc_info=error)
            return response

    def ensure_sync(self, func: Any) -> Any:
        """As it is: nothing here is async, and Flask asks for a dozen functions in every request."""
        return func

    def log_exception(self, *_args: Any) -> None:
        """The handlers of microblog/errors log each exception once, with its story; Flask would log it again."""
