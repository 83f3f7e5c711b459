"""Clocks: what is promised by which calendar, what happened to clocks, ladders, goodwill; teams and who is away.

All tables are new. `conversation` gets two empty columns, one of them with a foreign key: on PostgreSQL an instant change
and one quick scan of an empty column, SQLite copies the table, with foreign keys off (`migrations/env.py`).
What happened before is taken over from the messages: when somebody was answered first, and each answer as an event,
counted around the clock, since there were no calendars.

Revision ID: 0029
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LATEST_HOURS = 6
"""After so many hours an answer is due at the very latest, as the settings have it at first."""


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("time_zone", sa.String(60), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("region", sa.String(10), nullable=False),
        sa.Column("closed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("name", name=op.f("uq_calendar_name")),
    )
    op.create_table(
        "team",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("channel_ids", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.CheckConstraint("way in ('nobody', 'turn', 'room')", name=op.f("ck_team_known_way")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("name", name=op.f("uq_team_name")),
    )
    op.create_table(
        "answer_policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("from_priority", sa.Integer(), nullable=True),
        sa.Column("intent", sa.String(20), nullable=True),
        sa.Column("calendar_id", ID, nullable=True),
        sa.Column("first_minutes", sa.Integer(), nullable=False),
        sa.Column("hard_minutes", sa.Integer(), nullable=False),
        sa.Column("next_minutes", sa.Integer(), nullable=False),
        sa.Column("solution_minutes", sa.Integer(), nullable=False),
        sa.Column("warn_minutes", sa.Integer(), nullable=False),
        sa.Column("rests_inside", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_answer_policy_calendar_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_answer_policy_channel_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_policy")),
        sa.UniqueConstraint("name", name=op.f("uq_answer_policy_name")),
    )
    op.create_table(
        "conversation_clock",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("policy_id", ID, nullable=True),
        sa.Column("policy_name", sa.String(80), nullable=False),
        sa.Column("promise", sa.String(10), nullable=True),
        sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hard_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solution_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rest", sa.String(10), nullable=True),
        sa.Column("rests_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_left", sa.BigInteger(), nullable=True),
        sa.Column("solution_left", sa.BigInteger(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_hour", sa.Integer(), nullable=False),
        sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_to_id", ID, nullable=True),
        sa.Column("given_why", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_clock_conversation_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["escalated_to_id"], ["user.id"], name=op.f("fk_conversation_clock_escalated_to_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["policy_id"], ["answer_policy.id"], name=op.f("fk_conversation_clock_policy_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversation_clock")),
    )
    op.create_index("ix_conversation_clock_began_at", "conversation_clock", ["began_at"])
    op.create_index("ix_conversation_clock_escalate_at", "conversation_clock", ["escalate_at"])
    op.create_index("ix_conversation_clock_warn_at", "conversation_clock", ["warn_at"])
    op.create_table(
        "clock_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("promise", sa.String(10), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("is_kept", sa.Boolean(), nullable=True),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(100), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_clock_event_conversation_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_clock_event_message_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_clock_event_channel_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_clock_event_team_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_clock_event_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_event")),
        sa.UniqueConstraint("key", name=op.f("uq_clock_event_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_clock_event_by_id", "clock_event", ["by_id"])
    op.create_index("ix_clock_event_conversation", "clock_event", ["conversation_id", "id"])
    op.create_index("ix_clock_event_kind_at", "clock_event", ["kind", "at", "id"])
    op.create_index("ix_clock_event_message_id", "clock_event", ["message_id"])
    op.create_table(
        "acknowledgement",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("promise_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_acknowledgement_message_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_acknowledgement_conversation_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_acknowledgement_promise_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_acknowledgement")),
    )
    op.create_index("ix_acknowledgement_conversation_id", "acknowledgement", ["conversation_id"])
    op.create_index("ix_acknowledgement_promise_id", "acknowledgement", ["promise_id"])
    op.create_table(
        "escalation_step",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("after_minutes", sa.Integer(), nullable=False),
        sa.Column("decider_id", ID, nullable=False),
        sa.Column("deputy_id", ID, nullable=True),
        sa.Column("limit_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.CheckConstraint('limit_cents >= 0', name=op.f("ck_escalation_step_limit_is_no_debt")),
        sa.ForeignKeyConstraint(["deputy_id"], ["user.id"], name=op.f("fk_escalation_step_deputy_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_escalation_step_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["decider_id"], ["user.id"], name=op.f("fk_escalation_step_decider_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_escalation_step_channel_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_step")),
    )
    op.create_table(
        "goodwill",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by_id", ID, nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decider_id", ID, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint('amount_cents > 0', name=op.f("ck_goodwill_is_something")),
        sa.CheckConstraint("state in ('asked', 'granted', 'declined')", name=op.f("ck_goodwill_known_state")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_goodwill_conversation_id")),
        sa.ForeignKeyConstraint(["decider_id"], ["user.id"], name=op.f("fk_goodwill_decider_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user.id"], name=op.f("fk_goodwill_asked_by_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goodwill")),
    )
    op.create_index("ix_goodwill_asked_at", "goodwill", ["asked_at", "id"])
    op.create_index("ix_goodwill_conversation_id", "goodwill", ["conversation_id"])
    op.create_table(
        "team_member",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_team_member_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_member_team_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_member")),
    )
    op.create_table(
        "agent_skills",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_agent_skills_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_agent_skills")),
    )
    op.create_table(
        "absence",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deputy_id", ID, nullable=True),
        sa.CheckConstraint('ends_at > starts_at', name=op.f("ck_absence_ends_later")),
        sa.ForeignKeyConstraint(["deputy_id"], ["user.id"], name=op.f("fk_absence_deputy_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_absence_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_user_ends", "absence", ["user_id", "ends_at"])
    op.create_table(
        "giving",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heat", sa.Integer(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_giving_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_giving_team_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_giving_conversation_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giving")),
        sa.UniqueConstraint("conversation_id", "at", name=op.f("uq_giving_conversation_id_at")),
    )
    op.create_index("ix_giving_user_at", "giving", ["user_id", "at"])
    with op.batch_alter_table("conversation", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("due_for", sa.String(10), nullable=True))
        batch.add_column(sa.Column("team_id", ID, nullable=True))
        batch.create_foreign_key(
            op.f("fk_conversation_team_id"), "team", ["team_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index("ix_conversation_team_id", "conversation", ["team_id"])
    _take_over()


def _take_over() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    seconds = (
        "CAST(ROUND((julianday(a.at) - julianday(a.since)) * 86400) AS INTEGER)"
        if is_sqlite
        else "CAST(ROUND(EXTRACT(EPOCH FROM a.at - a.since)) AS BIGINT)"
    )
    hour = "CAST(strftime('%H', a.since) AS INTEGER)" if is_sqlite else "CAST(EXTRACT(HOUR FROM a.since AT TIME ZONE 'UTC') AS INTEGER)"
    began = hour.replace("a.since", "c.created_at")
    latest = (
        f"strftime('%Y-%m-%d %H:%M:%f000', c.waiting_since, '+{LATEST_HOURS} hours')"
        if is_sqlite
        else f"c.waiting_since + INTERVAL '{LATEST_HOURS} hours'"
    )
    # Of each run of replies the first one answered; since the first of the customer's messages before it.
    op.execute(
        f"""
        WITH turns AS (
            SELECT id, conversation_id, channel_id, by_id, direction, created_at AS at,
                   LAG(direction) OVER (PARTITION BY conversation_id ORDER BY created_at, id) AS before
            FROM message WHERE state NOT IN ('failed')
        ),
        runs AS (
            SELECT t.*, LAG(at) OVER (PARTITION BY conversation_id ORDER BY at, id) AS since
            FROM turns t WHERE before IS NULL OR before <> direction
        ),
        a AS (
            SELECT r.*, ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY at, id) AS place
            FROM runs r WHERE direction = 'out' AND since IS NOT NULL
        )
        INSERT INTO clock_event
            (conversation_id, kind, at, by_id, channel_id, message_id, promise, since, seconds, hour, details)
        SELECT a.conversation_id, 'answered', a.at, a.by_id, a.channel_id, a.id,
               CASE WHEN a.place = 1 THEN 'first' ELSE 'next' END, a.since, {seconds}, {hour}, '{{}}'
        FROM a
        """
    )
    op.execute(
        f"""
        INSERT INTO conversation_clock
            (conversation_id, policy_name, promise, answer_due_at, hard_due_at, first_answered_at, solved_at,
             dismissed_at, reopened, began_at, began_hour)
        SELECT c.id, '',
               CASE WHEN c.waiting_since IS NULL THEN NULL WHEN e.at IS NULL THEN 'first' ELSE 'next' END,
               c.due_at, {latest}, e.at,
               CASE WHEN c.state = 'solved' THEN c.last_message_at END,
               CASE WHEN c.state = 'no_answer' AND e.at IS NULL THEN c.last_message_at END, 0, c.created_at, {began}
        FROM conversation c
        LEFT JOIN (SELECT conversation_id, MIN(at) AS at FROM clock_event GROUP BY conversation_id) e
            ON e.conversation_id = c.id
        """
    )
    op.execute(
        """
        UPDATE conversation SET due_for =
            (SELECT promise FROM conversation_clock k WHERE k.conversation_id = conversation.id)
        WHERE due_at IS NOT NULL
        """
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_team_id", "conversation")
    with op.batch_alter_table("conversation", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("fk_conversation_team_id"), type_="foreignkey")
        batch.drop_column("team_id")
        batch.drop_column("due_for")
    for table in (
        "giving",
        "absence",
        "agent_skills",
        "team_member",
        "goodwill",
        "escalation_step",
        "acknowledgement",
        "clock_event",
        "conversation_clock",
        "answer_policy",
        "team",
        "calendar",
    ):
        op.drop_table(table)
