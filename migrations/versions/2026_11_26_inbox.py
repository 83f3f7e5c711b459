"""The inbox: what was said last and until when it sleeps beside a conversation; saved views, bulk deeds, checklists.

The columns come without values, an instant change. The last words are then filled, one pass over the messages: some
seconds for half a million. The indexes over what is open are small; they are built while nobody writes.

Revision ID: 0025
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

IS_OPEN = "state not in ('solved', 'no_answer')"
LAST_WORDS = """
UPDATE conversation SET last_words = coalesce(
    (SELECT substr(message.text, 1, 200) FROM message
     WHERE message.id = coalesce(
         (SELECT max(m.id) FROM message AS m WHERE m.conversation_id = conversation.id AND m.direction = 'in'),
         (SELECT max(m.id) FROM message AS m WHERE m.conversation_id = conversation.id))), '')
"""
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("conversation", sa.Column("snoozed_until", MOMENT, nullable=True))
    op.add_column("conversation", sa.Column("last_words", sa.String(200), nullable=False, server_default=""))
    op.execute(LAST_WORDS)
    op.create_index(
        "ix_conversation_open",
        "conversation",
        ["last_message_at", "id", "state", "assignee_id", "waiting_since", "due_at", "snoozed_until", "channel_id", "locale"],
        sqlite_where=sa.text(IS_OPEN),
        postgresql_where=sa.text(IS_OPEN),
    )
    op.create_index(
        "ix_conversation_open_with",
        "conversation",
        ["assignee_id", "last_message_at", "id"],
        sqlite_where=sa.text(IS_OPEN),
        postgresql_where=sa.text(IS_OPEN),
    )
    # With it SQLite sorted everything that is done to show a page of it; nothing else asks this way any more.
    op.drop_index("ix_conversation_state_waiting", "conversation")
    op.create_table(
        "saved_view",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_saved_view_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index("ix_saved_view_owner_id", "saved_view", ["owner_id"])
    op.create_table(
        "desk_bulk_deed",
        sa.Column("id", ID, nullable=False),
        sa.Column("deed", sa.String(40), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_desk_bulk_deed_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_bulk_deed")),
    )
    op.create_table(
        "checklist_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("team", sa.String(60), nullable=False),
        sa.Column("part", sa.String(10), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.CheckConstraint("part in ('start', 'during', 'end')", name=op.f("ck_checklist_item_known_part")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_item")),
    )
    op.create_table(
        "checklist_sign",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["checklist_item.id"], name=op.f("fk_checklist_sign_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_checklist_sign_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_sign")),
        sa.UniqueConstraint("item_id", "day", name=op.f("uq_checklist_sign_item_id_day")),
    )
    op.create_index("ix_checklist_sign_day", "checklist_sign", ["day"])


def downgrade() -> None:
    op.drop_table("checklist_sign")
    op.drop_table("checklist_item")
    op.drop_table("desk_bulk_deed")
    op.drop_table("saved_view")
    op.create_index("ix_conversation_state_waiting", "conversation", ["state", "waiting_since", "id"])
    op.drop_index("ix_conversation_open_with", "conversation")
    op.drop_index("ix_conversation_open", "conversation")
    op.drop_column("conversation", "last_words")
    op.drop_column("conversation", "snoozed_until")
