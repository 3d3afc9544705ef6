"""manage.py demo: a community in the database, whole or not at all, and only where nobody lives."""

from collections import Counter
from random import Random

import pytest
from sqlalchemy import func, inspect, select, text

from microblog.cli import main
from microblog.dev.demo import make as making
from microblog.dev.demo.community import Community
from microblog.dev.demo.make import make
from microblog.dev.demo.people import people
from microblog.dev.demo.phrases import PLACES
from microblog.extensions import db, writing
from microblog.log.setup import close
from microblog.models import (
    Block,
    Follow,
    Like,
    Mention,
    Mute,
    Notification,
    Post,
    PostTag,
    PostVersion,
    Report,
    User,
    passwords,
    usernames,
)
from microblog.models.moderation import REASONS
from microblog.models.notification import KINDS
from tests.support.client import PASSWORD

PEOPLE, POSTS = 40, 400


@pytest.fixture
def filled(app):
    with app.app_context():
        make((PEOPLE, POSTS), seed=1, password_hash="x", say=lambda _: None)
    return app


def rows(app, *columns):
    with app.app_context():
        return db.session.execute(select(*columns)).all()


def test_it_works(filled, browser):
    assert rows(filled, func.count(User.id)) == [(PEOPLE,)]
    assert rows(filled, func.count(Post.id)) == [(POSTS,)]
    names = [name for (name,) in rows(filled, User.username)]
    assert all(usernames.problem(name) is None for name in names)
    assert browser.get(f"/user/{names[0]}").status == 200
    found = browser.get("/search?q=bread")
    assert found.all(".hit")
    assert browser.get("/explore/feed.atom").status == 200


def test_what_is_counted_is_what_is_there(filled):
    with filled.app_context():
        likes = dict(db.session.execute(select(Like.post_id, func.count()).group_by(Like.post_id)).all())
        there = select(Post.reply_to_id, func.count()).where(Post.deleted_at.is_(None)).group_by(Post.reply_to_id)
        answers = dict(db.session.execute(there).all())
        posts = {post.id: post for post in db.session.scalars(select(Post).order_by(Post.id))}
        assert sum(likes.values()) > POSTS / 2
        for post in posts.values():
            assert post.likes_count == likes.get(post.id, 0)
            assert post.replies_count == answers.get(post.id, 0)
            answered = posts.get(post.reply_to_id)
            assert post.thread_id == (answered.thread_id if answered else post.id)
            assert answered is None or answered.created_at <= post.created_at
            assert post.created_at >= post.author.created_at
        assert [post.created_at for post in posts.values()] == sorted(post.created_at for post in posts.values())
        span = posts[POSTS].created_at - posts[1].created_at
        assert 330 < span.days < 366
        tags = db.session.execute(select(PostTag.tag, Post.text).join(Post, Post.id == PostTag.post_id)).all()
        assert tags
        assert all(f"#{tag}" in words for tag, words in tags)
        mentions = select(User.username, Post.text).join(Mention, Mention.user_id == User.id)
        named = db.session.execute(mentions.join(Post, Post.id == Mention.post_id)).all()
        assert named
        assert all(words.startswith(f"@{name} ") for name, words in named)
        assert db.session.scalar(select(func.count(Follow.id)).where(Follow.follower_id == Follow.followed_id)) == 0
        own = select(func.count(Like.id)).join(Post, Post.id == Like.post_id).where(Post.author_id == Like.user_id)
        assert db.session.scalar(own) == 0


def test_who_wrote_was_there(filled):
    newest = select(Post.author_id, func.max(Post.created_at).label("at")).group_by(Post.author_id).subquery()
    with filled.app_context():
        found = db.session.execute(select(User.last_seen_at, newest.c.at).join(newest, newest.c.author_id == User.id))
        assert all(seen >= wrote for seen, wrote in found)


def test_bios_and_places_agree():
    everywhere = {place for places in PLACES.values() for place in places}
    named = 0
    for person in people(300, Random(1), set()):
        assert person.location in ("", *PLACES[person.tongue])
        if person.location and (here := {place for place in everywhere if place in person.about_me}):
            assert person.location in here
            named += 1
    assert named


def test_hardly_anything_is_said_twice():
    """1,500 posts as the command makes them: what few can say in a small language comes again."""
    random = Random(1)
    community = Community(people(60, random, set()), 1500, random, until=1.8e9)
    said = Counter(row[2] for row in community.post_rows([], []))
    assert len(said) > 1100
    assert max(said.values()) <= 5


