"""What was promised to customers, call-backs, and what the linter finds in stored texts: four new tables.

Revision ID: 0024
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

from core.db import BigId

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "promise",
        sa.Column("id", BigId, primary_key=True),
        _of("conversation_id", "conversation"),
        _by("message_id", "message"),
        sa.Column("what", sa.Text(), nullable=False),
        _by("owner_id"),
        _by("by_id"),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("due_at", WHEN, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("settled_at", WHEN),
        _by("settled_by_id"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("nudged_at", WHEN),
        sa.CheckConstraint("state in ('open', 'kept', 'broken', 'withdrawn')", name=op.f("ck_promise_known_state")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_promise_state", "promise", ["state", "due_at", "id"])
    op.create_index("ix_promise_conversation", "promise", ["conversation_id", "due_at", "id"])
    op.create_index(op.f("ix_promise_message_id"), "promise", ["message_id"])
    op.create_index(op.f("ix_promise_owner_id"), "promise", ["owner_id"])
    op.create_table(
        "call_back",
        sa.Column("id", BigId, primary_key=True),
        _of("conversation_id", "conversation"),
        sa.Column("phone", sa.Text()),
        sa.Column("since", WHEN, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        _by("owner_id"),
        _by("by_id"),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("settled_at", WHEN),
        sa.Column("nudged_at", WHEN),
        sa.CheckConstraint(
            "state in ('open', 'reached', 'given_up', 'cancelled')", name=op.f("ck_call_back_known_state")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_back_state", "call_back", ["state", "until", "id"])
    op.create_index("ix_call_back_conversation", "call_back", ["conversation_id", "id"])
    op.create_index(op.f("ix_call_back_owner_id"), "call_back", ["owner_id"])
    op.create_table(
        "call_attempt",
        sa.Column("id", BigId, primary_key=True),
        _of("call_back_id", "call_back"),
        _by("by_id"),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "result in ('reached', 'no_answer', 'busy', 'wrong_number')", name=op.f("ck_call_attempt_known_result")
        ),
    )
    op.create_index(op.f("ix_call_attempt_call_back_id"), "call_attempt", ["call_back_id"])
    op.create_table(
        "lint_finding",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("type", sa.String(30), nullable=False),
        sa.Column("seal", sa.String(24), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.String(300), nullable=False),
        sa.Column("found_at", WHEN, nullable=False),
        sa.Column("settled_at", WHEN),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        _by("settled_by_id"),
        sa.UniqueConstraint("source", "ref", "type", "seal", name=op.f("uq_lint_finding_source_ref_type_seal")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lint_finding_open", "lint_finding", ["settled_at", "found_at", "id"])


def downgrade() -> None:
    for table in ("lint_finding", "call_attempt", "call_back", "promise"):
        op.drop_table(table)


def _of(name: str, table: str) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


def _by(name: str, table: str = "user") -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(f"{table}.id", ondelete="SET NULL"))
