"""Every migration, up and down, with rows in the tables, on both databases."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, select

from microblog.db.engine import migrating
from microblog.extensions import db
from microblog.models import FormerUsername, Post, Session, User
from microblog.models.search_index import is_modelled


def test_the_models_are_what_the_migrations_make(app):
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_modelled})
        assert compare_metadata(context, db.metadata) == []


def test_down_and_up_again(app, person):
    person("ana")
    with app.app_context():
        downgrade(revision="base")
        assert set(sa.inspect(db.engine).get_table_names()) <= {"alembic_version", "sqlite_sequence"}
        upgrade()
        assert db.session.scalar(select(func.count(User.id))) == 0


def test_what_was_written_before_is_found_after(app, browser, ana, capsys):
    """The index is made anew of all posts, in pieces."""
    with app.app_context():
        downgrade(revision="0007")
        with migrating(db.engine) as connection:
            for number in (1, 2, 50_000, 50_001, 123_456):
                values = {"id": number, "author_id": ana.id, "text": f"今日は{number}番"}
                connection.execute(sa.insert(Post).values(values))
            connection.commit()
        upgrade()
        if db.engine.dialect.name == "sqlite":
            assert "posts from number 100,001 of 123,456 …" in capsys.readouterr().out
    assert len(browser.get("/search?q=日は").all(".hit")) == 5
    assert len(browser.get("/search?q=ana").all(".person")) == 1


@pytest.mark.sqlite_only
def test_a_rebuilt_table_keeps_what_points_at_it(app, browser, ana):
    """Batch mode drops the old table: with foreign keys on, the rows that point at it would be deleted with it."""
    browser.sign_in(ana)
    with app.app_context():
        db.engine.dispose()
        with migrating(db.engine) as connection:
            context = MigrationContext.configure(connection)
            from alembic.operations import Operations

            with (
                Operations.context(context),
                Operations(context).batch_alter_table("users", recreate="always") as batch,
            ):
                batch.alter_column("location", type_=sa.String(300))
            connection.commit()
        assert db.session.scalar(select(func.count(Session.id))) == 1
        assert db.session.execute(sa.text("PRAGMA foreign_key_check")).all() == []
        assert db.session.execute(sa.text("PRAGMA foreign_keys")).scalar() == 1, "on again for everybody else"


def test_a_member_takes_their_rows_along(app, browser, ana):
    browser.sign_in(ana)
    form = browser.hx_get("/edit_profile/username").values()
    browser.hx_post("/edit_profile/username", data=form | {"username": "anabel"})
    with app.app_context(), migrating(db.engine) as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(sa.delete(User))
        connection.commit()
    with app.app_context():
        assert db.session.scalar(select(func.count(Session.id))) == 0
        assert db.session.scalar(select(func.count(FormerUsername.username_key))) == 0
