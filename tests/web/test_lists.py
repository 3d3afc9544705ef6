"""Every list asks an index of its own: it costs the same on a site where others write ten times as much.

Counted are the steps of SQLite itself, as its progress handler tells them: the same on every machine, however busy.
Only SQLite: PostgreSQL reads tables as small as these from one end to the other, whatever indexes they have.
"""

import contextvars
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from microblog import create_app
from microblog.alerts.start import start
from microblog.config.settings import Logs, Paths, Security, Settings
from microblog.extensions import db, writing
from microblog.log.setup import close
from microblog.models import passwords, session
from tests.conftest import KEY
from tests.support.client import PASSWORD, Browser
from tests.support.crowd import FANS, SELDOM, WORD, Crowd

pytestmark = pytest.mark.slow  # two sites are filled

WHO = ("newest", "quiet", "busy", "answering", "speaking", "regretful", "fond", "follower", "parted")
"""Each kind of member; tests/support/crowd.py says what they do. An empty name is a stranger."""

SOME, EVERYBODY = ("", "newest", "busy"), ("", "newest", "quiet", "busy", "follower", "parted")

# Address → what is asked, and by whom. `hx` asks as htmx does; {who} is each kind of member.
LISTS: dict[str, dict[str, tuple[str, ...]]] = {
    "/": {"/": EVERYBODY, "hx /?since=1": EVERYBODY[1:]},
    "/bookmarks": {"/bookmarks": WHO},
    "/explore": dict.fromkeys(("/explore", "hx /explore?since=1"), EVERYBODY),
    "/explore/feed.atom": {"/explore/feed.atom": ("",)},
    "/moderation": {"/moderation": ("mod",)},
    "/moderation/log": {"/moderation/log": ("mod",)},
    "/moderation/post/<int:post_id>": {"/moderation/post/{first}": ("mod",)},
    "/moderation/user/<int:user_id>": dict.fromkeys(
        ("/moderation/user/{quiet}", "/moderation/user/{newest}"), ("mod",)
    ),
    "/notifications": {"/notifications": WHO},
    "/people/suggested": {"/people/suggested": WHO},
    "/post/<int:post_id>": {
        **dict.fromkeys(("/post/{first}", "/post/{popular}"), EVERYBODY),
        **dict.fromkeys(("hx /post/{first}?since={first}", "hx /post/{popular}?since={popular}"), EVERYBODY),
    },
    "/post/<int:post_id>/history": {"/post/{first}/history": EVERYBODY},
    "/post/deleted": {"/post/deleted": WHO},
    "/search": {f"/search?q={words}": EVERYBODY for words in (WORD, SELDOM, "nothing", f"{WORD}+nothing")},
    "/search/people": {f"hx /search/people?q={name}": EVERYBODY for name in ("quiet", "after", "nobody")},
    "/settings/people": dict.fromkeys(("/settings/people", "/settings/people?list=muted"), WHO),
    "/tag/<tag>": {f"/tag/{tag}": EVERYBODY for tag in (WORD, SELDOM, "never")},
    "/tag/<tag>/feed.atom": {f"/tag/{tag}/feed.atom": ("",) for tag in (WORD, SELDOM, "never")},
    "/user/<username>": {
        **{f"/user/{{who}}?tab={tab}": SOME for tab in ("posts", "replies", "likes")},
        **{f"hx /user/newest?tab={tab}&since=1&whose={{newest}}": SOME for tab in ("posts", "replies", "likes")},
        "/user/nobody_is_called_so": SOME,
    },
    "/user/<username>/<field>": {"hx /user/{who}/location": SOME},
    "/user/<username>/card": {"hx /user/{who}/card": SOME[1:]},
    "/user/<username>/feed.atom": {"/user/{who}/feed.atom": ("",)},
    "/user/<username>/followers": {"/user/{who}/followers": SOME},
    "/user/<username>/following": {"/user/{who}/following": SOME},
}

# Pages that read one row or none of the database, besides who is looking.
NO_LISTS = {
    *("/admin/errors", "/admin/errors/<fingerprint>"),  # the inbox, a database of its own that is never large
    *("/admin/logs", "/admin/logs/<reference>", "/admin/logs/new"),  # the log
    *("/avatar/<int:user_id>/<key>.webp", "/avatar/<seed>.svg", "/drill", "/livez", "/metrics", "/readyz"),
    *("/edit_profile", "/edit_profile/<field>", "/edit_profile/avatar", "/index", "/login", "/register", "/outcome"),
    *("/notifications/unread", "/settings/locale", "/settings/notifications", "/user/<username>/report"),
    *("/post", "/post/<int:post_id>/edit", "/post/<int:post_id>/reply", "/post/<int:post_id>/report"),
}

