"""A page of posts, whatever it is about: cut by `?before=`, longer by `?show=`, and what is new by `?since=`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode

from flask import Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from microblog.extensions import settings
from microblog.models.conversation import Said, changed
from microblog.models.shown import Shown
from microblog.models.timeline import Span
from microblog.web.access import split
from microblog.web.htmx import wants_fragment
from microblog.web.once import viewer_id
from microblog.web.pages import number

PAGES = 8
"""So many pages, loaded one after the other, are shown again at once to whoever comes back."""

IN_SIGHT = 60
"""Of so many posts at most a page that stands open asks whether they are still so."""

Query = Callable[[Span], Sequence[Shown]]


@dataclass(frozen=True)
class Leaf:
    """Some posts, the address of the older ones (empty: there are none), and where to ask for newer ones."""

    posts: Sequence[Shown]
    older: str
    newer: str
    first: bool = True


def _address(**changes: object) -> str:
    args = request.args
    values = {name: args[name] for name in ("tab", "whose") if name in args} | changes
    return quote(request.path) + (f"?{urlencode(values)}" if values else "")  # in a third of the time of url_for


def leaf(query: Query) -> Leaf:
    """The posts that the address asks for. One statement."""
    before = number("before")
    wanted = length(before)
    posts = query(Span(limit=wanted + 1, before=before))
    more, posts = len(posts) > wanted, posts[:wanted]
    shown = (number("shown") or 0) + len(posts)
    older = _address(before=posts[-1].place, shown=shown) if more else ""
    newest = posts[0].place if posts else 0
    return Leaf(posts, older, "" if before else _address(since=newest), first=before is None)


def length(cursor: int | None, size: int = 0) -> int:
    """How many posts are asked for: a page (of `size`), or all that somebody had loaded who comes back."""
    size = size or settings().posts.page_size
    return size if cursor else min(max(number("show") or size, size), PAGES * size)


def answer(query: Query, page: Callable[[Leaf], str]) -> ResponseReturnValue:
    """What the address asks for: the page, or of it the older posts, how many are new, or those that are new."""
    if not wants_fragment():
        return page(leaf(query))
    if "since" in request.args:
        return newer(query)
    found = leaf(query)
    response = make_response(render_template("posts/_older.html", leaf=found))
    return remembered(response, "before", (number("shown") or 0) + len(found.posts))


def remembered(
    response: Response, cursor: str, shown: int, size: int = 0, address: Callable[..., str] = _address
) -> Response:
    """Whoever follows a post and comes back finds all that they had loaded, and their place in it."""
    asked = parse_qs(split(request.headers.get("HX-Current-URL", "")).query)
    if cursor not in asked and shown <= PAGES * (size or settings().posts.page_size):
        response.headers["HX-Replace-Url"] = address(show=shown)
    return response


def otherwise() -> list[Said]:
    """What has changed of the posts in sight, of which the page says how it shows them (`?seen=`).

    A page that merely stands open is nobody who is here: it does not count as "last seen".
    """
    g.pop("seen_session", None)
    told = request.args.get("seen", "").split("_")[:IN_SIGHT]
    return changed([one for one in told if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){3}", one)], viewer_id())


def newer(query: Query) -> Response:
    """204 while all is as it was; else how many are new, and what has changed. With `take` the new posts themselves."""
    size, since = settings().posts.page_size, number("since") or 0
    posts = query(Span(limit=size + 1, since=since, without=viewer_id()))  # what one writes stands there already
    if posts and "take" in request.args and len(posts) <= size:
        address = _address(since=posts[0].place)
        return make_response(render_template("posts/newer.swaps.html", posts=posts, newer=address))
    said = otherwise()
    if not posts and not said:
        return Response(status=204)
    return make_response(
        render_template(
            "posts/news.swaps.html",
            said=said,
            count=len(posts),
            many=len(posts) > size,
            newer=_address(since=since),
            take=_address(since=since, take=1),
            page=_address(),
        )
    )
