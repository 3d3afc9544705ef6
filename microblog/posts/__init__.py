"""Posts: writing, reading, answering, liking and keeping them."""

from flask import Blueprint

from microblog.posts.drawing import post_html, posts_html
from microblog.posts.forms import language_options

bp = Blueprint("posts", __name__)
# Other features show posts too.
_SHOWN = {
    "language_options": language_options,
    "post_html": post_html,
    "posts_html": posts_html,
}
bp.record_once(
    lambda setup: setup.app.jinja_env.globals.update(_SHOWN, post_length=setup.app.config["SETTINGS"].posts.max_length)
)

from microblog.posts import mark_views, read_views, write_views  # noqa: E402, F401 - the views need bp
