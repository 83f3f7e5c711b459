"""Notes of calls know what they are found by, the message that has their words, and what became of them.

The columns come without a value or with a fixed one, an instant change on PostgreSQL; that a result may be
`wrong_number` or `solved` changes a check, for which PostgreSQL looks through `call_note` and SQLite copies it. Whoever
notes a call meanwhile waits; the table is small. Its two indexes are built while writes to it wait. The notes that are
there are found by their numbers a minute later: what finds them is keyed with the installation's secret, so the worker
makes it, 200 a minute. On the way back `wrong_number` becomes `no_answer` and `solved` becomes `reached`; which message
had the words of a call is forgotten, and the messages stay.

Revision ID: 0042
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
BEFORE = ("reached", "no_answer", "message_left", "call_again")
NOW = ("reached", "no_answer", "message_left", "wrong_number", "call_again", "solved")


def upgrade() -> None:
    with op.batch_alter_table("call_note") as batch_op:
        batch_op.add_column(sa.Column("seal", sa.String(64), nullable=True))
        batch_op.add_column(sa.Column("message_id", ID, nullable=True))
        batch_op.add_column(sa.Column("is_answer", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("edited_at", AT, nullable=True))
        batch_op.add_column(sa.Column("removed_at", AT, nullable=True))
        batch_op.add_column(sa.Column("removed_by_id", ID, nullable=True))
        batch_op.add_column(sa.Column("removed_why", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("emptied_at", AT, nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_call_note_message_id"), "message", ["message_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(
            op.f("fk_call_note_removed_by_id"), "user", ["removed_by_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_unique_constraint(op.f("uq_call_note_message_id"), ["message_id"])
        batch_op.drop_constraint(op.f("ck_call_note_known_result"), type_="check")
        batch_op.create_check_constraint(op.f("ck_call_note_known_result"), f"result in {NOW!r}")
    op.create_index("ix_call_note_seal", "call_note", ["seal"])
    op.create_table(
        "call_note_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("call_note_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("until", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["call_note_id"], ["call_note.id"], name=op.f("fk_call_note_version_call_note_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_note_version")),
        sa.UniqueConstraint("call_note_id", "version", name=op.f("uq_call_note_version_call_note_id_version")),
    )


def downgrade() -> None:
    op.drop_table("call_note_version")
    op.drop_index("ix_call_note_seal", "call_note")
    op.execute("update call_note set result = 'no_answer' where result = 'wrong_number'")
    op.execute("update call_note set result = 'reached' where result = 'solved'")
    with op.batch_alter_table("call_note") as batch_op:
        batch_op.drop_constraint(op.f("ck_call_note_known_result"), type_="check")
        batch_op.create_check_constraint(op.f("ck_call_note_known_result"), f"result in {BEFORE!r}")
        batch_op.drop_constraint(op.f("uq_call_note_message_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_call_note_removed_by_id"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_call_note_message_id"), type_="foreignkey")
        for column in (
            "emptied_at",
            "removed_why",
            "removed_by_id",
            "removed_at",
            "edited_at",
            "version",
            "is_answer",
            "message_id",
            "seal",
        ):
            batch_op.drop_column(column)
