"""Pictures in posts, and what a question says beside its text. New tables and columns: nothing waits for a lock.

Revision ID: 0010
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "image",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("digest", name=op.f("uq_image_digest")),
    )
    op.create_index(op.f("ix_image_touched_at"), "image", ["touched_at"], unique=False)
    op.create_table(
        "upload",
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_upload_image_id_image"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_upload_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "user_id", name=op.f("pk_upload")),
    )
    op.create_index("ix_upload_user", "upload", ["user_id", "at"], unique=False)
    op.create_table(
        "post_image",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_post_image_post_id_post"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_post_image_image_id_image")),
        sa.PrimaryKeyConstraint("post_id", "image_id", name=op.f("pk_post_image")),
    )
    op.create_index(op.f("ix_post_image_image_id"), "post_image", ["image_id"], unique=False)
    for table, column in (("category", "fields"), ("post", "details"), ("post_revision", "details")):
        op.add_column(table, sa.Column(column, sa.JSON(), nullable=True))


def downgrade():
    for table, column in (("post_revision", "details"), ("post", "details"), ("category", "fields")):
        op.drop_column(table, column)  # not by a new table: SQLite would take along what refers to it
    op.drop_table("post_image")
    op.drop_table("upload")
    op.drop_table("image")
