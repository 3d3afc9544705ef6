"""F60, in every order: while one form is answered the same one arrives, and is done before each step of the first.

The steps are the statements outside of `writing`, and the moment before the lock. Inside, the second one would wait.
"""

import dataclasses
import io
from contextlib import contextmanager

import pytest
from flask import session
from flask_wtf.csrf import generate_csrf
from PIL import Image
from sqlalchemy import delete, event, func, select

from microblog.db import engine as writes
from microblog.extensions import db, writing
from microblog.models import Outcome, Post, Session, ThrottleBucket, User, relations
from microblog.models.errors import Taken
from microblog.models.moderation import Report
from microblog.models.outcome import new_key
from microblog.web import once
from tests.conftest import PASSWORD
from tests.support.client import Browser

pytestmark = pytest.mark.fault(60)

UNCLAIMED = {"/register/check/<field>", "/edit_profile/<field>/check", "/settings/locale/check"} | {
    f"/admin/errors/<fingerprint>/{verb}" for verb in ("mute", "reopen", "resolve", "undo")
}
"""They change nothing, or nothing in the database."""


@pytest.fixture
def settings(settings):
    """The first one of everything uses up what is allowed."""
    return dataclasses.replace(
        settings,
        security=dataclasses.replace(settings.security, registrations=1, follows=1),
        posts=dataclasses.replace(settings.posts, per_five_minutes=1),
    )


class Steps:
    """The steps of the request that is being watched; `meanwhile` is done right before the one with that number."""

    def __init__(self, number, meanwhile):
        self.number, self.meanwhile, self.seen = number, meanwhile, 0

    def next(self):
        if self.number < 0:
            return
        self.seen += 1
        if self.seen == self.number:
            self.number = -1  # neither in what happens meanwhile, nor afterwards
            self.meanwhile()


@pytest.fixture
def before_step(app, monkeypatch):
    """``with before_step(3, work)``: `work` is done before the third step of what is sent inside."""
    with app.app_context():
        engine = db.engine
    watched = []
    locked = writes.writing

    def step(*_):
        if watched and not writes.is_writing():
            watched[0].next()

    @contextmanager
    def before_the_lock(session):
        step()
        with locked(session):
            yield

    monkeypatch.setattr(writes, "writing", before_the_lock)
    event.listen(engine, "before_cursor_execute", step)

    @contextmanager
    def watch(number, meanwhile):
        watched.append(Steps(number, meanwhile))
        yield
        watched.clear()

    return watch


class Stage:
    """Whoever and whatever a form needs, new for each time it is sent."""

    def __init__(self, app, person):
        self.app, self.person, self._count = app, person, 0
        with app.test_request_context():
            self._token, self._cookie = generate_csrf(), dict(session)

    def someone(self, **values):
        self._count += 1
        return self.person(f"somebody_{self._count}", **values)

    def do(self, work):
        with self.app.app_context(), writing():
            made = work()
            db.session.commit()
        return made

    def post(self, author):
        return self.do(lambda: Post.write(db.session.get(User, author.id), "words").id)

    def related(self, verb, me, other):
        self.do(lambda: verb(me.id, db.session.get(User, other.id)))

    def report(self, by, about, post_id=None):
        post = (lambda: db.session.get(Post, post_id)) if post_id else (lambda: None)
        self.do(lambda: Report.file(by.id, db.session.get(User, about.id), post(), reason="spam", note=""))

    def browser(self, user=None):
        """A browser with a cookie and a token: no page has to be drawn for them."""
        signed_in = {"_user_id": self.do(lambda: Session.start(db.session.get(User, user.id)))} if user else {}
        cookies = self.app.session_interface.get_signing_serializer(self.app)
        made = Browser(self.app)
        made.client.set_cookie("session", cookies.dumps(self._cookie | signed_in))
        made.token = self._token
        return made


def twin(browser):
    """The same browser, as it was before its answer came."""
    made = Browser(browser.app)
    made.client.set_cookie("session", browser.client.get_cookie("session").value)
    made.token = browser.token
    return made


# Each makes what its form needs, and returns who sends it, where to, and what it says.


def register(stage):
    name = f"newcomer_{new_key()[:6].replace('-', 'x')}"
    return stage.browser(), "/register", {"username": name, "email": "new@example.org", "password": PASSWORD}


