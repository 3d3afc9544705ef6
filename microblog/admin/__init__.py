"""For administrators, in the browser: what the shell shows, under /admin."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from microblog.extensions import login_manager
from microblog.models.errors import NotForMembers

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.before_request
def only_administrators() -> ResponseReturnValue | None:
    """Every address below /admin, before its view: strangers sign in first, other members are refused."""
    if g.viewer is None:
        return login_manager.unauthorized()  # type: ignore[no-any-return]
    if g.viewer.role != "administrator":
        raise NotForMembers("Only administrators of this site may see this page.")
    return None


from microblog.admin import errors, logs  # noqa: E402, F401 - the views need bp
