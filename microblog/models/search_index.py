"""The index of the words in posts and in names, which the database keeps by itself, whoever writes.

PostgreSQL: a generated column, `search`, on both tables. SQLite: a FTS5 table for each, without a copy of the text, and
three triggers, which need the function `search_words` of microblog/db/engine.py. Made by a migration; what is not in
the models is here, so that nobody takes it for a leftover.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

INDEXED = {"posts": ("search_posts", ("text",)), "users": ("search_people", ("username", "display_name"))}
"""Table → its FTS5 table and the columns in it."""

COLUMN, GIN_INDEXES = "search", {f"ix_{table}_search" for table in INDEXED}


def is_modelled(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Whether Alembic should find it in the models; for `include_object`."""
    if kind == "table":
        return not str(name).startswith(tuple(index for index, _ in INDEXED.values()))
    return not (kind == "column" and name == COLUMN) and name not in GIN_INDEXES


def triggers(table: str) -> dict[str, str]:
    """The triggers that keep the FTS5 table of `table`: name → statement."""
    index, columns = INDEXED[table]
    names = ", ".join(columns)
    new, old = (", ".join(f"search_words({row}.{column})" for column in columns) for row in ("new", "old"))
    changed = " OR ".join(f"new.{column} IS NOT old.{column}" for column in columns)
    add = f"INSERT INTO {index}(rowid, {names}) VALUES (new.id, {new});"  # noqa: S608 - names of ours
    drop = f"INSERT INTO {index}({index}, rowid, {names}) VALUES ('delete', old.id, {old});"  # noqa: S608
    return {
        f"{index}_insert": f"AFTER INSERT ON {table} BEGIN {add} END",
        # A like, or "last seen", changes no word.
        f"{index}_update": f"AFTER UPDATE OF {names} ON {table} WHEN {changed} BEGIN {drop} {add} END",
        f"{index}_delete": f"AFTER DELETE ON {table} BEGIN {drop} END",
    }


def keep(connection: Connection) -> None:
    """Make the triggers that are missing, where there is an index: a table that was rebuilt has lost them."""
    there = {str(name) for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_schema")}
    for table, (index, _columns) in INDEXED.items():
        if index in there:
            for name, rule in triggers(table).items():
                connection.exec_driver_sql(f"CREATE TRIGGER IF NOT EXISTS {name} {rule}")


def pause(connection: Connection) -> None:
    """Before many rows are added at once: nothing is kept until `rebuild`, in the same transaction."""
    for table in INDEXED:
        if connection.dialect.name == "sqlite":
            for name in triggers(table):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        else:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS ix_{table}_{COLUMN}")


AT_ONCE = 250_000
"""So many rows are added to the index before it is told how far it is."""


def rebuild(connection: Connection, say: Callable[[str], None]) -> None:
    """The whole index anew, and kept from now on; `say` is told what is being done."""
    for table, (index, columns) in INDEXED.items():
        if connection.dialect.name == "sqlite":
            _fill(connection, table, index, columns, say)
        else:
            say(f"the search index of {table}")
            connection.exec_driver_sql(f"CREATE INDEX ix_{table}_{COLUMN} ON {table} USING gin ({COLUMN})")
    if connection.dialect.name == "sqlite":
        keep(connection)


def _fill(connection: Connection, table: str, index: str, columns: tuple[str, ...], say: Callable[[str], None]) -> None:
    connection.exec_driver_sql(f"INSERT INTO {index}({index}) VALUES ('delete-all')")  # noqa: S608 - names of ours
    names, words = ", ".join(columns), ", ".join(f"search_words({column})" for column in columns)
    last = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one()  # noqa: S608
    for begin in range(0, last, AT_ONCE):
        say(f"the search index: {table} from number {begin + 1:,} of {last:,}")
        connection.exec_driver_sql(
            f"INSERT INTO {index}(rowid, {names}) SELECT id, {words} FROM {table} "  # noqa: S608
            f"WHERE id > {begin} AND id <= {begin + AT_ONCE}"
        )
