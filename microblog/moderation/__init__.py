"""Reports of members, and what moderators do about them. Every decision is written down."""

from flask import Blueprint

bp = Blueprint("moderation", __name__)

from microblog.moderation import report_views, views  # noqa: E402, F401 - the views need bp
