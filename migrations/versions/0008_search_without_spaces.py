"""Search finds any part of what is written without spaces: both indexes anew, by the rules of microblog/db/search_words.py.

Revision: 0008, after 0007
"""

from alembic import op
from sqlalchemy import Connection

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The rules in SQL, and as they were. Most of what is written is spared most of it.
REMOVED = (
    r"\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
)
UNSPACED = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17d7\u17dc\u17dd"
    r"\u3005-\u3007\u302a-\u302f\u303b\u303c\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    r"\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9fe\uaa60-\uaa7f\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
# What can be or become one of these, roughly: the test costs a tenth of the work.
PERHAPS = r"\u0e01-\u17dd\u2e80-\ua4cf\ua9e0-\uaa7f\uf900-\ufaff\uff66-\uff9f\U0001f200-\U0001f265\U00020000-\U0003ffff"
# Tone marks and the like are signs to PostgreSQL's parser, and would not be in the index: Yi syllables stand for them.
MARKS = [
    *((0xE31, 0xE31), (0xE34, 0xE3A), (0xE47, 0xE4E), (0xEB1, 0xEB1), (0xEB4, 0xEBC), (0xEC8, 0xECD)),
    *((0x102B, 0x103E), (0x1056, 0x1059), (0x105E, 0x1060), (0x1062, 0x1064), (0x1067, 0x106D), (0x1071, 0x1074)),
    *((0x1082, 0x108D), (0x108F, 0x108F), (0x109A, 0x109D), (0x17B4, 0x17D3), (0x17DD, 0x17DD), (0x302A, 0x302F)),
    *((0x3099, 0x309A), (0xA9E5, 0xA9E5), (0xAA7B, 0xAA7D)),
]
SIGNS = "".join(chr(number) for first, last in MARKS for number in range(first, last + 1))
LETTERS = "".join(chr(0xA000 + at) for at in range(len(SIGNS)))
PLAIN = f"normalize(regexp_replace(normalize({{text}}, NFKD), '[{REMOVED}]+', '', 'g'), NFC)"
SPACED = (
    f"regexp_replace(regexp_replace({PLAIN}, '([{UNSPACED}]+)', ' \\1 ', 'g'), '([{UNSPACED}])', '\\1 \\1', 'g')"
)
LETTERED = f"translate({SPACED}, '{SIGNS}', '{LETTERS}')"
FOLDED = (
    f"CASE WHEN octet_length({{text}}) = char_length({{text}}) THEN {{text}} "
    f"WHEN {{text}} ~ '[{PERHAPS}]' THEN {LETTERED} ELSE {PLAIN} END"
)
WORDS = f"to_tsvector('simple', regexp_replace({FOLDED}, '[!-/:-@[-`{{{{-~]+', ' ', 'g'))"
WORDS_BEFORE = (
    r"to_tsvector('simple', regexp_replace(regexp_replace(normalize({text}, NFKD), '[\u0300-\u036f]+', '', 'g'), "
    "'[!-/:-@[-`{{-~]+', ' ', 'g'))"
)

POSTGRESQL = {"posts": "text", "users": "(username || ' ' || display_name)"}
SQLITE = {"posts": ("search_posts", ("text",)), "users": ("search_people", ("username", "display_name"))}
AT_ONCE = 50_000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        generate(connection, WORDS)
        return
    for table, (index, columns) in SQLITE.items():
        drop(connection, index)
        names, words = ", ".join(columns), ", ".join(f"search_words({column})" for column in columns)
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {index} USING fts5({names}, content='', tokenize='ascii', prefix='2 3')"
        )
        last = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one()
        for begin in range(0, last, AT_ONCE):
            if last > AT_ONCE:
                print(f"The search index: {table} from number {begin + 1:,} of {last:,} …", flush=True)
            connection.exec_driver_sql(
                f"INSERT INTO {index}(rowid, {names}) SELECT id, {words} FROM {table} "
                f"WHERE id > {begin} AND id <= {begin + AT_ONCE}"
            )
    # The triggers are made by env.py, at the end.


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        generate(connection, WORDS_BEFORE)
        return
    for table, (index, columns) in SQLITE.items():
        drop(connection, index)
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {index} USING fts5({', '.join(columns)}, content='{table}', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
        )
        connection.exec_driver_sql(f"INSERT INTO {index}({index}) VALUES ('rebuild')")


def generate(connection: Connection, words: str) -> None:
    for table, text in POSTGRESQL.items():
        count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        if count > AT_ONCE:
            print(f"The search index: {count:,} {table} …", flush=True)
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN search")
        column = f"search tsvector GENERATED ALWAYS AS ({words.format(text=text)}) STORED"
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
        connection.exec_driver_sql(f"CREATE INDEX ix_{table}_search ON {table} USING gin (search)")


def drop(connection: Connection, index: str) -> None:
    for moment in ("insert", "update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {index}_{moment}")
    connection.exec_driver_sql(f"DROP TABLE {index}")
