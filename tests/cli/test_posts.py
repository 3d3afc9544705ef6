"""manage.py posts: what was deleted long ago goes for good."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from microblog.cli import main, posts
from microblog.extensions import db, writing
from microblog.models import Like, Post, PostVersion, post
from microblog.models.columns import now

DAY = timedelta(days=1)


@pytest.fixture
def command(app, settings, tmp_path, monkeypatch):
    """The command, on the database of the test."""
    monkeypatch.setenv("MICROBLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("MICROBLOG_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("MICROBLOG_DATABASE__URL", settings.database.url)
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    monkeypatch.setattr(posts, "PAUSE", 0)
    return lambda: main(["posts", "purge"])


def deleted(app, author, ages):
    """So many days ago each."""
    with app.app_context(), writing():
        some = [Post(author_id=author.id, text="gone", deleted_at=now() - age * DAY) for age in ages]
        db.session.add_all(some)
        db.session.flush()
        db.session.add_all(PostVersion(post_id=one.id, text="secret", written_at=now()) for one in some)
        db.session.add_all(Like(user_id=author.id, post_id=one.id) for one in some)
        db.session.commit()
        return [one.id for one in some]


def test_it_works(app, ana, command, capsys, records, stored, monkeypatch):
    monkeypatch.setattr(post, "PURGED_AT_ONCE", 3)
    *_, young, younger = deleted(app, ana, [400, 90, 60, 40, 35, 33, 31, 29, 0])
    with app.app_context(), writing():
        kept = Post.write(ana, "still here").id
        db.session.commit()
    assert command() == 0
    said = capsys.readouterr().out
    assert "Removed 7 posts that had been deleted before" in said
    assert "2 deleted since can still be brought back" in said
    with app.app_context():
        assert set(db.session.scalars(select(Post.id))) == {young, younger, kept}
    assert stored(select(func.count(PostVersion.id))) == stored(select(func.count(Like.id))) == 2
    assert [record["removed"] for record in records("posts.purged")] == [7]
    assert command() == 0
    assert "Removed 0 posts" in capsys.readouterr().out
    assert len(records("posts.purged")) == 1, "nothing is no news"


def test_what_is_answered_goes_too(app, ana, command, browser):
    """The answers stay, and their page says nothing of what is gone for good."""
    (old,) = deleted(app, ana, [31])
    with app.app_context(), writing():
        answer = Post(author_id=ana.id, text="an answer", reply_to_id=old, thread_id=old)
        db.session.add(answer)
        db.session.commit()
        number = answer.id
    command()
    assert browser.get(f"/post/{old}").status == 404
    assert browser.get(f"/post/{number}").said(f"#post-{number} .post__text") == "an answer"


def test_members_write_between_the_batches(app, ana, command, monkeypatch):
    """No lock is held while it pauses."""
    monkeypatch.setattr(post, "PURGED_AT_ONCE", 2)
    deleted(app, ana, [40] * 6)
    written = []

    def meanwhile(_seconds):
        with app.app_context(), writing():
            written.append(Post.write(ana, "meanwhile").id)
            db.session.commit()

    monkeypatch.setattr(posts.time, "sleep", meanwhile)
    assert command() == 0
    with app.app_context(), writing():
        assert db.session.execute(delete(Post).where(Post.id.in_(written))).rowcount == len(written) == 3
