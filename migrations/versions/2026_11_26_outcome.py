"""The customer is asked whether a reply helped: that they said so, and which message asks about which reply. And in how
many conversations agents wrote much the same as an answer that was nominated.

The columns come with a constant, an instant change on both databases.

Revision ID: 0019
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "article_use", sa.Column("outcome_by_customer", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("nomination", sa.Column("alike", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "follow_up",
        sa.Column("reply_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["message.id"], name=op.f("fk_follow_up_reply_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_follow_up_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("message_id", name=op.f("uq_follow_up_message_id")),
    )


def downgrade() -> None:
    op.drop_table("follow_up")
    op.drop_column("nomination", "alike")
    op.drop_column("article_use", "outcome_by_customer")
