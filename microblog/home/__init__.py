"""The home page: for members what those write whom they read; for strangers what this site is."""

from collections.abc import Sequence
from functools import partial

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from microblog.extensions import db
from microblog.models import relations, timeline
from microblog.models.relations import Listed
from microblog.models.user import User
from microblog.web.access import refuse_who_was_suspended
from microblog.web.once import viewer_id
from microblog.web.timeline import Leaf, answer

bp = Blueprint("home", __name__)

NEWCOMERS = 8


def newest() -> Sequence[User]:
    """Who joined last."""
    return db.session.scalars(User.newest(NEWCOMERS).where(User.met_by(viewer_id()))).all()


def suggested() -> Sequence[Listed]:
    """Whom the viewer may want to read."""
    return relations.suggestions(g.viewer.id)


@bp.get("/")
def index() -> ResponseReturnValue:
    if g.viewer is None:
        refuse_who_was_suspended()
        return render_template("home/welcome.html", newest=newest)
    # The viewer's own row is already loaded with the session, so this costs no statement.
    person = db.session.get(User, g.viewer.id)

    def page(leaf: Leaf) -> str:
        return render_template("home/index.html", suggested=suggested, person=person, leaf=leaf)

    return answer(partial(timeline.home, g.viewer.id), page)


@bp.get("/index")
def old_index() -> ResponseReturnValue:
    return redirect(url_for("home.index"), 301)
