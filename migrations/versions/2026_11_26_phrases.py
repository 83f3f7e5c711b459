"""Why something failed is kept as what the sentence is made of, so that each reader has it in their own language.

What was kept before stays as it is and is still read. On the way back every such sentence becomes English text, which
the version before shows as it stands; only rows that have one are locked.

Revision ID: 0038
Create Date: 2026-11-26
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

MARK = "\x1e"
COLUMNS = (
    ("message", "id", "failure"),
    ("channel_course", "channel_id", "failure"),
    ("audit_entry", "id", "reason"),
    ("webhook_delivery", "id", "answer"),
)


def upgrade() -> None:
    """Nothing to do: the columns hold text as before."""


def downgrade() -> None:
    connection = op.get_bind()
    for name, key, column in COLUMNS:
        table = sa.table(name, sa.column(key), sa.column(column))
        rows = connection.execute(sa.select(table.c[key], table.c[column]).where(table.c[column].startswith(MARK))).all()
        for number, kept in rows:
            words = in_english(json.loads(kept[len(MARK) :]))
            connection.execute(sa.update(table).where(table.c[key] == number).values({column: words}))
    told = sa.table("notification", sa.column("id"), sa.column("kind"), sa.column("data", sa.JSON))
    wanted = sa.select(told.c.id, told.c.data).where(told.c.kind.in_(("channel_deaf", "feed_silent")))
    for number, data in connection.execute(wanted).all():
        if isinstance((data or {}).get("why"), dict):
            changed = {**data, "why": in_english(data["why"])}
            connection.execute(sa.update(told).where(told.c.id == number).values(data=changed))


def in_english(kept: Any) -> Any:
    if not isinstance(kept, dict):
        return kept
    return kept["words"] % {name: in_english(value) for name, value in kept["values"].items()}
