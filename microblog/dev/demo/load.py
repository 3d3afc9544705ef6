"""Many rows into the database, straight through the driver, in one transaction."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import JSON, Connection, Table

from microblog.dev.demo.community import Row, stamp
from microblog.models.columns import UtcDateTime, now


def rest(table: Table, columns: Sequence[str]) -> dict[str, Any]:
    """What the columns that are not given hold in a row that nobody has touched: the defaults of the model."""
    found = {}
    for column in table.columns:
        if column.name in columns or column.nullable or column.primary_key or column.default is None:
            continue
        default: Any = column.default
        value = default.arg(None) if default.is_callable else default.arg
        if isinstance(column.type, JSON):
            value = json.dumps(value)
        elif isinstance(column.type, UtcDateTime):
            value = stamp(now().timestamp())
        found[column.name] = value
    return found


def load(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Add `rows`, whose values are those of `columns`, in this order."""
    more = rest(table, columns)
    names, values = ", ".join((*columns, *more)), tuple(more.values())
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * (len(columns) + len(more)))
        # Names of ours; the values are bound.
        driver.executemany(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",  # noqa: S608
            ((*row, *values) for row in rows) if values else rows,
        )
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((*row, *values))


_REFERENCES = """
SELECT conrelid::regclass::text AS table_name, conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""


@contextmanager
def checked_at_the_end(connection: Connection) -> Iterator[None]:
    """PostgreSQL looks each reference up row by row, which took longer than the rows; all at once takes seconds.

    SQLite's look-ups are in the same process and cost hardly anything.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    known = connection.exec_driver_sql(_REFERENCES).all()
    for table, name, _ in known:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    for table, name, definition in known:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def take_stock(connection: Connection) -> None:
    """PostgreSQL plans by what it knows of the rows, which is nothing until somebody looks; SQLite needs no telling."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ANALYZE")


def go_on_counting(connection: Connection, tables: Iterable[Table]) -> None:
    """PostgreSQL gives out numbers from a sequence, which knows nothing of the numbers that were given here."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"  # noqa: S608
        )
