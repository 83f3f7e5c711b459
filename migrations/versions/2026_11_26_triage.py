"""What messages are taken for, what people say they are, the place of conversations in the queue, rules and incidents.

New tables, and one column with a default, which both databases add in an instant without reading the table; nothing is
filled: conversations stand in the middle until somebody writes on.

Revision ID: 0023
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learnt_model",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learnt_model")),
    )
    op.create_table(
        "desk_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("deeds", sa.JSON(), nullable=False),
        sa.Column("stops", sa.Boolean(), nullable=False),
        sa.Column("switched_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_desk_rule_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_rule")),
    )
    op.create_index(op.f("ix_desk_rule_position"), "desk_rule", ["position"])

    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("solution", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('open', 'solved')", name=op.f("ck_incident_known_state")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_incident_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index(op.f("ix_incident_state"), "incident", ["state"])

    op.create_table(
        "priority_weighing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_priority_weighing_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priority_weighing")),
    )
    op.create_table(
        "conversation_mute",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_conversation_mute_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_mute_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["desk_rule.id"], name=op.f("fk_conversation_mute_rule_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_mute")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_conversation_mute_conversation_id")),
    )
    op.create_table(
        "conversation_standing",
        sa.Column(
            "conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("intent", sa.String(length=10), nullable=False),
        sa.Column("sentiment", sa.SmallInteger(), nullable=False),
        sa.Column("heat", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("severity", sa.Double(), nullable=False),
        sa.Column("reach", sa.Double(), nullable=False),
        sa.Column("visibility", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("repeats", sa.Double(), nullable=False),
        sa.Column("followers", sa.Integer(), nullable=True),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lift", sa.SmallInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_standing_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversation_standing")),
    )
    op.create_index(op.f("ix_conversation_standing_intent"), "conversation_standing", ["intent"])
    op.create_index("ix_conversation_standing_placed_at", "conversation_standing", ["placed_at", "conversation_id"])
    op.create_index(op.f("ix_conversation_standing_sentiment"), "conversation_standing", ["sentiment"])

    op.create_table(
        "conversation_tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_tag_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_tag")),
        sa.UniqueConstraint("conversation_id", "tag", name=op.f("uq_conversation_tag_conversation_id_tag")),
    )
    op.create_index("ix_conversation_tag_tag", "conversation_tag", ["tag", "conversation_id"])

    op.create_table(
        "desk_rule_hit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("did", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_desk_rule_hit_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_desk_rule_hit_message_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["desk_rule.id"], name=op.f("fk_desk_rule_hit_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_rule_hit")),
        sa.UniqueConstraint("rule_id", "message_id", name=op.f("uq_desk_rule_hit_rule_id_message_id")),
    )
    op.create_index(op.f("ix_desk_rule_hit_conversation_id"), "desk_rule_hit", ["conversation_id"])
    op.create_index(op.f("ix_desk_rule_hit_message_id"), "desk_rule_hit", ["message_id"])

    op.create_table(
        "incident_case",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_incident_case_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_incident_case_incident_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["solved_id"], ["message.id"], name=op.f("fk_incident_case_solved_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["told_id"], ["message.id"], name=op.f("fk_incident_case_told_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_case")),
        sa.UniqueConstraint(
            "conversation_id", "incident_id", name=op.f("uq_incident_case_conversation_id_incident_id")
        ),
    )
    op.create_index(op.f("ix_incident_case_incident_id"), "incident_case", ["incident_id"])

    op.create_table(
        "message_judgement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("intent", sa.String(length=10), nullable=False),
        sa.Column("sentiment", sa.SmallInteger(), nullable=False),
        sa.Column("heat", sa.SmallInteger(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("sure", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("private", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_message_judgement_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_judgement_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_judgement")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_judgement_message_id")),
    )
    op.create_index("ix_message_judgement_at", "message_judgement", ["at", "id"])
    op.create_index(op.f("ix_message_judgement_conversation_id"), "message_judgement", ["conversation_id"])

    op.create_table(
        "judgement_correction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("judgement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_judgement_correction_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["judgement_id"],
            ["message_judgement.id"],
            name=op.f("fk_judgement_correction_judgement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement_correction")),
        sa.UniqueConstraint("judgement_id", name=op.f("uq_judgement_correction_judgement_id")),
    )
    op.create_index(op.f("ix_judgement_correction_at"), "judgement_correction", ["at"])

    op.add_column("conversation", sa.Column("priority", sa.Integer(), server_default="2000", nullable=False))
    op.create_index("ix_conversation_priority", "conversation", ["state", "priority", "id"])


def downgrade() -> None:
    op.drop_index("ix_conversation_priority", "conversation")
    op.drop_column("conversation", "priority")

    op.drop_index(op.f("ix_judgement_correction_at"), "judgement_correction")

    op.drop_table("judgement_correction")
    op.drop_index(op.f("ix_message_judgement_conversation_id"), "message_judgement")
    op.drop_index("ix_message_judgement_at", "message_judgement")

    op.drop_table("message_judgement")
    op.drop_index(op.f("ix_incident_case_incident_id"), "incident_case")

    op.drop_table("incident_case")
    op.drop_index(op.f("ix_desk_rule_hit_message_id"), "desk_rule_hit")
    op.drop_index(op.f("ix_desk_rule_hit_conversation_id"), "desk_rule_hit")

    op.drop_table("desk_rule_hit")
    op.drop_index("ix_conversation_tag_tag", "conversation_tag")

    op.drop_table("conversation_tag")
    op.drop_index(op.f("ix_conversation_standing_sentiment"), "conversation_standing")
    op.drop_index("ix_conversation_standing_placed_at", "conversation_standing")
    op.drop_index(op.f("ix_conversation_standing_intent"), "conversation_standing")

    op.drop_table("conversation_standing")
    op.drop_table("conversation_mute")
    op.drop_table("priority_weighing")
    op.drop_index(op.f("ix_incident_state"), "incident")

    op.drop_table("incident")
    op.drop_index(op.f("ix_desk_rule_position"), "desk_rule")

    op.drop_table("desk_rule")
    op.drop_table("learnt_model")