MORE = 1.3
"""Up to here more steps are no walk, which takes ten times as many: they differ a little by what stands in the rows."""

OTHERS, OWN = 800, 60
"""More than is looked at where it is so many at most: the home page's 400 posts, the 1,000 follows of suggestions."""

ASKED = {
    address.replace("{who}", who): viewers
    for lists in LISTS.values()
    for address, viewers in lists.items()
    for who in (WHO if "{who}" in address else ("",))
}


@dataclass
class Site:
    """A site that counts the steps of its database."""

    app: Flask
    numbers: dict[str, int]
    steps: int = 0
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def tick(self) -> int:
        self.steps += 1
        return 0

    def cost(self, viewer: str, address: str) -> int:
        """The steps that `viewer` causes who opens `address`."""
        how, _, path = address.format(**self.numbers).rpartition(" ")
        client, before = self._client(viewer), self.steps
        headers = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"} if how else {}
        answer = contextvars.Context().run(client.get, path, headers=headers)
        refused = "/user/nobody" in path or (viewer, "/user/parted") == ("busy", path[:12])
        assert answer.status_code in ((403, 404) if refused else (200, 204)), f"{path}: {answer.status}"
        return self.steps - before

    def _client(self, viewer: str) -> FlaskClient:
        if viewer not in self.clients:
            browser = Browser(self.app)
            self.clients[viewer] = browser.sign_in(viewer).client if viewer else browser.client
        return self.clients[viewer]


def peopled(app: Flask, others: int, own: int) -> Site:
    """The site, with its members and posts in it."""
    with app.app_context():
        with writing():
            crowd = Crowd(db.session.connection(), passwords.hash_password(PASSWORD))
            people, posts = crowd.others("before", OTHERS)
            crowd.cast(own, people[:FANS], posts)
            crowd.others("after", others)
            (newest,) = crowd.members("newest")
            crowd.tidy()
            db.session.commit()
        site = Site(app, {"newest": newest, "quiet": crowd.quiet, "first": crowd.first, "popular": crowd.popular})
        event.listen(db.engine, "checkout", lambda driver, *_: driver.set_progress_handler(site.tick, 1))
    return site


@pytest.fixture(scope="module")
def sites(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """A small site, one where others did ten times as much, and one whose members did so themselves."""
    folder, made = tmp_path_factory.mktemp("lists"), dict[str, Site]()
    common: dict[str, Any] = {"logs": Logs(directory=str(folder)), "security": Security(secret_key=KEY)}
    alerts = start(Settings(paths=Paths(data=str(folder)), **common), process="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "SEEN_EVERY", session.SEEN_EVERY * 1000)  # else a page a minute writes a row more
        for name, others, own in (("small", 1, 1), ("large", 10, 1), ("long", 1, 10)):
            (folder / name).mkdir()
            copy(migrated_file, folder / name / "microblog.db")
            app = create_app(Settings(paths=Paths(data=str(folder / name)), **common), alerts=alerts)
            made[name] = peopled(app, OTHERS * others, OWN * own)
        yield made
    for site in made.values():
        with site.app.app_context():
            db.engine.dispose()
    close()
    alerts.close()


@pytest.mark.parametrize("address", ASKED)
@pytest.mark.parametrize("other", ["large", "long"])
def test_a_list_costs_the_same(sites, other, address):
    """Where others do ten times as much, and where the list itself is ten times as long."""
    costs = {
        viewer: (sites["small"].cost(viewer, address), sites[other].cost(viewer, address)) for viewer in ASKED[address]
    }
    grown = {viewer or "a stranger": pair for viewer, pair in costs.items() if pair[1] > MORE * pair[0]}
    assert not grown, "steps on the small site and on the other: it walks through rows that it does not show"


def test_every_page_is_asked_here(sites):
    pages = {rule.rule for rule in sites["small"].app.url_map.iter_rules() if "GET" in rule.methods}
    assert pages - LISTS.keys() - NO_LISTS == set(), "which lists does it show? Name it in LISTS, else in NO_LISTS"
    assert LISTS.keys() | NO_LISTS <= pages, "gone"
