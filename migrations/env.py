"""How Alembic runs here: inside the application, one transaction, and on SQLite with foreign keys checked at the end.

Batch mode rebuilds a table by dropping it; with foreign keys on, that was seen to delete the rows that pointed at it.
"""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from microblog.db.engine import migrating
from microblog.models import search_index
from microblog.models.columns import UtcDateTime

database = current_app.extensions["migrate"].db


def render_item(kind, item, _autogen_context):
    """Our own column type as what it stores, so that old migrations never import code of today."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
        include_object=search_index.is_modelled,
        transaction_per_migration=False,
        transactional_ddl=True,  # SQLite can, but Alembic believes that it cannot, and would commit before the check
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            search_index.keep(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"The migration would leave {len(broken)} rows pointing at nothing; undone.")


with migrating(database.engine) as connection:
    run(connection)
