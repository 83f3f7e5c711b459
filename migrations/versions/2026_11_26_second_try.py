"""What came of looking for a message before it was sent again.

A column without a value, an instant change on both databases.

Revision ID: 0039
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("second_try", sa.String(10), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "second_try")
