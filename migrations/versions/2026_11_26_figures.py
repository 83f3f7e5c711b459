"""Whether what we send helps: the links in replies, the question whether a case is solved, what colleagues look at.

New tables only, so nothing that stands is locked for longer than it takes to add a reference to it. Links that went out
before have no row: nobody knows whether they were opened.

Revision ID: 0032
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sent_link",
        sa.Column("use_id", big_id(), nullable=False),
        sa.Column("token", sa.String(10), nullable=True),
        sa.Column("asks", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("came_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["use_id"], ["article_use.id"], ondelete="CASCADE", name=op.f("fk_sent_link_use_id")),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_sent_link")),
        sa.UniqueConstraint("token", name=op.f("uq_sent_link_token")),
    )
    op.create_index("ix_sent_link_made_at", "sent_link", ["made_at"])
    op.create_table(
        "solved_question",
        sa.Column("conversation_id", big_id(), nullable=False),
        sa.Column("reply_id", big_id(), nullable=False),
        sa.Column("message_id", big_id(), nullable=False),
        sa.Column("by_id", big_id(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(3), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("answer in ('yes', 'no')", name=op.f("ck_solved_question_known_answer")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], ondelete="SET NULL", name=op.f("fk_solved_question_by_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], ondelete="CASCADE", name=op.f("fk_solved_question_conversation_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE", name=op.f("fk_solved_question_message_id")),
        sa.ForeignKeyConstraint(["reply_id"], ["message.id"], ondelete="CASCADE", name=op.f("fk_solved_question_reply_id")),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_solved_question")),
        sa.UniqueConstraint("message_id", name=op.f("uq_solved_question_message_id")),
        sa.UniqueConstraint("reply_id", name=op.f("uq_solved_question_reply_id")),
    )
    op.create_index("ix_solved_question_asked_at", "solved_question", ["asked_at", "conversation_id"])
    op.create_index("ix_solved_question_by_id", "solved_question", ["by_id"])
    op.create_table(
        "link_sheet",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("whose_id", big_id(), nullable=True),
        sa.Column("by_id", big_id(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], ondelete="SET NULL", name=op.f("fk_link_sheet_by_id")),
        sa.ForeignKeyConstraint(["whose_id"], ["user.id"], ondelete="CASCADE", name=op.f("fk_link_sheet_whose_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_sheet")),
    )
    op.create_index("ix_link_sheet_whose_id", "link_sheet", ["whose_id"])
    op.create_table(
        "link_check",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("sheet_id", big_id(), nullable=False),
        sa.Column("use_id", big_id(), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_id", big_id(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("verdict in ('right', 'better', 'wrong')", name=op.f("ck_link_check_known_verdict")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], ondelete="SET NULL", name=op.f("fk_link_check_by_id")),
        sa.ForeignKeyConstraint(["sheet_id"], ["link_sheet.id"], ondelete="CASCADE", name=op.f("fk_link_check_sheet_id")),
        sa.ForeignKeyConstraint(["use_id"], ["article_use.id"], ondelete="CASCADE", name=op.f("fk_link_check_use_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_check")),
        sa.UniqueConstraint("sheet_id", "use_id", name=op.f("uq_link_check_sheet_id_use_id")),
    )
    op.create_index("ix_link_check_at", "link_check", ["at", "id"])
    op.create_index("ix_link_check_use_id", "link_check", ["use_id"])
    op.create_table(
        "peer_criterion",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_criterion")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "peer_review",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("conversation_id", big_id(), nullable=False),
        sa.Column("reviewed_id", big_id(), nullable=False),
        sa.Column("reviewer_id", big_id(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.CheckConstraint("reviewer_id <> reviewed_id", name=op.f("ck_peer_review_two_persons")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], ondelete="CASCADE", name=op.f("fk_peer_review_conversation_id")),
        sa.ForeignKeyConstraint(["reviewed_id"], ["user.id"], ondelete="CASCADE", name=op.f("fk_peer_review_reviewed_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["user.id"], ondelete="CASCADE", name=op.f("fk_peer_review_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_review")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_peer_review_conversation_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_peer_review_reviewed", "peer_review", ["reviewed_id", "id"])
    op.create_index("ix_peer_review_reviewer", "peer_review", ["reviewer_id", "id"])
    op.create_table(
        "peer_answer",
        sa.Column("review_id", big_id(), nullable=False),
        sa.Column("criterion_id", big_id(), nullable=False),
        sa.Column("is_met", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["criterion_id"], ["peer_criterion.id"], name=op.f("fk_peer_answer_criterion_id")),
        sa.ForeignKeyConstraint(["review_id"], ["peer_review.id"], ondelete="CASCADE", name=op.f("fk_peer_answer_review_id")),
        sa.PrimaryKeyConstraint("review_id", "criterion_id", name=op.f("pk_peer_answer")),
    )


def downgrade() -> None:
    for table in (
        "peer_answer",
        "peer_review",
        "peer_criterion",
        "link_check",
        "link_sheet",
        "solved_question",
        "sent_link",
    ):
        op.drop_table(table)


def big_id() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
