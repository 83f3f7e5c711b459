"""Indexes by which a channel tells how it is doing, and whether replies wait, without reading all its messages.

Only the first holds every message; on PostgreSQL building it keeps writers waiting (a SHARE lock on message), some
seconds for a million rows; readers read on. The other two hold what waits and what failed.

Revision ID: 0036
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_message_channel", "message", ["channel_id", "id"])
    for name, words in (("ix_message_queued", "state = 'queued'"), ("ix_message_failure", "failure is not null")):
        where = sa.text(words)
        op.create_index(name, "message", ["channel_id", "id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name in ("ix_message_failure", "ix_message_queued", "ix_message_channel"):
        op.drop_index(name, "message")
