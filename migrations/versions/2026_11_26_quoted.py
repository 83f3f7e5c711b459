"""What a message quotes of what was said before it is shown folded beneath it.

A column without a value, an instant change on both databases. Files, earlier wordings and subjects go that stayed
with messages whose words were taken out (people who were forgotten, what was kept long enough): the messages are read
once, and only these rows are locked.

Revision ID: 0037
Create Date: 2026-11-26
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("quoted", sa.Text(), nullable=True))
    emptied = "SELECT id FROM message WHERE text = '' AND direction = 'in'"
    for table in ("message_file", "message_version"):
        op.execute(f"DELETE FROM {table} WHERE message_id IN ({emptied})")
    op.execute("UPDATE message SET subject = NULL WHERE text = '' AND direction = 'in' AND subject IS NOT NULL")


def downgrade() -> None:
    op.drop_column("message", "quoted")
