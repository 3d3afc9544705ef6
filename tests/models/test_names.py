"""Who may have which name: now, once, and again."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from microblog.extensions import db, writing
from microblog.models import FormerUsername, User
from microblog.models.columns import now
from microblog.models.errors import Stale, Taken
from microblog.models.user import name_is_free, near_name


@pytest.fixture
def rename(app):
    def change(user, name, seen_version=None):
        with app.app_context(), writing():
            row = db.session.get(User, user.id, with_for_update=True, populate_existing=True)
            row.change({"username": name}, seen_version=seen_version or row.version)
            db.session.commit()

    return change


@pytest.fixture
def free(app):
    def ask(name, owner=None):
        with app.app_context():
            return name_is_free(name, owner_id=owner.id if owner else None)

    return ask


def pass_by(app, days):
    with app.app_context(), writing():
        db.session.execute(update(FormerUsername).values(created_at=now() - timedelta(days=days)))
        db.session.commit()


def test_a_name_given_up_is_held_for_its_owner(app, rename, free, ana, bo):
    rename(ana, "anabel")
    assert not free("ana")
    assert not free("ANA", bo)
    assert free("ana", ana)
    with pytest.raises(Taken):
        rename(bo, "ana")
    pass_by(app, 29)
    assert not free("ana", bo)


def test_after_the_days_anybody_may_have_it_and_it_leads_to_them(app, rename, free, ana, bo, stored, browser):
    rename(ana, "anabel")
    pass_by(app, 31)
    assert free("ana")
    assert browser.get("/user/ana").headers["Location"] == "/user/anabel", "until somebody takes it"
    rename(bo, "ana")
    assert browser.get("/user/ana").status == 200
    assert stored(select(FormerUsername.user_id).where(FormerUsername.username_key == "ana")) is None
    assert browser.get("/user/bo_").headers["Location"] == "/user/ana"


def test_there_and_back_again(app, rename, ana, stored, browser):
    for name in ("anabel", "ana", "annika", "ana"):
        rename(ana, name)
    assert stored(select(User.username)) == "ana"
    held = {"anabel", "annika"}
    with app.app_context():
        assert set(db.session.scalars(select(FormerUsername.username_key))) == held
    for name in held:
        assert browser.get(f"/user/{name}").headers["Location"] == "/user/ana"


def test_another_spelling_gives_no_name_up(rename, ana, stored):
    rename(ana, "ANA")
    assert stored(select(User.username)) == "ANA"
    assert stored(select(func.count(FormerUsername.username_key))) == 0


def test_two_people_cannot_swap_within_the_days(rename, ana, bo):
    rename(ana, "anabel")
    with pytest.raises(Taken):
        rename(bo, "ana")
    with pytest.raises(Taken):
        rename(ana, "bo_")


def test_a_refused_name_changes_nothing(rename, ana, bo, stored):
    before = stored(select(User.version).where(User.id == ana.id))
    with pytest.raises(Taken):
        rename(ana, "BO_")
    assert stored(select(User.version).where(User.id == ana.id)) == before
    assert stored(select(func.count(FormerUsername.username_key))) == 0


def test_what_was_changed_since_is_stale(rename, ana, stored):
    before = stored(select(User.version))
    rename(ana, "anabel", before)
    with pytest.raises(Stale):
        rename(ana, "annika", before)
    assert stored(select(User.username)) == "anabel"


def test_the_index_decides_where_the_check_was_too_early(app, ana, bo, monkeypatch):
    """Both were told that the name is free."""
    monkeypatch.setattr("microblog.models.user.name_is_free", lambda *_args, **_options: True)
    with app.app_context():
        with writing(), pytest.raises(Taken) as taken:
            db.session.get(User, ana.id).change({"username": "bo_"}, seen_version=1)
        assert taken.value.field == "username"
        with writing(), pytest.raises(Taken):
            User.register(username="Ana", email="x@example.org", password_hash="x")
        with writing():
            User.register(username="newcomer", email="x@example.org", password_hash="x")
            db.session.commit()
        assert db.session.scalar(select(func.count(User.id))) == 3


@pytest.mark.parametrize(("typed", "near"), [("anna", "ana"), ("ANNA", "ana"), ("an", "ana"), ("zzz", ""), ("a%", "")])
def test_a_near_name(app, ana, typed, near):
    with app.app_context():
        assert near_name(typed) == near
