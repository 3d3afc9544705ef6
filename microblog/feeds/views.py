"""The feeds of a member, of a tag, and of everybody. They are for strangers: no session is looked at."""

import hashlib
from urllib.parse import quote, urlsplit

from flask import Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from microblog.extensions import db, settings
from microblog.feeds import bp
from microblog.feeds.atom import Feed, document
from microblog.models import timeline
from microblog.models.errors import Nobody
from microblog.models.post_text import is_tag, tag_key
from microblog.models.timeline import Span
from microblog.models.user import User
from microblog.models.usernames import PATTERN

NEWEST = Span(25)
KEPT = "public, max-age=120"
"""Seconds for which a copy may be shown: so long a deleted post can still be seen at others'."""


@bp.get("/user/<username>/feed.atom")
def user(username: str) -> ResponseReturnValue:
    if not PATTERN.fullmatch(username):
        abort(404)
    person = db.session.scalar(User.named(username)) or db.session.scalar(User.formerly_named(username))
    if person is None:
        raise Nobody("Nobody here is called {username}.", username=username)
    if person.username != username:
        return redirect(url_for("feeds.user", username=person.username), 302)
    posts = timeline.by_author(person.id, None, NEWEST, replies=False)
    began = f"{person.created_at:%Y-%m-%d}"
    return answer(Feed(f"user/{person.id}", began, person.name, f"/user/{person.username}", posts))


@bp.get("/tag/<tag>/feed.atom")
def tag(tag: str) -> ResponseReturnValue:
    key = tag_key(tag)
    if not is_tag(key):
        abort(404)
    if key != tag:
        return redirect(url_for("feeds.tag", tag=key), 301)
    posts = timeline.tagged(key, None, NEWEST)
    return answer(Feed(f"tag/{quote(key)}", "2026", f"#{key}", f"/tag/{quote(key)}", posts))


@bp.get("/explore/feed.atom")
def explore() -> ResponseReturnValue:
    return answer(Feed("explore", "2026", "Explore", "/explore", timeline.explore(None, NEWEST)))


def answer(feed: Feed) -> Response:
    """The feed, or 304 to whoever has exactly this one."""
    site = settings().site
    text = document(feed, site=site.name, base=site.url.rstrip("/"), host=urlsplit(site.url).hostname or "localhost")
    response = Response(text, content_type="application/atom+xml; charset=utf-8")
    response.headers["Cache-Control"] = KEPT
    response.set_etag(hashlib.sha256(text).hexdigest()[:32])
    # No Last-Modified: what is deleted, hidden or called otherwise leaves no later moment behind, only another feed. So
    # who asks with a moment gets all of it.
    response.make_conditional(request)
    return response
