"""Questions by mail and from the desk, claiming, guests who hear of a solution, articles followed and in doubt.

New tables only: nothing that is there is locked for longer than a foreign key takes to be noted.

Revision ID: 0013
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('mailed_question',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('images', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_mailed_question_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailed_question')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('mailed_question', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mailed_question_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_mailed_question_user_id'), ['user_id'], unique=False)

    op.create_table('staged_identity',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.String(length=10), nullable=False),
    sa.Column('key', sa.String(length=400), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=True),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("place in ('mail', 'channel')", name=op.f('ck_staged_identity_known_place')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_staged_identity_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staged_identity')),
    sa.UniqueConstraint('place', 'key', name=op.f('uq_staged_identity_place_key'))
    )
    with op.batch_alter_table('staged_identity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staged_identity_user_id'), ['user_id'], unique=False)

    op.create_table('article_follow',
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_article_follow_article_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_article_follow_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', 'user_id', name=op.f('pk_article_follow'))
    )
    with op.batch_alter_table('article_follow', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_article_follow_user_id'), ['user_id'], unique=False)

    op.create_table('article_doubt',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('post_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cause', sa.String(length=20), nullable=False),
    sa.Column('is_unaccepted', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmed_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("cause in ('contradicted', 'unaccepted', 'muted', 'obsolete')", name=op.f('ck_article_doubt_known_cause')),
    sa.ForeignKeyConstraint(['article_id'], ['article.id'], name=op.f('fk_article_doubt_article_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['confirmed_by_id'], ['user.id'], name=op.f('fk_article_doubt_confirmed_by_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['post_id'], ['post.id'], name=op.f('fk_article_doubt_post_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_doubt')),
    sa.UniqueConstraint('article_id', 'post_id', name=op.f('uq_article_doubt_article_id_post_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('article_doubt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_article_doubt_post_id'), ['post_id'], unique=False)

    op.create_table('guest_follow',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('email_key', sa.String(length=320), nullable=False),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_post_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('tellings', sa.Integer(), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('differs_since', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['told_post_id'], ['post.id'], name=op.f('fk_guest_follow_told_post_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_guest_follow_topic_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guest_follow')),
    sa.UniqueConstraint('topic_id', 'email_key', name=op.f('uq_guest_follow_topic_id_email_key')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('guest_follow', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_guest_follow_asked_at'), ['asked_at'], unique=False)
        batch_op.create_index('ix_guest_follow_email', ['email_key', 'asked_at'], unique=False)

    op.create_table('message_question',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('message_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('conversation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_message_question_by_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_message_question_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_message_question_message_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_message_question_topic_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_question')),
    sa.UniqueConstraint('message_id', name=op.f('uq_message_question_message_id'))
    )
    with op.batch_alter_table('message_question', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_message_question_conversation_id'), ['conversation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_message_question_topic_id'), ['topic_id'], unique=False)


def downgrade():
    op.drop_table('message_question')
    op.drop_table('guest_follow')
    op.drop_table('article_doubt')
    op.drop_table('article_follow')
    op.drop_table('staged_identity')
    op.drop_table('mailed_question')
