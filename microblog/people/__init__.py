"""Profiles: reading them, and editing one's own in place."""

from flask import Blueprint

from microblog.people.fields import FIELDS

bp = Blueprint("people", __name__)
bp.record_once(lambda setup: setup.app.jinja_env.globals.update(fields=FIELDS))

from microblog.people import avatar_views, edit_views, locale_views, views  # noqa: E402, F401 - the views need bp
