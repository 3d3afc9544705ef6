"""What templates can call."""

import time
from collections.abc import Callable, MutableMapping
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any, cast

from flask import Flask, current_app, g, request
from flask.templating import Environment
from flask_wtf.csrf import generate_csrf
from jinja_partials import register_environment
from markupsafe import Markup

from microblog.alerts.inbox.wording import clock
from microblog.models.outcome import new_key
from microblog.models.post_text import as_html, excerpt
from microblog.models.user import User, Viewer
from microblog.web import dom
from microblog.web.access import this_page
from microblog.web.assets import has_htmx, static_url
from microblog.web.htmx import wants_fragment
from microblog.web.optional import optional_partial
from microblog.web.times import ago, time_tag, zone_of_viewer, zones
from microblog.web.toasts import Toast, kept


def viewer() -> Viewer | None:
    """Who looks, as plain values; None for a stranger, and where it is not known (yet)."""
    return g.get("viewer")  # type: ignore[no-any-return]


def avatar_url(person: User | Viewer) -> str:
    """The picture of `person`: the upload, else an identicon."""
    return avatar_path(person.id, person.avatar)


def avatar_path(person_id: int, avatar: str) -> str:
    """The same by number and name of the upload."""
    if avatar:
        return f"/avatar/{person_id}/{avatar}.webp"
    return f"/avatar/{person_id}.svg"  # by number: a new name keeps the face


def moment(value: datetime, pattern: str = "%-d %B %Y") -> Markup:
    """`value` in words, in the reader's zone, with the exact time for machines."""
    local = value.astimezone(zone_of_viewer())
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), local.strftime(pattern))


def here() -> str:
    """The path of the page; a fragment of a profile is asked for below /edit_profile, the sign-in from anywhere."""
    return this_page() if request.path == "/login" and wants_fragment() else request.path


def place() -> str:
    """Which place of the navigation the page belongs to: its address, ``/user`` for one's own profile, or none."""
    path, me = here(), viewer()
    first = "/" + path.lstrip("/").partition("/")[0]  # a Referer may hold none
    if first in _PLACES or path in _PAGES:
        return first
    own = me and path == f"/user/{me.username}"
    return "/user" if own or first == "/edit_profile" else ""


_PLACES = {"/notifications", "/moderation", "/admin"}
_PAGES = {"/", "/explore", "/bookmarks", "/login", "/register"}


def mail_trouble() -> str:
    """For administrators, since when error mail has failed; else empty. Asks neither a database nor a file."""
    who, alerts = viewer(), current_app.extensions.get("alerts")
    if who is None or who.role != "administrator" or alerts is None:
        return ""
    since = alerts.outlook.trouble(time.time())
    return "" if since is None else clock(since)


def host_of(url: str) -> str:
    """`url` as it is read aloud: without scheme and trailing slash."""
    return url.split("://", 1)[-1].rstrip("/")


# Leaves: what htmx never addresses. Functions, for importing a macro costs more than a post may.


def icons(debug: bool) -> Callable[..., Markup]:
    """What draws an icon: its name, and the file of static/ it is in."""

    @cache
    def icon(name: str, file: str = "icons.svg") -> Markup:
        form = '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
        return Markup(form).format(static_url(file, debug=debug), name)  # noqa: S704 - a constant

    return icon


def avatar(person: User | Viewer, size: str) -> Markup:
    """The picture of `person`; `size` is small, medium or large."""
    form = Markup('<img class="avatar avatar--%s" src="%s" alt="" width="96" height="96" decoding="async">')
    return form % (size, avatar_url(person))  # takes a third of the time of format()


def token(key: str = "") -> Markup:
    """What every form carries: the session's token, and a key of its own, so that it changes something only once."""
    form = Markup('<input type="hidden" name="csrf_token" value="%s"><input type="hidden" name="once" value="%s">')
    made = g.get("csrf_token") or generate_csrf()  # which reads its settings anew before it says what it made
    return form % (made, key or new_key())


def remembered_partial(name: str, **values: Any) -> Markup:
    """`render_partial` for what looks the same for everybody: drawn once for the same hashable `values`."""
    if current_app.debug:  # it may be another one
        return drawn_partial(name, **values)
    draw = cast("Callable[..., Markup]", current_app.extensions["remembered_partial"])
    return draw(name, **values)


def drawn_partial(name: str, **values: Any) -> Markup:
    """`render_partial` for views: Flask's own way lays out for each what only whole pages need."""
    draw = cast("Callable[..., Markup]", current_app.jinja_env.globals["render_partial"])
    return draw(name, **values)


class FlatGlobals(Environment):
    """Jinja lays an empty map over the globals of each template, and copies both, name by name, for each partial."""

    def make_globals(self, own: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(own) if own else self.globals


def init_app(app: Flask, *, debug: bool) -> None:
    """Make the above known to every template. Partials are drawn by the environment: no context processor runs."""
    # By type too: what somebody typed is equal to the same text that is marked as safe, and drawn differently.
    app.extensions["remembered_partial"] = lru_cache(maxsize=1024, typed=True)(drawn_partial)
    env = app.jinja_env
    register_environment(env, markup=True)
    env.globals.update(
        viewer=viewer,
        here=here,
        place=place,
        avatar_url=avatar_url,
        avatar_path=avatar_path,
        static_url=cache(partial(static_url, debug=debug)),
        kept_toasts=kept,
        dom=dom,
        icon=icons(debug),
        avatar=avatar,
        token=token,
        optional_partial=optional_partial,
        remembered_partial=remembered_partial,
        zones=zones,
        has_htmx=has_htmx,
        mail_trouble=mail_trouble,
        debug_script="",  # only microblog/serving/development.py sets it
        blank_toast=Toast("", " ", kind="error"),
        site=app.config["SETTINGS"].site,
        limits=app.config["SETTINGS"].profile,
    )
    env.filters.update(moment=moment, host_of=host_of, ago=ago, time_tag=time_tag, as_html=as_html, excerpt=excerpt)
