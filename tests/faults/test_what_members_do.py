"""F61–F66: everything that a member does to posts and people, while something has happened to them meanwhile."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import event, func, select

from microblog.extensions import db, writing
from microblog.models import Block, Post, PostVersion, Report, User

TYPED = "Carefully <b>typed</b>,\nin two lines 🦊"
MINE, THEIRS = 1, 2
"""The numbers of a post of Ana's, who does everything here, and one of Bo's."""


@dataclass(frozen=True)
class Action:
    """A form: the page it stands on, where it goes, and what is typed into it."""

    page: str
    path: str
    form: str
    typed: dict[str, str] = field(default_factory=dict)


ACTIONS = {
    "write": Action("/", "/post", "#composer", {"text": TYPED}),
    "reply": Action("/post/2", "/post/2/reply", "#composer-2", {"text": TYPED}),
    "edit": Action("/post/1/edit", "/post/1/edit", "#edit-post-1", {"text": TYPED}),
    "delete": Action("/post/1", "/post/1/delete", "#acts"),
    "like": Action("/post/2", "/post/2/like", "#acts"),
    "bookmark": Action("/post/2", "/post/2/bookmark", "#acts"),
    "follow": Action("/user/bo_", "/user/bo_/follow", "#follow-2"),
    "mute": Action("/user/bo_", "/user/bo_/mute", 'form[action="/user/bo_/mute"]'),
    "block": Action("/user/bo_", "/user/bo_/block", 'form[action="/user/bo_/block"]'),
    "report a post": Action("/post/2/report", "/post/2/report", "#report-form", {"reason": "spam", "note": TYPED}),
    "report a member": Action(*["/user/bo_/report"] * 2, "#report-form", {"reason": "spam", "note": TYPED}),
    "mark read": Action("/notifications", "/notifications/read", "#news-read form"),
}  # fmt: skip
TO_A_POST = ["reply", "edit", "delete", "like", "bookmark", "report a post"]
TO_SOMEBODY = ["reply", "like", "bookmark", "follow", "mute", "block", "report a post", "report a member"]
both = pytest.mark.parametrize("fragment", [True, False], ids=["fragment", "page"])


@pytest.fixture
def change(app):
    """Something happens meanwhile: ``change(lambda: db.session.add(…))``."""

    def run(what):
        with app.app_context(), writing():
            what()
            db.session.commit()

    return run


@pytest.fixture
def world(browser, ana, bo, change):
    """Ana is signed in; Bo likes her post, so that there is something to be read."""

    def begin():
        Post.write(db.session.get(User, ana.id), "Mine")
        Post.write(db.session.get(User, bo.id), "Theirs")
        db.session.get(Post, MINE).like(bo.id)

    change(begin)
    return browser.sign_in(ana)


@pytest.fixture
def everything(app):
    """All that is stored, but sessions and what counts tries."""

    def read():
        with app.app_context():
            tables = {table.name: table for table in db.metadata.sorted_tables}
            del tables["sessions"], tables["throttle_buckets"]
            return {name: sorted(map(str, db.session.execute(select(table)))) for name, table in tables.items()}

    return read


def filled(browser, name):
    """What the form of the action would send."""
    action = ACTIONS[name]
    return browser.get(action.page).values(action.form) | action.typed


def send(browser, name, form, *, fragment):
    return (browser.hx_post if fragment else browser.post)(ACTIONS[name].path, data=form)


def expect_kept(page, name, *, fragment):
    """A fragment leaves the page alone; a page holds the words, and where it helps to send them again, the form."""
    typed = ACTIONS[name].typed
    if not typed:
        return
    if fragment:
        assert page.headers["HX-Retarget"] == "#toasts"
    else:
        assert TYPED in page.one(".kept").get_text().replace("\r", "")


@pytest.mark.fault(61)
@both
@pytest.mark.parametrize("name", TO_A_POST)
def test_deleted_under_you(world, name, change, everything, fragment):
    form = filled(world, name)
    for number in (MINE, THEIRS):
        change(lambda number=number: db.session.get(Post, number).delete())
    before = everything()
    page = send(world, name, form, fragment=fragment)
    if name == "delete":
        assert page.status == (200 if fragment else 303), "it is what was wanted"
    else:
        assert page.status == 410
        assert "deleted this post" in page.said()
        expect_kept(page, name, fragment=fragment)
        if fragment and not ACTIONS[name].typed:
            assert page.headers["HX-Retarget"] == f"#post-{THEIRS}"
            assert page.said(f"article#post-{THEIRS}") == "Its author has deleted this post."
    assert stripped(everything()) == stripped(before)
    world.still_works()


def stripped(stored):
    """Without the key of a form, which a change that changes nothing takes too."""
    return {name: rows for name, rows in stored.items() if name != "outcomes"}


@pytest.mark.fault(62)
@both
@pytest.mark.parametrize("name", ["edit", "delete", "reply", "like"])
def test_edited_under_you(world, name, change, stored, fragment):
    """A conflict for who edits too, with both texts; nobody else notices."""
    form = filled(world, name)
    for number in (MINE, THEIRS):
        change(lambda number=number: db.session.get(Post, number).edit("Anew", language="", seen_version=1))
    page = send(world, name, form, fragment=fragment)
    if name != "edit":
        assert page.status == (200 if fragment else 303)
        return
    assert page.status == 409
    assert page.said(".conflict__theirs") == "Anew"
    kept = page.values(ACTIONS["edit"].form)
    assert kept["text"].replace("\r", "").strip() == TYPED
    assert send(world, name, kept, fragment=fragment).status == (200 if fragment else 303)
    assert stored(select(Post.text).where(Post.id == MINE)) == TYPED
    assert stored(select(func.count(PostVersion.id)).where(PostVersion.post_id == MINE)) == 2


@pytest.mark.fault(63)
@both
@pytest.mark.parametrize("name", [name for name in TO_SOMEBODY if "report" not in name])
def test_blocked_meanwhile(world, ana, bo, name, change, everything, fragment):
    form = filled(world, name)
    change(lambda: db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id)))
    before = everything()
    page = send(world, name, form, fragment=fragment)
    assert page.status == 404
    expect_kept(page, name, fragment=fragment)
    assert page.reference in page.said()
    assert everything() == before
    world.still_works()


@pytest.mark.fault(63)
@both
@pytest.mark.parametrize("name", ["report a post", "report a member"])
def test_a_report_reaches_the_moderators_all_the_same(world, ana, bo, name, change, stored, fragment):
    form = filled(world, name)
    change(lambda: db.session.add(Block(blocker_id=bo.id, blocked_id=ana.id)))
    page = send(world, name, form, fragment=fragment)
    assert page.headers["HX-Redirect" if fragment else "Location"] == "/"
    assert stored(select(Report.user_id)) == bo.id
    world.still_works()


class TestThrottled:
    @pytest.fixture
    def settings(self, settings, changed):
        return changed(posts={"per_five_minutes": 1}, security={"follows": 1, "reports": 1})

    @pytest.mark.fault(64)
    @both
    @pytest.mark.parametrize("name", ["write", "reply", "edit", "follow", "report a post", "report a member"])
    def test_throttled(self, world, person, name, everything, fragment):
        person("cy_")
        first = {"write": "write", "reply": "write", "report a member": "report a post"}.get(name, "report a member")
        if name == "follow":
            whom = world.get("/user/cy_").values("form.follow")
            assert world.hx_post("/user/cy_/follow", data=whom).status == 200
        elif name == "edit":
            assert send(world, name, filled(world, name) | {"text": "Before"}, fragment=False).status == 303
        else:
            assert send(world, first, filled(world, first), fragment=False).status == 303
        form, before = filled(world, name), everything()
        page = send(world, name, form, fragment=fragment)
        assert page.status == 429
        assert 0 < int(page.headers["Retry-After"]) <= 3600
        expect_kept(page, name, fragment=fragment)
        assert everything() == before
        world.still_works()


@pytest.mark.fault(65)
@both
@pytest.mark.parametrize("name", ACTIONS)
def test_the_session_ended_meanwhile(world, name, end_sessions, everything, fragment):
    form = filled(world, name)
    end_sessions()
    before = everything()
    page = send(world, name, form, fragment=fragment)
    assert page.status == 401
    expect_kept(page, name, fragment=fragment)
    if fragment:
        assert page.one(".toast")["data-toast"] == "sign_in_required"
    assert everything() == before
    world.sign_in("ana")
    again = form | {"csrf_token": world.token}
    assert send(world, name, again, fragment=fragment).status in {200, 204, 303}
    assert everything() != before


@pytest.mark.fault(66)
@both
@pytest.mark.parametrize("name", ACTIONS)
def test_a_bug_in_the_middle(app, world, name, everything, records, fragment):
    """All is written, and not yet committed: nothing of it stays, and the same form goes through then."""
    form, before = filled(world, name), everything()

    def fail(_session):
        raise RuntimeError("a bug in the middle")

    with app.app_context():
        factory = db.session.session_factory.class_
    event.listen(factory, "before_commit", fail)
    try:
        page = send(world, name, form, fragment=fragment)
    finally:
        event.remove(factory, "before_commit", fail)
    assert page.status == 500
    expect_kept(page, name, fragment=fragment)
    assert records("request.failed", reference=page.reference)
    assert everything() == before
    assert send(world, name, form, fragment=fragment).status in {200, 204, 303}
    assert everything() != before