def test_what_happened_lately(filled, browser):
    """Each as the site itself would have left it."""
    with filled.app_context():
        for version, post in db.session.execute(select(PostVersion, Post).join(Post, Post.id == PostVersion.post_id)):
            assert (post.version, sorted(post.text)) == (2, sorted(version.text))
            assert post.edited_at >= version.written_at == post.created_at
        deleted = db.session.scalars(select(Post).where(Post.deleted_at.is_not(None))).all()
        assert any(post.replies_count for post in deleted), "a place in a conversation"
        apart = {frozenset(pair) for pair in db.session.execute(select(Block.blocker_id, Block.blocked_id)).all()}
        assert apart
        assert not apart & {
            frozenset(pair) for pair in db.session.execute(select(Follow.follower_id, Follow.followed_id))
        }
        muted = {tuple(pair) for pair in db.session.execute(select(Mute.muter_id, Mute.muted_id))}
        assert muted
        news = db.session.scalars(select(Notification).order_by(Notification.id)).all()
        assert {one.kind for one in news} == set(KINDS)
        assert [one.created_at for one in news] == sorted(one.created_at for one in news)
        assert all(one.user_id != one.actor_id for one in news)
        assert not any(frozenset((one.user_id, one.actor_id)) in apart for one in news)
        assert not muted & {(one.user_id, one.actor_id) for one in news}
        told = [(one.user_id, one.kind, one.actor_id, one.post_id) for one in news]
        assert len(set(told)) == len(told)
        unread = Counter(one.user_id for one in news if one.read_at is None)
        assert unread
        assert all(user.unread == unread[user.id] for user in db.session.scalars(select(User)))
        tombstone = next(post.id for post in deleted if post.replies_count)
        answered = db.session.scalar(select(Post.id).where(Post.reply_to_id == tombstone, Post.deleted_at.is_(None)))
        assert set(db.session.scalars(select(Report.reason))) <= set(REASONS)
        with writing():
            moderator = db.session.scalar(select(User).where(User.role == "moderator"))
            moderator.password_hash, name = passwords.hash_password(PASSWORD), moderator.username
            db.session.commit()
    assert "Its author has deleted" in browser.get(f"/post/{answered}").said(f"#post-{tombstone}")
    page = browser.sign_in(name).get("/moderation")
    assert len(page.all(".case")) == 2
    assert "advertisement" in page.text
    assert "The third time" not in page.text, "it is decided"
    assert page.said("main") != browser.get("/moderation/log").said("main")
    assert browser.get("/notifications").all(".news__item")
    assert browser.get("/settings/people").status == 200


@pytest.mark.parametrize("size", [(2, 2), (2, 30), (3, 10)])
def test_the_smallest(app, size):
    with app.app_context():
        make(size, seed=1, password_hash="x", say=lambda _: None)
        if db.engine.dialect.name == "sqlite":
            assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert db.session.scalar(select(func.count(Post.id))) == size[1]


def foreign_keys(table):
    return [key["name"] for key in inspect(db.session.connection()).get_foreign_keys(table)]


def test_it_goes_on_from_there(filled, browser, person):
    """Numbers, and the index of words, go on where the demo ended."""
    ana = person("somebody_new")
    assert ana.id == PEOPLE + 1
    with filled.app_context(), writing():
        post = Post(author_id=ana.id, text="Quincunx!")
        db.session.add(post)
        db.session.commit()
        assert post.id == POSTS + 1
    assert len(browser.get("/search?q=quincunx").all(".hit")) == 1
    with filled.app_context():
        make((10, 50), seed=1, password_hash="x", say=lambda _: None)
        assert db.session.scalar(select(func.count(User.id))) == PEOPLE + 11
        if db.engine.dialect.name == "sqlite":
            assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
        references = {name for table in ("posts", "likes") for name in foreign_keys(table)}
        assert {"fk_posts_author_id_users", "fk_likes_user_id_users", "fk_likes_post_id_posts"} <= references


def test_half_of_it_is_nothing(app, monkeypatch, browser, person):
    """What fails leaves no row, and the index as it was."""

    def fail(*_args):
        raise RuntimeError("no more")

    with app.app_context():
        monkeypatch.setattr(making.search_index, "rebuild", fail)
        with pytest.raises(RuntimeError):
            make((10, 50), seed=1, password_hash="x", say=lambda _: None)
        assert db.session.scalar(select(func.count(Post.id))) == 0
    person("quince")
    assert "@quince" in browser.get("/search?q=quin").text


def test_the_same_seed_makes_the_same_community():
    def made(seed):
        random = Random(seed)
        community = Community(people(30, random, set()), 200, random, until=1.8e9)
        tags, mentions = [], []
        return [
            *[list(community.user_rows("x")), list(community.post_rows(tags, mentions)), tags, mentions],
            *[list(community.like_rows()), list(community.follow_rows())],
        ]

    assert made(1) == made(1)
    assert made(1) != made(2)


@pytest.fixture
def empty_site(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("MICROBLOG_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    yield
    close()


def test_a_database_with_members_is_refused(empty_site, capsys):
    assert main(["demo", "--people", "5", "--posts", "20"]) == 0
    said = capsys.readouterr().out
    assert "5 people and 20 posts in" in said
    assert "Everybody's password is " in said
    assert main(["demo", "--people", "5", "--posts", "20"]) == 1
    assert "has 5 members already" in capsys.readouterr().err
    assert main(["demo", "--people", "5", "--posts", "20", "--yes", "--password", "a long one"]) == 0
    assert "password is a long one" in capsys.readouterr().out
    assert main(["demo", "--yes", "--password", "short"]) == 1
    with pytest.raises(SystemExit):
        main(["demo", "--people", "1"])
