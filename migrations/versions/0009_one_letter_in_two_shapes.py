"""Search takes ı for i, ς for σ and ß for ss: IŞIK is found as ışık, ΟΔΟΣ as οδος, STRASSE as Straße.

Both indexes are made anew, by the rules of microblog/db/search_words.py.

Revision: 0009, after 0008
"""

from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SAME = "replace(translate({plain}, 'ıςẞ', 'iσß'), 'ß', 'ss')"


def upgrade() -> None:
    connection, before = op.get_bind(), _before()
    if connection.dialect.name == "sqlite":
        before.upgrade()  # by the rules in Python, as they are now
    else:
        before.generate(connection, before.WORDS.replace(before.PLAIN, SAME.format(plain=before.PLAIN)))


def downgrade() -> None:
    """SQLite's index stays as it is: what these letters stand in is found again once it is written anew."""
    connection, before = op.get_bind(), _before()
    if connection.dialect.name != "sqlite":
        before.generate(connection, before.WORDS)


def _before():  # type: ignore[no-untyped-def]
    """Migration 0008, which knows how an index is made."""
    return context.script.get_revision(down_revision).module
