"""Indexes of what was taken away hold only that: an index in which nearly everything is NULL misleads the planner of
SQLite into walking through all posts, and every new post pays for it.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _partial(name: str, table: str, column: str) -> None:
    there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)


def upgrade() -> None:
    op.drop_index("ix_posts_deleted_at", "posts")
    _partial("ix_posts_deleted_at", "posts", "deleted_at")
    _partial("ix_users_suspended_at", "users", "suspended_at")


def downgrade() -> None:
    op.drop_index("ix_users_suspended_at", "users")
    op.drop_index("ix_posts_deleted_at", "posts")
    op.create_index("ix_posts_deleted_at", "posts", ["deleted_at"])
