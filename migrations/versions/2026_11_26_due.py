"""Until when a customer is to have an answer, beside since when they wait.

The column comes without a value, an instant change, and is filled for those who wait: an hour after they wrote.

Revision ID: 0021
Create Date: 2026-11-26
"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PROMISED = timedelta(hours=1)


def upgrade() -> None:
    op.add_column("conversation", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    conversation = sa.table("conversation", sa.column("id"), sa.column("waiting_since"), sa.column("due_at"))
    if op.get_bind().dialect.name == "sqlite":
        an_hour_later = sa.func.strftime("%Y-%m-%d %H:%M:%f000", conversation.c.waiting_since, "+1 hour")
    else:
        an_hour_later = conversation.c.waiting_since + PROMISED
    op.execute(
        sa.update(conversation).where(conversation.c.waiting_since.is_not(None)).values(due_at=an_hour_later)
    )
    op.create_index("ix_conversation_due_at", "conversation", ["due_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_conversation_due_at", "conversation")
    op.drop_column("conversation", "due_at")
