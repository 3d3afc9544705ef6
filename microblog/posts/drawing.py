"""A post as HTML, drawn once for all who see the same."""

from collections.abc import Iterable
from functools import partial

from flask import current_app, g
from markupsafe import Markup

from microblog.models.columns import now
from microblog.models.remembered import remembered
from microblog.models.shown import Shown
from microblog.models.user import Viewer
from microblog.web.times import in_words, zone

KEPT = 2048
"""So many drawn posts one process remembers; of 3 kB each, and fewer where they are longer."""


def post_html(post: Shown, *, reply: bool = False) -> Markup:
    """The post as the viewer sees it, with what they can do with it; `reply` opens the place for an answer.

    Remembered by everything it is made of, so that nothing has to be forgotten when something changes.
    """
    return posts_html([post], reply=reply)


def posts_html(posts: Iterable[Shown], *, reply: bool = False) -> Markup:
    """Several, one below the other."""
    viewer, moment = g.get("viewer"), now()
    place = viewer.time_zone if viewer else ""
    # In debug mode a template may be another one now.
    draw = partial(_draw, reply=reply) if reply or current_app.debug else _remembered
    drawn = [draw(post, role(post, viewer), in_words(post.created_at, moment, zone(place)), place) for post in posts]
    return Markup("\n".join(drawn))  # noqa: S704 - each is escaped where it is drawn


def role(post: Shown, viewer: Viewer | None) -> str:
    """What the viewer is to the post: stranger, member, author or moderator."""
    if viewer is None:
        return "stranger"
    if viewer.id == post.author_id:
        return "author"
    return "moderator" if viewer.moderates else "member"


def _draw(post: Shown, role: str, when: str, zone_name: str, *, reply: bool = False) -> Markup:
    template = current_app.jinja_env.get_template("posts/_post.html")  # which is told nothing of the request
    exact = post.created_at.astimezone(zone(zone_name))
    return Markup(template.render(post=post, role=role, when=when, exact=exact, reply=reply))  # noqa: S704 - escaped there


_remembered = remembered(most=KEPT)(_draw)
