"""The page of what was found, and the people who are shown while one types."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from microblog.extensions import db
from microblog.models.timeline import Span
from microblog.models.user import User
from microblog.search import bp, queries
from microblog.search.words import Query, parsed
from microblog.web.htmx import wants_fragment
from microblog.web.once import viewer_id
from microblog.web.pages import number
from microblog.web.timeline import length, remembered

PAGE = 20
PEOPLE = 6


@dataclass(frozen=True)
class Found:
    """One page of posts, and the address of the next; empty where there is none. `full`: as many as fit."""

    posts: Sequence[queries.Hit]
    older: str = ""
    full: bool = False


def asked() -> Query:
    """What the address asks for."""
    return parsed(request.args.get("q", ""))


def address(query: Query, **more: int) -> str:
    """Of the page for `query`."""
    return url_for("search.index") + "?" + urlencode({"q": query.typed, **more})


def some_people(query: Query) -> Sequence[User]:
    """The first few whose names fit."""
    return db.session.scalars(queries.people(query, viewer_id()).limit(PEOPLE)).all() if query.terms else []


def some_posts(query: Query) -> Found:
    """The posts that hold the words, as many as the address asks for."""
    if not query.terms:
        return Found([])
    before = number("before")
    wanted = length(before, PAGE)
    posts, floor = queries.posts(query, viewer_id(), Span(limit=wanted + 1, before=before))
    full = len(posts) > wanted
    below = posts[wanted - 1].id if full else floor
    shown = (number("shown") or 0) + min(len(posts), wanted)
    return Found(posts[:wanted], address(query, before=below, shown=shown) if below > 1 else "", full)


@bp.get("/search")
def index() -> ResponseReturnValue:
    query, before = asked(), number("before")
    found = some_posts(query)
    if before and wants_fragment():
        response = make_response(render_template("search/_hits.html", query=query, found=found, before=before))
        shown = (number("shown") or 0) + len(found.posts)
        return remembered(response, "before", shown, PAGE, partial(address, query))
    people = [] if before else some_people(query)
    return render_template("search/index.html", query=query, people=people, found=found, before=before)


@bp.get("/search/people")
def people() -> ResponseReturnValue:
    """Who may be meant, while one types; opened by hand, the whole page."""
    query = asked()
    if not wants_fragment():
        return redirect(url_for("search.index", q=query.typed))
    return render_template("search/_people.html", query=query, people=some_people(query))
