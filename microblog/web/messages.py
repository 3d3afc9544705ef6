"""The message beside a field: what a live check answers, and what the log says of a refusal."""

import structlog
from flask import Response
from wtforms import Form

from microblog.log import events, metrics
from microblog.web.filters import remembered_partial

log = structlog.get_logger(__name__)


def message(form: Form, field: str, *, fine: str = "") -> Response:
    """Only the message element of `field`, never its control: what is typed meanwhile stays (see docs/errors.md).

    200 in either case: the question "is this good?" was answered.
    """
    for other in [name for name in form._fields if name != field]:
        del form[other]  # their rules cost queries and are not asked for
    form.validate()
    errors = form[field].errors
    typed = bool(form[field].data)
    state = "refused" if errors and typed else "fine" if typed else "idle"
    text = errors[0] if state == "refused" else fine if state == "fine" else ""
    return Response(remembered_partial("shared/_message.html", field=field, message=text, state=state))


def log_refusals(form_name: str, form: Form) -> None:
    """Which fields of the form were refused and by which sentence; never what was typed."""
    for field in form:
        if field.errors:
            log.info(events.FORM_REFUSED, form=form_name, field=field.short_name, rule=str(field.errors[0]))
            metrics.form_refused(form_name, field.short_name)
