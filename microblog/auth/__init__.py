"""Registering, signing in and out."""

from flask import Blueprint

bp = Blueprint("auth", __name__)

from microblog.auth import views  # noqa: E402, F401 - the views need bp
