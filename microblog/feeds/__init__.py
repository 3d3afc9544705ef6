"""Atom feeds: what strangers may read, for programs that look every hour."""

from flask import Blueprint

bp = Blueprint("feeds", __name__)

from microblog.feeds import views  # noqa: E402, F401 - the views need bp
