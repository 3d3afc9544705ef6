"""People and people: who follows whom, who has blocked or muted whom, whom one may want to follow."""

from flask import Blueprint

bp = Blueprint("relations", __name__)

from microblog.relations import list_views, views  # noqa: E402, F401 - the views need bp
