"""The page that somebody may have meant: near a mistyped address, or above one that only takes what a button sends."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from microblog.web.access import SAFE_METHODS

NEAR_ENOUGH = 0.82
"""A letter left out, added or swapped; /wp-login.php, which robots ask for, is not."""

LONGEST = 100
"""Characters; comparing takes time by the square, and no page here has a longer address."""

SUFFIX = re.compile(r"\.(html?|php)$")

# What each page is called on a link to it; all else is nothing to be sent to.
NAMES = {
    "home.index": "Home page",
    "auth.login": "Sign in",
    "auth.register": "Register",
    "people.edit_profile": "Edit your profile",
    "people.edit_field": "Edit your profile",
    "people.edit_avatar": "Change your picture",
    "people.locale": "Time and language",
    "people.profile": "The profile",
    "search.index": "Search",
    "notifications.index": "Notifications",
    "notifications.settings": "Notifications you get",
    "relations.settings_people": "Blocked and muted",
    "posts.explore": "Explore",
    "posts.bookmarks": "Bookmarks",
    "posts.deleted": "Deleted posts",
    "posts.compose": "Write a post",
    "posts.show": "The post",
}

# What other sites call these pages.
ALIASES = {
    "/signin": "auth.login",
    "/sign_in": "auth.login",
    "/signup": "auth.register",
    "/sign_up": "auth.register",
    "/join": "auth.register",
    "/profile": "people.edit_profile",
    "/settings": "people.edit_profile",
    "/account": "people.edit_profile",
}


@dataclass(frozen=True)
class Way:
    """A page of ours: its path, and the words on the link."""

    path: str
    name: str


def page_at(path: str) -> Way | None:
    """The page that is opened at exactly `path`, if it is one to send somebody to."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:  # no such address, or it leads elsewhere
        return None
    return Way(path, NAMES[endpoint]) if endpoint in NAMES else None


def mistyped(path: str) -> Way | None:
    """The page whose address looks most like `path`: another case, a dash, a letter too many, a slash at the end."""
    if len(path) > LONGEST:
        return None
    bare = path.rstrip("/")
    if bare != path and (way := page_at(bare)):
        return way
    typed = SUFFIX.sub("", bare.lower())
    for found in _nearest(typed, current_app.url_map):
        target = next(rule for rule in current_app.url_map.iter_rules(_addresses(current_app.url_map)[found]))
        # The very address that failed would only fail again.
        return Way(target.rule, NAMES[target.endpoint]) if target.rule != path else None
    return None


@lru_cache(maxsize=1024)
def _nearest(typed: str, pages: Map) -> list[str]:
    # Remembered: what is asked for in vain is asked for again and again.
    return get_close_matches(typed, _addresses(pages), n=1, cutoff=NEAR_ENOUGH)


@lru_cache(maxsize=1)
def _addresses(pages: Map) -> dict[str, str]:
    """The endpoint at each address that somebody may have meant."""
    rules = pages.iter_rules()
    return {rule.rule: rule.endpoint for rule in rules if rule.endpoint in NAMES and not rule.arguments} | ALIASES


def with_the_button(path: str) -> Way | None:
    """The page that has the button whose address is `path`: the nearest one above it that can be opened."""
    above = path.rpartition("/")[0] if request.method in SAFE_METHODS else path
    while above.strip("/") and len(above) <= LONGEST:
        if way := page_at(above):
            return way
        above = above.rpartition("/")[0]
    return None