def login(stage):
    return stage.browser(), "/login", {"username": stage.someone().username, "password": PASSWORD}


def mine(path, **values):
    """A form that needs nobody else."""

    def made(stage):
        return stage.browser(stage.someone()), path, values

    return made


def rename(stage):
    return mine("/edit_profile/username", username=f"renamed_{stage._count}", version="1")(stage)


def whole_profile(stage):
    values = {"username": f"renamed_{stage._count}", "about_me": "new", "version": "1"}
    return mine("/edit_profile", **values)(stage)


def avatar(stage):
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(picture, "PNG")
    made = mine("/edit_profile/avatar", avatar=picture.getvalue(), version="1")
    return made(stage)


def avatar_taken_back(verb):
    def made(stage):
        browser = stage.browser(stage.someone())
        picture = io.BytesIO()
        Image.new("RGB", (20, 20), "teal").save(picture, "PNG")
        kept = (io.BytesIO(picture.getvalue()), "me.png")
        assert browser.post("/edit_profile/avatar", data={"avatar": kept}).status == 303
        return browser, f"/edit_profile/avatar/{verb}", {"avatar": "", "version": "2"}

    return made


def about_post(verb, *, own=False, marked="", **values):
    """A form of one's own post, or of somebody else's."""

    def made(stage):
        me = stage.someone()
        post_id = stage.post(me if own else stage.someone())
        if marked:
            stage.do(lambda: getattr(db.session.get(Post, post_id), marked)(*([] if own else [me.id])))
        return stage.browser(me), f"/post/{post_id}/{verb}", values

    return made


def about_person(verb, *before, **values):
    """A form about somebody, after what `before` did."""

    def made(stage):
        me, other = stage.someone(), stage.someone()
        for related in before:
            stage.related(related, me, other)
        return stage.browser(me), f"/user/{other.username}/{verb}", {"whom": str(other.id), **values}

    return made


def unblock_who_blocks_too(stage):
    browser, path, values = about_person("unblock", relations.block)(stage)
    name = path.split("/")[2]
    with stage.app.app_context():
        other = db.session.scalar(User.named(name))
        me = db.session.scalar(select(User).order_by(User.id.desc()).where(User.id != other.id))
    stage.related(relations.block, other, me)
    return browser, path, values


def decision(verb, *, about_a_post=False, before=""):
    def made(stage):
        moderator, somebody, author = stage.someone(role="moderator"), stage.someone(), stage.someone()
        post_id = stage.post(author) if about_a_post else None
        stage.report(somebody, author, post_id)
        browser = stage.browser(moderator)
        path = f"/moderation/post/{post_id}" if about_a_post else f"/moderation/user/{author.id}"
        if before:
            assert browser.post(f"{path}/{before}").status == 303
        return browser, f"{path}/{verb}", {"until": "999"}

    return made


