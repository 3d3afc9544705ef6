"""Reading profiles."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from microblog.models import timeline
from microblog.models.shown import Shown
from microblog.models.timeline import Span
from microblog.models.user import User
from microblog.models.usernames import username_key
from microblog.people import bp
from microblog.people.fields import FIELDS
from microblog.web.htmx import wants_fragment
from microblog.web.members import open_user, visible_user
from microblog.web.once import viewer_id
from microblog.web.pages import number
from microblog.web.timeline import Leaf, answer, newer

TABS = ("posts", "replies", "likes")


def is_mine(person: User) -> bool:
    """Whether the viewer looks at their own profile."""
    return g.viewer is not None and g.viewer.id == person.id


def _posts(tab: str, person_id: int, span: Span) -> Sequence[Shown]:
    if tab == "likes":
        return timeline.liked_by(person_id, viewer_id(), span)
    return timeline.by_author(person_id, viewer_id(), span, replies=tab == "replies")


@bp.get("/user/<username>")
def profile(username: str) -> ResponseReturnValue:
    tab = request.args.get("tab", "posts")
    if tab not in TABS:
        abort(404)
    if wants_fragment() and "since" in request.args and (whose := number("whose")):
        return newer(partial(_posts, tab, whose))  # the page stands open: nobody needs to be looked up by name
    person = visible_user(username)
    if person.username != username:
        # A former name may belong to somebody else one day; another spelling of the same one never will.
        code = 301 if username_key(username) == person.username_key else 302
        return redirect(url_for("people.profile", username=person.username), code)

    def page(leaf: Leaf) -> str:
        leaf = replace(leaf, newer=leaf.newer and f"{leaf.newer}&whose={person.id}")
        return render_template(
            "people/profile.html", person=person, mine=is_mine(person), editing=None, tab=tab, leaf=leaf
        )

    return answer(partial(_posts, tab, person.id), page)


@bp.get("/user/<username>/<field>")
def show_field(username: str, field: str) -> ResponseReturnValue:
    """One field as others see it: what Cancel brings back. Opened by hand it is the profile."""
    if field not in FIELDS and field != "avatar":
        abort(404)
    if not wants_fragment():
        return redirect(url_for("people.profile", username=visible_user(username).username))
    person = open_user(username)
    template = "people/_avatar.html" if field == "avatar" else "people/_field.html"
    return render_template(template, person=person, mine=is_mine(person), field=FIELDS.get(field))
