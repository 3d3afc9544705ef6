"""A block knows which follows it ended, so that its Undo brings them back.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = ("ended_mine", "ended_theirs")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("blocks", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("blocks") as batch:
        for name in COLUMNS:
            batch.drop_column(name)
