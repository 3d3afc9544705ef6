"""F58: every migration up, down and up again, with rows in every table. A new migration is covered by being there."""

import datetime
import uuid

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from microblog.config.settings import ROOT
from microblog.extensions import db

pytestmark = pytest.mark.fault(58)

ROWS = 3

SCRIPT = ScriptDirectory(str(ROOT / "migrations"))
REVISIONS = [revision.revision for revision in SCRIPT.walk_revisions()][::-1]
"""The oldest first."""


@pytest.fixture
def there(app):
    """The application; whatever happens, the database is at the newest version again, and empty, for the next test."""
    yield app
    with app.app_context():
        db.session.remove()
        empty(db.engine)
        upgrade()


def tables(engine):
    """The tables of the site as they are now, parents first."""
    metadata = sa.MetaData()
    metadata.reflect(engine, only=lambda name, _: not name.startswith("search_"))  # kept by triggers, not by hand
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def value(column, number):
    """Something that fits the column, different for each `number`."""
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return bool(number % 2)
    if isinstance(kind, sa.Integer):
        return number
    if isinstance(kind, sa.Float | sa.Numeric):
        return number
    if isinstance(kind, sa.DateTime):
        return datetime.datetime(2026, 1, number, tzinfo=datetime.UTC)
    if isinstance(kind, sa.Date):
        return datetime.date(2026, 1, number)
    if isinstance(kind, sa.JSON):
        return {"number": number}
    if isinstance(kind, sa.LargeBinary):
        return b"%d" % number
    if isinstance(kind, sa.Uuid):
        return uuid.UUID(int=number)
    return f"{column.name[:10]}-{number}"[: getattr(kind, "length", None) or 30]


def fill(engine):
    """Add rows to every table that has none; a row's number is the number of the rows that it points at."""
    with engine.begin() as connection:
        for table in tables(engine):
            if connection.scalar(sa.select(sa.func.count()).select_from(table)):
                continue
            parents = {key.parent.name: key.column for key in table.foreign_keys}
            for number in range(1, ROWS + 1):
                own = [column for column in table.columns if column.name not in parents and column.computed is None]
                row = {column.name: value(column, number) for column in own}
                for name, parent in parents.items():
                    known = sa.select(parent).order_by(parent).limit(1).offset(number - 1)
                    row[name] = connection.scalar(known)
                connection.execute(table.insert().values(row))


def empty(engine):
    with engine.begin() as connection:
        for table in reversed(tables(engine)):
            connection.execute(table.delete())


def counts(engine):
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables(engine)
        }


def expect_held_together(engine):
    """No row points at nothing. PostgreSQL asks whether each foreign key still holds; SQLite has a word for it."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        for table in tables(engine):
            for key in table.foreign_keys:
                parent = key.column.table.alias()
                astray = sa.select(sa.func.count()).select_from(
                    table.outerjoin(parent, key.parent == parent.c[key.column.name])
                )
                lost = astray.where(key.parent.is_not(None), parent.c[key.column.name].is_(None))
                assert connection.scalar(lost) == 0, f"{table.name}.{key.parent.name}"


def keep(before, after):
    """The tables that are there before and after have as many rows."""
    both = before.keys() & after.keys()
    assert {name: after[name] for name in both} == {name: before[name] for name in both}


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
def test_it_works(there, revision):
    """One migration, on a database of the version before it in which every table has rows."""
    (below,) = SCRIPT.get_revision(revision)._normalized_down_revisions or (None,)
    with there.app_context():
        engine = db.engine
        downgrade(revision=below or "base")
        fill(engine)
        before = counts(engine)
        assert set(before.values()) <= {ROWS}
        assert below is None or before, "there is something to lose"

        upgrade(revision=revision)
        upgraded = counts(engine)
        keep(before, upgraded)
        expect_held_together(engine)

        fill(engine)  # the new tables too
        full = counts(engine)
        assert set(full.values()) == {ROWS}
        downgrade(revision=below or "base")
        keep(full, counts(engine))
        expect_held_together(engine)

        upgrade(revision=revision)
        keep(counts(engine), upgraded)
        expect_held_together(engine)


def test_from_the_first_to_the_last_and_back(there):
    """In one go, as a site that comes from the oldest release."""
    with there.app_context():
        engine = db.engine
        downgrade(revision="base")
        upgrade(revision=REVISIONS[0])
        fill(engine)
        before = counts(engine)
        upgrade()
        keep(before, counts(engine))
        expect_held_together(engine)
        fill(engine)
        downgrade(revision=REVISIONS[0])
        keep(before, counts(engine))
        expect_held_together(engine)


def test_there_is_one_line_of_migrations():
    assert len(SCRIPT.get_heads()) == 1
    assert len(REVISIONS) == len(set(REVISIONS))


@pytest.mark.sqlite_only
def test_rows_that_point_at_nothing_stop_a_migration(there, caplog):
    """The check at the end of migrations/env.py: undone, and said."""
    with there.app_context():
        engine = db.engine
        downgrade(revision="base")
        upgrade(revision=REVISIONS[0])
        fill(engine)
        before = counts(engine)
        with engine.connect() as connection:
            connection.connection.execute("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("UPDATE sessions SET user_id = 999 WHERE id = 1")
            connection.commit()
            connection.connection.execute("PRAGMA foreign_keys=ON")
        with pytest.raises(SystemExit):  # Flask-Migrate's way, after it has logged the error
            upgrade(revision=REVISIONS[0])
        assert "pointing at nothing" in caplog.text
        assert counts(engine) == before
