"""What is hidden and corrected at services, the ladder before a block, and what restricted people write.

New tables, which nobody reads or writes while they are made, and one column with a default for the Marktplatz of the
demonstration, which both databases add in an instant without reading the table. Nothing is filled. Going back drops
them; what was hidden at a service stays hidden there.

Revision ID: 0043
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_hiding",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'done', 'failed', 'unsure')", name=op.f("ck_message_hiding_known_state")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_message_hiding_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_hiding_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_hiding")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_hiding_message", "message_hiding", ["message_id", "id"])
    _unique("uq_message_hiding_queued", "message_hiding", "message_id", "state = 'queued'")

    op.create_table(
        "message_correction",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=80), server_default="", nullable=False),
        sa.Column("approved_by_id", _ID, nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('approval', 'back', 'queued', 'done', 'failed', 'unsure', 'dropped')",
            name=op.f("ck_message_correction_known_state"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["user.id"], name=op.f("fk_message_correction_approved_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_message_correction_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_correction_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_correction")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_correction_message", "message_correction", ["message_id", "id"])
    _unique(
        "uq_message_correction_open",
        "message_correction",
        "message_id",
        "state in ('approval', 'back', 'queued', 'failed', 'unsure')",
    )

    op.create_table(
        "contact_step",
        sa.Column("id", _ID, nullable=False),
        sa.Column("contact_id", _ID, nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by_id", _ID, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=300), server_default="", nullable=False),
        sa.Column("ended_by_id", _ID, nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=300), server_default="", nullable=False),
        sa.CheckConstraint(
            "step in ('ask', 'mute', 'hide', 'restrict', 'block')", name=op.f("ck_contact_step_known_step")
        ),
        sa.CheckConstraint(
            "state in ('asked', 'in_force', 'over', 'declined')", name=op.f("ck_contact_step_known_state")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_contact_step_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_contact_step_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name=op.f("fk_contact_step_decided_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["user.id"], name=op.f("fk_contact_step_ended_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_step")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contact_step_contact", "contact_step", ["contact_id", "id"])
    _unique("uq_contact_step_in_force", "contact_step", "contact_id", "state = 'in_force'")
    _unique("uq_contact_step_asked", "contact_step", "contact_id", "state = 'asked'")
    in_force = sa.text("state = 'in_force'")
    op.create_index(
        "ix_contact_step_until", "contact_step", ["until"], sqlite_where=in_force, postgresql_where=in_force
    )

    op.create_table(
        "held_arrival",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by_id", _ID, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=300), server_default="", nullable=False),
        sa.CheckConstraint("state in ('waiting', 'let_in', 'closed')", name=op.f("ck_held_arrival_known_state")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_held_arrival_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_held_arrival_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_held_arrival_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_held_arrival")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_held_arrival_waiting", "held_arrival", ["at", "message_id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_held_arrival_conversation", "held_arrival", ["conversation_id", "state"])

    op.add_column("plaza_post", sa.Column("is_hidden", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("plaza_post", "is_hidden")
    op.drop_table("held_arrival")
    op.drop_table("contact_step")
    op.drop_table("message_correction")
    op.drop_table("message_hiding")


def _unique(name: str, table: str, column: str, where: str) -> None:
    clause = sa.text(where)
    op.create_index(name, table, [column], unique=True, sqlite_where=clause, postgresql_where=clause)
