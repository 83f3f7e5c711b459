"""People on a channel keep their history when they take another handle: the service's own id of them.

A column without a value, which is an instant change on both databases, and a unique index over it. On PostgreSQL the
index is built while writes to `contact` wait: it has no row to hold yet, so that it takes one reading of the table.

Revision ID: 0035
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("external_id", sa.String(300), nullable=True))
    op.create_index("ix_contact_external_id", "contact", ["channel_id", "external_id"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_contact_external_id", "contact")
    op.drop_column("contact", "external_id")
