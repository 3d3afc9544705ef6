"""In which time zone one reads, and in which language one mostly writes."""

from datetime import datetime

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import Field, ValidationError

from microblog.extensions import db, writing
from microblog.models.errors import Repeated
from microblog.models.languages import LANGUAGES
from microblog.models.user import User
from microblog.people import bp
from microblog.web.access import login_required, refuse_foreign_form
from microblog.web.htmx import leave_to, refused, wants_fragment
from microblog.web.messages import log_refusals, message
from microblog.web.text import SiteForm, Text, stripped
from microblog.web.times import is_zone, zone
from microblog.web.toasts import Toast, keep_for_next_page


class LocaleForm(SiteForm):
    """Both may be left open: times are in UTC then, and no language is proposed."""

    time_zone = Text("Time zone", filters=[stripped])
    language = Text("Language you mostly write in", filters=[stripped])

    def validate_time_zone(self, field: Field) -> None:
        if field.data and not is_zone(field.data):
            raise ValidationError("This site does not know this time zone. Choose one from the list.")

    def validate_language(self, field: Field) -> None:
        if field.data and field.data not in LANGUAGES:
            raise ValidationError("This site does not know this language. Choose one from the list.")


@bp.get("/settings/locale")
@login_required
def locale() -> ResponseReturnValue:
    return render_template("people/locale.html", form=LocaleForm(formdata=None, obj=current_user))


@bp.post("/settings/locale/check")
@login_required
def check_time_zone() -> ResponseReturnValue:
    """What time it is in the zone that is being chosen."""
    form = LocaleForm()
    return message(form, "time_zone", fine=f"It is {datetime.now(zone(form.time_zone.data)):%H:%M} there now.")


@bp.post("/settings/locale")
@login_required
def save_locale() -> ResponseReturnValue:
    refuse_foreign_form()
    form = LocaleForm()
    if not form.validate():
        log_refusals("locale", form)
        return refused("people/_locale_form.html", "people/locale.html", form=form)
    try:
        with writing():
            User.choose_locale(current_user.id, time_zone=form.time_zone.data, language=form.language.data)
            db.session.commit()
    except Repeated:
        pass  # saved before; the answer is the same
    toast = Toast("Time and language saved.")
    if not wants_fragment():
        keep_for_next_page(toast)
        return leave_to("people.locale")
    return render_template("people/locale.swaps.html", form=form, toast=toast)