FORMS = {
    "register": ("/register", register),
    "login": ("/login", login),
    "logout": ("/logout", mine("/logout")),
    "rename": ("/edit_profile/<field>", rename),
    "about me": ("/edit_profile/<field>", mine("/edit_profile/about_me", about_me="new", version="1")),
    "whole profile": ("/edit_profile", whole_profile),
    "picture": ("/edit_profile/avatar", avatar),
    "no picture": ("/edit_profile/avatar/remove", avatar_taken_back("remove")),
    "picture before": ("/edit_profile/avatar/restore", avatar_taken_back("restore")),
    "locale": ("/settings/locale", mine("/settings/locale", time_zone="Europe/Oslo", language="nb")),
    "notify": ("/settings/notifications", mine("/settings/notifications", like="1")),
    "read": ("/notifications/read", mine("/notifications/read", until="9")),
    "post": ("/post", mine("/post", text="words")),
    "reply": ("/post/<int:post_id>/reply", about_post("reply", text="words")),
    "edit": ("/post/<int:post_id>/edit", about_post("edit", own=True, text="other words", version="1")),
    "delete": ("/post/<int:post_id>/delete", about_post("delete", own=True)),
    "restore": ("/post/<int:post_id>/restore", about_post("restore", own=True, marked="delete")),
    "like": ("/post/<int:post_id>/like", about_post("like")),
    "unlike": ("/post/<int:post_id>/unlike", about_post("unlike", marked="like")),
    "keep": ("/post/<int:post_id>/bookmark", about_post("bookmark")),
    "no longer keep": ("/post/<int:post_id>/unbookmark", about_post("unbookmark", marked="bookmark")),
    "report a post": ("/post/<int:post_id>/report", about_post("report", reason="spam")),
    "report": ("/user/<username>/report", about_person("report", reason="spam")),
    "follow": ("/user/<username>/follow", about_person("follow")),
    "unfollow": ("/user/<username>/unfollow", about_person("unfollow", relations.follow)),
    "block": ("/user/<username>/block", about_person("block", relations.follow)),
    "unblock": ("/user/<username>/unblock", about_person("unblock", relations.block)),
    "undo a block": ("/user/<username>/unblock", about_person("unblock", relations.follow, relations.block, undo="1")),
    "unblock who blocks too": ("/user/<username>/unblock", unblock_who_blocks_too),
    "mute": ("/user/<username>/mute", about_person("mute")),
    "unmute": ("/user/<username>/unmute", about_person("unmute", relations.mute)),
    "dismiss": ("/moderation/user/<int:user_id>/<verb>", decision("dismiss")),
    "suspend": ("/moderation/user/<int:user_id>/<verb>", decision("suspend")),
    "lift": ("/moderation/user/<int:user_id>/<verb>", decision("lift", before="suspend")),
    "hide": ("/moderation/post/<int:post_id>/<verb>", decision("hide", about_a_post=True)),
    "unhide": ("/moderation/post/<int:post_id>/<verb>", decision("unhide", about_a_post=True, before="hide")),
}


def test_every_form_is_here(app):
    rules = {rule.rule for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    assert rules == {rule for rule, _ in FORMS.values()} | UNCLAIMED


def send(browser, path, form):
    """As htmx does; files are made anew, for what is sent is closed."""
    data = {name: (io.BytesIO(value), "me.png") if isinstance(value, bytes) else value for name, value in form.items()}
    return browser.hx_post(path, data=data)


def answers(before_step, number, browser, path, form):
    """The answer to a form, and to the one that came before step `number` of it; None where it has no such step."""
    other, meanwhile = twin(browser), []
    with before_step(number, lambda: meanwhile.append(send(other, path, form))):
        page = send(browser, path, form)
    return page, *(meanwhile or [None])


@pytest.mark.parametrize("name", FORMS)
def test_in_every_order(app, person, before_step, stored, records, name):
    """Both are answered as one that went through, and it is done once."""
    stage, number, meanwhile = Stage(app, person), 0, True
    while meanwhile:
        number += 1
        browser, path, form = FORMS[name][1](stage)
        stage.do(lambda: db.session.execute(delete(ThrottleBucket)))
        before = stored(select(func.count()).select_from(Outcome))
        page, meanwhile = answers(before_step, number, browser, path, form | {"once": new_key()})
        assert page.status in (200, 204), f"step {number}: {page.said()}"
        assert not meanwhile or meanwhile.status == page.status, f"step {number}: {meanwhile.said()}"
        done = stored(select(func.count()).select_from(Outcome)) - before
        assert done == 1 or name == "logout", "who is signed out already is a stranger, whose form is another one"
    assert number > 2, "no step was found"
    assert not records("request.failed")


def test_the_answer_shows_what_the_first_one_saved(app, person, route):
    """And not what was loaded before that, for the look that refused the second one."""
    stage, form, others = Stage(app, person), {"once": new_key()}, []
    me = stage.someone()

    def shown(_first=None):
        return db.session.get(User, me.id).location

    @once.repeats(shown)
    def view():
        loaded = db.session.get(User, me.id)
        if others:
            assert send(others.pop(), "/new_feature", form).status == 200
            raise Taken("Somebody was first.", loaded.location)
        with writing():
            db.session.get(User, me.id).location = "Bergen"
            db.session.commit()
        return "done"

    route("/new_feature", view)
    browser = stage.browser(me)
    others.append(twin(browser))
    page = send(browser, "/new_feature", form)
    assert (page.status, page.text) == (200, "Bergen")
