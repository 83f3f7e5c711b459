"""The team among itself: notes, cards of hand-overs, and questions to colleagues without an account.

Only new tables.

Revision ID: 0022
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def _conversation(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_conversation_id")
    return sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=name, ondelete="CASCADE")


def _person(table: str, column: str = "by_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["user.id"], name=op.f(f"fk_{table}_{column}"), ondelete="SET NULL")


def upgrade() -> None:
    op.create_table(
        "side_talk",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("locale", sa.String(2), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        _conversation("side_talk"),
        _person("side_talk"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_talk")),
    )
    op.create_index("ix_side_talk_conversation", "side_talk", ["conversation_id", "id"])
    op.create_index(op.f("ix_side_talk_closed_at"), "side_talk", ["closed_at"])
    op.create_table(
        "desk_note",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("side_talk_id", ID, nullable=True),
        _conversation("desk_note"),
        _person("desk_note"),
        sa.ForeignKeyConstraint(
            ["side_talk_id"], ["side_talk.id"], name=op.f("fk_desk_note_side_talk_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_note")),
    )
    op.create_index("ix_desk_note_conversation", "desk_note", ["conversation_id", "at"])
    op.create_table(
        "hand_over",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("to_id", ID, nullable=True),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("promised", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        _conversation("hand_over"),
        _person("hand_over"),
        _person("hand_over", "to_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
    )
    op.create_index("ix_hand_over_conversation", "hand_over", ["conversation_id", "id"])
    op.create_index(op.f("ix_hand_over_to_id"), "hand_over", ["to_id"])


def downgrade() -> None:
    op.drop_table("hand_over")
    op.drop_table("desk_note")
    op.drop_table("side_talk")
