"""Following, news by mail, answers by mail, what is read, and having the same problem.

New tables, and columns with constant defaults: an instant change on PostgreSQL 11 and later. The indexes on notifications
are built while the table is locked for writing, seconds for a million rows. What was told before is not mailed.

Revision ID: 0007
Create Date: 2026-11-25
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('digest_turn',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_digest_turn_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_digest_turn'))
    )
    with op.batch_alter_table('digest_turn', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_digest_turn_last_at'), ['last_at'], unique=False)

    op.create_table('mail_standing',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('bounces', sa.Integer(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_mail_standing_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_mail_standing'))
    )
    op.create_table('notification_choice',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('group', sa.String(length=20), nullable=False),
    sa.Column('way', sa.String(length=8), nullable=False),
    sa.CheckConstraint("way in ('mail', 'digest', 'bell', 'off')", name=op.f('ck_notification_choice_known_way')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_notification_choice_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'group', name=op.f('pk_notification_choice'))
    )
    op.create_table('watch',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('category_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('tag_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('level', sa.String(length=12), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(case when category_id is null then 0 else 1 end) + (case when tag_id is null then 0 else 1 end) + (case when person_id is null then 0 else 1 end) = 1', name=op.f('ck_watch_one_subject')),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_watch_category_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['user.id'], name=op.f('fk_watch_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tag_id'], ['tag.id'], name=op.f('fk_watch_tag_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_watch_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_watch')),
    sa.UniqueConstraint('user_id', 'category_id', name=op.f('uq_watch_user_id_category_id')),
    sa.UniqueConstraint('user_id', 'person_id', name=op.f('uq_watch_user_id_person_id')),
    sa.UniqueConstraint('user_id', 'tag_id', name=op.f('uq_watch_user_id_tag_id'))
    )
    with op.batch_alter_table('watch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_watch_category_id'), ['category_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_watch_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_watch_tag_id'), ['tag_id'], unique=False)

    op.create_table('me_too',
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_me_too_topic_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_me_too_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('topic_id', 'user_id', name=op.f('pk_me_too'))
    )
    with op.batch_alter_table('me_too', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_me_too_user_id'), ['user_id'], unique=False)

    op.create_table('read_mark',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_read_mark_topic_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_read_mark_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'topic_id', name=op.f('pk_read_mark'))
    )
    with op.batch_alter_table('read_mark', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_read_mark_topic_id'), ['topic_id'], unique=False)

    op.create_table('received_mail',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_received_mail_topic_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_received_mail_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_received_mail')),
    sa.UniqueConstraint('key', name=op.f('uq_received_mail_key'))
    )
    with op.batch_alter_table('received_mail', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_received_mail_at'), ['at'], unique=False)
        batch_op.create_index('ix_received_mail_user', ['user_id', 'topic_id', 'at'], unique=False)

    op.create_table('silence',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('category_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('tag_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('person_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(case when topic_id is null then 0 else 1 end) + (case when category_id is null then 0 else 1 end) + (case when tag_id is null then 0 else 1 end) + (case when person_id is null then 0 else 1 end) = 1', name=op.f('ck_silence_one_subject')),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_silence_category_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id'], ['user.id'], name=op.f('fk_silence_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tag_id'], ['tag.id'], name=op.f('fk_silence_tag_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['topic_id'], ['topic.id'], name=op.f('fk_silence_topic_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_silence_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_silence')),
    sa.UniqueConstraint('user_id', 'category_id', name=op.f('uq_silence_user_id_category_id')),
    sa.UniqueConstraint('user_id', 'person_id', name=op.f('uq_silence_user_id_person_id')),
    sa.UniqueConstraint('user_id', 'tag_id', name=op.f('uq_silence_user_id_tag_id')),
    sa.UniqueConstraint('user_id', 'topic_id', name=op.f('uq_silence_user_id_topic_id'))
    )
    with op.batch_alter_table('silence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_silence_category_id'), ['category_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_silence_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_silence_tag_id'), ['tag_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_silence_topic_id'), ['topic_id'], unique=False)

    op.add_column('follow', sa.Column('level', sa.String(length=12), server_default='everything', nullable=False))

    op.add_column('mail', sa.Column('letter', sa.String(length=60), nullable=True))
    op.add_column('mail', sa.Column('about', sa.JSON(), nullable=True))
    op.add_column('mail', sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True))

    op.add_column('notification', sa.Column('way', sa.String(length=8), server_default='bell', nullable=False))
    op.add_column('notification', sa.Column('bundle', sa.String(length=60), server_default='', nullable=False))
    op.add_column('notification', sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_notification_post_id'), 'notification', ['post_id'], unique=False)
    op.create_index('ix_notification_to_mail', 'notification', ['way', 'at'], unique=False, sqlite_where=sa.text("mailed_at is null and read_at is null and way <> 'bell'"), postgresql_where=sa.text("mailed_at is null and read_at is null and way <> 'bell'"))
    op.create_index('ix_notification_topic', 'notification', ['topic_id', 'kind'], unique=False)

    op.add_column('topic', sa.Column('me_too_count', sa.Integer(), server_default='0', nullable=False))

    op.add_column('user', sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('user', sa.Column('last_visit_at', sa.DateTime(timezone=True), nullable=True))
    # Whoever was here before this is not away: summaries go to them, too.
    op.execute('UPDATE "user" SET seen_at = (SELECT max(seen_at) FROM sign_in WHERE sign_in.user_id = "user".id)')


def downgrade():
    # Not in a batch: SQLite would copy the table, and dropping the old one takes along what refers to it.
    op.drop_column('user', 'last_visit_at')
    op.drop_column('user', 'seen_at')

    op.drop_column('topic', 'me_too_count')

    op.drop_index('ix_notification_topic', 'notification')
    op.drop_index('ix_notification_to_mail', 'notification', sqlite_where=sa.text("mailed_at is null and read_at is null and way <> 'bell'"), postgresql_where=sa.text("mailed_at is null and read_at is null and way <> 'bell'"))
    op.drop_index(op.f('ix_notification_post_id'), 'notification')
    op.drop_column('notification', 'mailed_at')
    op.drop_column('notification', 'bundle')
    op.drop_column('notification', 'way')

    op.drop_column('mail', 'dropped_at')
    op.drop_column('mail', 'about')
    op.drop_column('mail', 'letter')

    op.drop_column('follow', 'level')

    with op.batch_alter_table('silence', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_silence_topic_id'))
        batch_op.drop_index(batch_op.f('ix_silence_tag_id'))
        batch_op.drop_index(batch_op.f('ix_silence_person_id'))
        batch_op.drop_index(batch_op.f('ix_silence_category_id'))

    op.drop_table('silence')
    with op.batch_alter_table('received_mail', schema=None) as batch_op:
        batch_op.drop_index('ix_received_mail_user')
        batch_op.drop_index(batch_op.f('ix_received_mail_at'))

    op.drop_table('received_mail')
    with op.batch_alter_table('read_mark', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_read_mark_topic_id'))

    op.drop_table('read_mark')
    with op.batch_alter_table('me_too', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_me_too_user_id'))

    op.drop_table('me_too')
    with op.batch_alter_table('watch', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_watch_tag_id'))
        batch_op.drop_index(batch_op.f('ix_watch_person_id'))
        batch_op.drop_index(batch_op.f('ix_watch_category_id'))

    op.drop_table('watch')
    op.drop_table('notification_choice')
    op.drop_table('mail_standing')
    with op.batch_alter_table('digest_turn', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_digest_turn_last_at'))

    op.drop_table('digest_turn')
