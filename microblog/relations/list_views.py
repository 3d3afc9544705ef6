"""Lists of people: followers, followed, blocked, muted, suggested; and the card that a link to somebody opens."""

from collections.abc import Sequence

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from microblog.models import relations
from microblog.models.relation import Block, Follow, Mute
from microblog.models.relations import Listed
from microblog.models.user import User
from microblog.models.usernames import username_key
from microblog.relations import bp
from microblog.web.access import login_required
from microblog.web.htmx import wants_fragment
from microblog.web.members import visible_user
from microblog.web.once import viewer_id
from microblog.web.pages import number


def whose(username: str) -> User:
    """The member whose list it is; one's own costs no statement."""
    mine = g.viewer is not None and username_key(username) == current_user.username_key
    return current_user if mine else visible_user(username)


def suggested() -> Sequence[Listed]:
    """Whom the viewer may want to follow."""
    return relations.suggestions(current_user.id)


@bp.get("/user/<username>/followers")
def followers(username: str) -> ResponseReturnValue:
    return _list(username, "followers")


@bp.get("/user/<username>/following")
def following(username: str) -> ResponseReturnValue:
    return _list(username, "following")


def _list(username: str, kind: str) -> ResponseReturnValue:
    person = whose(username)
    if person.username != username:
        return redirect(url_for(f"relations.{kind}", username=person.username))
    query = {"followers": relations.followers, "following": relations.following}[kind]
    people, more = (
        relations.page(query(person.id, viewer_id()), Follow, number("before")) if person.is_open else ([], 0)
    )
    link = f"/user/{person.username}/{kind}?before={more}" if more else ""
    if wants_fragment() and number("before"):
        return render_template("relations/more.swaps.html", people=people, more=link, undo="", next="")
    mine = g.viewer is not None and person.id == g.viewer.id
    return render_template(
        "relations/people.html",
        person=person,
        kind=kind,
        mine=mine,
        people=people,
        more=link,
        suggested=suggested if mine and not people else None,
    )


@bp.get("/settings/people")
@login_required
def settings_people() -> ResponseReturnValue:
    """Whom one has blocked, or muted, and the way to take it back."""
    kind = "muted" if request.args.get("list") == "muted" else "blocked"
    query, table = (relations.muted_by, Mute) if kind == "muted" else (relations.blocked_by, Block)
    people, more = relations.page(query(current_user.id), table, number("before"))
    here = url_for("relations.settings_people", list="muted" if kind == "muted" else None)
    link = url_for("relations.settings_people", list=kind, before=more) if more else ""
    undo = "unmute" if kind == "muted" else "unblock"
    if wants_fragment() and number("before"):
        return render_template("relations/more.swaps.html", people=people, more=link, undo=undo, next=here)
    return render_template("relations/settings.html", kind=kind, people=people, more=link, undo=undo, next=here)


@bp.get("/user/<username>/card")
@login_required
def card(username: str) -> ResponseReturnValue:
    """Who somebody is, in a few lines, for a link to them; opened by hand it is the profile."""
    person = visible_user(username)
    if not wants_fragment():
        return redirect(url_for("people.profile", username=person.username))
    return render_template("relations/_card.html", person=person, bond=person.bond)


@bp.get("/people/suggested")
@login_required
def suggestions() -> ResponseReturnValue:
    """People one may want to follow, as a page of its own."""
    return render_template("relations/suggested.html", suggested=suggested)
