"""Full text search over posts and over the names of members.

SQLite: FTS5 tables without a copy of the text, kept by triggers, so that whoever writes is covered; also a shell.
PostgreSQL: a generated column on each table, with a GIN index.

Revision: 0006, after 0004
"""

from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

# Without accents, and nothing but words: as FTS5's tokenizer has it. PostgreSQL's own parser would keep a web address,
# an e-mail address or a path as one word.
# (translate() would do the same, five times as slowly.)
WORDS = (
    r"to_tsvector('simple', regexp_replace(regexp_replace(normalize({text}, NFKD), '[\u0300-\u036f]+', '', 'g'), "
    "'[!-/:-@[-`{-~]+', ' ', 'g'))"
)

POSTGRESQL = {"posts": "text", "users": "username || ' ' || display_name"}
SQLITE = {"posts": ("search_posts", ("text",)), "users": ("search_people", ("username", "display_name"))}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        for table, text in POSTGRESQL.items():
            words = WORDS.replace("{text}", text)
            connection.exec_driver_sql(
                f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({words}) STORED"
            )
            connection.exec_driver_sql(f"CREATE INDEX ix_{table}_search ON {table} USING gin (search)")
        return
    for table, (index, columns) in SQLITE.items():
        names = ", ".join(columns)
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {index} USING fts5({names}, content='{table}', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
        )
        connection.exec_driver_sql(f"INSERT INTO {index}({index}) VALUES ('rebuild')")
    # The triggers are made by env.py, at the end: a migration that rebuilds a table loses them.


def downgrade() -> None:
    connection = op.get_bind()
    for table, (index, _columns) in SQLITE.items():
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN search")
            continue
        for moment in ("insert", "update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {index}_{moment}")
        connection.exec_driver_sql(f"DROP TABLE {index}")
