"""Replies that a team writes together, watches after a complaint, what was passed over, and what customers are worth.

New tables, and columns with a default that stands in the catalogue: an instant change on PostgreSQL. Only `call_back` is
copied on SQLite, for its foreign key. The index over what is open holds the team now, too: it is small (what is done is
not in it), and nothing writes to conversations while it is made anew.

Revision ID: 0031
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OPEN = ("last_message_at", "id", "state", "assignee_id", "waiting_since", "due_at", "snoozed_until", "channel_id", "locale")


def upgrade() -> None:
    op.create_table(
        "shared_draft",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=True),
        sa.Column("split", sa.String(10), server_default="", nullable=False),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("turn_from", sa.Integer(), nullable=False),
        sa.Column("seen_id", ID, server_default="0", nullable=False),
        sa.Column("held_id", ID, nullable=True),
        sa.Column("drafters", sa.JSON(), nullable=False),
        sa.Column("begun_by_id", ID, nullable=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("for_id", ID, nullable=True),
        sa.Column("dropped_at", MOMENT, nullable=True),
        sa.Column("dropped_by_id", ID, nullable=True),
        _of("shared_draft", "conversation"),
        _of("shared_draft", "held_reply", "held_id", ondelete="SET NULL"),
        *(_person("shared_draft", name) for name in ("begun_by_id", "by_id", "for_id", "dropped_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_draft")),
        sqlite_autoincrement=True,
    )
    _one_open("uq_shared_draft_open", "shared_draft", "dropped_at is null")
    op.create_index("ix_shared_draft_conversation", "shared_draft", ["conversation_id", "id"])
    op.create_index("ix_shared_draft_dropped_at", "shared_draft", ["dropped_at"])
    op.create_index(op.f("ix_shared_draft_held_id"), "shared_draft", ["held_id"])
    op.create_table(
        "earlier_draft",
        sa.Column("id", ID, nullable=False),
        sa.Column("draft_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        _of("earlier_draft", "shared_draft", "draft_id"),
        _person("earlier_draft", "by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_draft")),
    )
    op.create_index("ix_earlier_draft_draft", "earlier_draft", ["draft_id", "id"])
    for table in ("departure", "held_reply"):
        op.add_column(table, sa.Column("drafters", sa.JSON(), server_default="[]", nullable=False))

    op.create_table(
        "case_watch",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("begun_by_id", ID, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by_id", ID, nullable=True),
        sa.Column("alarmed_at", MOMENT, nullable=True),
        _of("case_watch", "conversation"),
        _person("case_watch", "begun_by_id"),
        _person("case_watch", "ended_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_watch")),
        sqlite_autoincrement=True,
    )
    _one_open("uq_case_watch_open", "case_watch", "ended_at is null")
    not_ended = sa.text("ended_at is null")
    op.create_index(
        "ix_case_watch_until", "case_watch", ["until", "conversation_id"], sqlite_where=not_ended, postgresql_where=not_ended
    )
    op.create_index("ix_case_watch_conversation", "case_watch", ["conversation_id", "id"])
    op.create_table(
        "case_watch_hit",
        sa.Column("id", ID, nullable=False),
        sa.Column("watch_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _of("case_watch_hit", "case_watch", "watch_id"),
        _of("case_watch_hit", "message"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_watch_hit")),
        sa.UniqueConstraint("watch_id", "message_id", name=op.f("uq_case_watch_hit_watch_id_message_id")),
    )
    op.create_index(op.f("ix_case_watch_hit_message_id"), "case_watch_hit", ["message_id"])

    op.create_table(
        "passed_over",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _of("passed_over", "conversation"),
        _of("passed_over", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passed_over")),
        sa.UniqueConstraint("conversation_id", "user_id", name=op.f("uq_passed_over_conversation_id_user_id")),
    )
    op.create_index(op.f("ix_passed_over_user_id"), "passed_over", ["user_id"])

    op.add_column("card_source", sa.Column("worth", sa.JSON(), server_default="{}", nullable=False))
    op.create_table(
        "contact_worth",
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _of("contact_worth", "contact"),
        _of("contact_worth", "card_source", "source_id"),
        sa.PrimaryKeyConstraint("contact_id", "source_id", name=op.f("pk_contact_worth")),
    )
    op.create_index(op.f("ix_contact_worth_source_id"), "contact_worth", ["source_id"])
    op.create_index(op.f("ix_contact_worth_at"), "contact_worth", ["at"])

    op.add_column("counter", sa.Column("has_code", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("counter", sa.Column("wrong_codes", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("call_back") as table:
        table.add_column(sa.Column("counter_id", ID, nullable=True))
        table.add_column(sa.Column("is_unverified", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_unique_constraint(op.f("uq_call_back_counter_id"), ["counter_id"])
        table.create_foreign_key(
            op.f("fk_call_back_counter_id"), "counter", ["counter_id"], ["id"], ondelete="SET NULL"
        )

    _index_open(*OPEN, "team_id")


def downgrade() -> None:
    _index_open(*OPEN)
    with op.batch_alter_table("call_back") as table:
        table.drop_constraint(op.f("fk_call_back_counter_id"), type_="foreignkey")
        table.drop_constraint(op.f("uq_call_back_counter_id"), type_="unique")
        table.drop_column("is_unverified")
        table.drop_column("counter_id")
    op.drop_column("counter", "wrong_codes")
    op.drop_column("counter", "has_code")
    op.drop_table("contact_worth")
    op.drop_column("card_source", "worth")
    for table_name in ("passed_over", "case_watch_hit", "case_watch"):
        op.drop_table(table_name)
    op.drop_column("held_reply", "drafters")
    op.drop_column("departure", "drafters")
    op.drop_table("earlier_draft")
    op.drop_table("shared_draft")


def _of(table: str, other: str, column: str = "", *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    column = column or f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _person(table: str, column: str) -> sa.ForeignKeyConstraint:
    return _of(table, "user", column, ondelete="SET NULL")


def _one_open(name: str, table: str, words: str) -> None:
    where = sa.text(words)
    op.create_index(name, table, ["conversation_id"], unique=True, sqlite_where=where, postgresql_where=where)


def _index_open(*columns: str) -> None:
    where = sa.text("state not in ('solved', 'no_answer')")
    op.drop_index("ix_conversation_open", table_name="conversation")
    op.create_index(
        "ix_conversation_open", "conversation", list(columns), sqlite_where=where, postgresql_where=where
    )
