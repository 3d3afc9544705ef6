"""What somebody likes and keeps is shown in the order in which they did so.

Revision: 0007, after 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_likes_user_id_id", "likes", ["user_id", "id"])
    op.create_index("ix_bookmarks_user_id_id", "bookmarks", ["user_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_bookmarks_user_id_id", "bookmarks")
    op.drop_index("ix_likes_user_id_id", "likes")
