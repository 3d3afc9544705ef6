"""Each list of posts and of people has an index that holds nothing else.

`reply_to_id` is NULL in most posts, so SQLite took the index of it for the profile of one member and walked through the
posts of everybody.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BEGUN, ANSWERS = "reply_to_id IS NULL", "reply_to_id IS NOT NULL"
SOME = {
    "ix_posts_author_id_id_begun": (["author_id", "id"], BEGUN),
    "ix_posts_author_id_id_answers": (["author_id", "id"], ANSWERS),
    "ix_posts_author_id_id_deleted": (["author_id", "id"], "deleted_at IS NOT NULL"),
    "ix_posts_id_begun": (["id"], BEGUN),
    "ix_posts_reply_to_id_author_id": (["reply_to_id", "author_id"], ANSWERS),
}
PEOPLE = {"follows": "follower_id", "blocks": "blocker_id", "mutes": "muter_id"}


def _partial(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "posts", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    for name, (columns, where) in SOME.items():
        _partial(name, columns, where)
    op.drop_index("ix_posts_reply_to_id_id", "posts")
    _partial("ix_posts_reply_to_id_id", ["reply_to_id", "id"], ANSWERS)
    for table, column in PEOPLE.items():
        op.create_index(f"ix_{table}_{column}_id", table, [column, "id"])


def downgrade() -> None:
    for table, column in PEOPLE.items():
        op.drop_index(f"ix_{table}_{column}_id", table)
    op.drop_index("ix_posts_reply_to_id_id", "posts")
    op.create_index("ix_posts_reply_to_id_id", "posts", ["reply_to_id", "id"])
    for name in SOME:
        op.drop_index(name, "posts")
