"""What came in from elsewhere keeps its id; other programs are told of events; people are forgotten, words are kept for
a chosen time; leads look after teams.

New tables lock nothing. The column of contacts comes without a value, an instant change on both databases. That a role may
be `lead` changes a check: PostgreSQL looks through the small table of roles for it, SQLite copies that; whoever signs in
meanwhile waits. On the way back leads stay agents.

Revision ID: 0033
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "carried_row",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("source_id", sa.String(100), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_row")),
        sa.UniqueConstraint("kind", "source_id", name=op.f("uq_carried_row_kind_source_id")),
    )
    op.create_index("ix_carried_row_row", "carried_row", ["kind", "row_id"])


    op.add_column("contact", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "retention_rule",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_days", sa.Integer(), nullable=True),
        sa.Column("private_days", sa.Integer(), nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("public_days > 0", name=op.f("ck_retention_rule_public_is_some_time")),
        sa.CheckConstraint("private_days > 0", name=op.f("ck_retention_rule_private_is_some_time")),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_retention_rule_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rule")),
    )
    op.create_table(
        "retention_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversations", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("beside", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("words", sa.String(10), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why_disabled", sa.String(20), nullable=False, server_default=""),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("words in ('none', 'public', 'all')", name=op.f("ck_webhook_known_words")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_webhook_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("conversation_id", ID, nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint("state in ('queued', 'arrived', 'failed')", name=op.f("ck_webhook_delivery_known_state")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_webhook_delivery_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("webhook_id", "key", name=op.f("uq_webhook_delivery_webhook_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_delivery_log", "webhook_delivery", ["webhook_id", "id"])
    op.create_index("ix_webhook_delivery_created_at", "webhook_delivery", ["created_at"])
    op.create_index("ix_webhook_delivery_conversation_id", "webhook_delivery", ["conversation_id"])
    _let_roles_be(("member", "trusted", "agent", "lead", "moderator", "editor", "admin"))


def downgrade() -> None:
    op.execute("delete from user_role where role = 'lead'")
    _let_roles_be(("member", "trusted", "agent", "moderator", "editor", "admin"))
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
    op.drop_table("retention_run")
    op.drop_table("retention_rule")
    op.drop_column("contact", "erased_at")
    op.drop_table("carried_row")


def _let_roles_be(roles: tuple[str, ...]) -> None:
    with op.batch_alter_table("user_role") as batch_op:
        batch_op.drop_constraint(op.f("ck_user_role_known_role"), type_="check")
        batch_op.create_check_constraint(op.f("ck_user_role_known_role"), f"role in {roles!r}")
