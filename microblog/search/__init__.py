"""Search: posts by their words, people by their names."""

from flask import Blueprint

from microblog.search.words import marked

bp = Blueprint("search", __name__)
bp.record_once(lambda setup: setup.app.jinja_env.filters.update(marked=marked))

from microblog.search import views  # noqa: E402, F401 - the views need bp
