"""What others did that concerns one: mentions, replies, likes, follows."""

from flask import Blueprint

bp = Blueprint("notifications", __name__)

from microblog.notifications import views  # noqa: E402, F401 - the views need bp
