"""Mail and digests: subscribers, deliveries, editions, news."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import petition.core.db

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('contact',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_key', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_contact'))
    )
    op.create_table('delivery',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('recipient', sa.LargeBinary(), nullable=False),
    sa.Column('period', sa.String(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('lane', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Enum('PLANNED', 'SENT', 'DROPPED', 'DEAD', name='deliverystate'), nullable=False),
    sa.Column('due', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('planned_at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.BigInteger(), nullable=False),
    sa.Column('unanswered', sa.BigInteger(), nullable=False),
    sa.Column('fault', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'recipient', 'period', name=op.f('pk_delivery'))
    )
    op.create_index('ix_delivery_dead', 'delivery', ['campaign_id'], unique=False, postgresql_where=sa.text("state = 'DEAD'"))
    op.create_index('ix_delivery_due', 'delivery', ['due'], unique=False, postgresql_where=sa.text("state = 'PLANNED'"))
    op.create_table('edition',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('period', sa.String(), nullable=False),
    sa.Column('since', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('until', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('after', sa.BigInteger(), nullable=False),
    sa.Column('upto', sa.BigInteger(), nullable=False),
    sa.Column('facts', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('campaign_id', 'kind', 'period', name=op.f('pk_edition'))
    )
    op.create_table('halt',
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('since', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('what', name=op.f('pk_halt'))
    )
    op.create_table('lane',
    sa.Column('lane', sa.LargeBinary(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('open_at', petition.core.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.BigInteger(), nullable=False),
    sa.Column('sent', sa.BigInteger(), nullable=False),
    sa.Column('bounced', sa.BigInteger(), nullable=False),
    sa.Column('complained', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('lane', name=op.f('pk_lane'))
    )
    op.create_table('news',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('MILESTONE', 'UPDATE', 'DEMAND', 'CLOSED', 'DELIVERED', 'ANSWERED', name='newskind'), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('campaign_id', 'number', name=op.f('pk_news'))
    )
    op.create_table('sender',
    sa.Column('one', sa.Boolean(), nullable=False),
    sa.Column('identity', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('one', name=op.f('pk_sender'))
    )
    op.create_table('subscriber',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('audience', sa.Enum('READER', 'ORGANISER', 'ADDRESSEE', name='audience'), nullable=False),
    sa.Column('tag', sa.LargeBinary(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('lane', sa.LargeBinary(), nullable=False),
    sa.Column('lang', sa.String(), nullable=False),
    sa.Column('rhythm', sa.Enum('MILESTONES', 'WEEKLY', 'DAILY', name='rhythm'), nullable=False),
    sa.Column('state', sa.Enum('UNCONFIRMED', 'ACTIVE', 'PAUSED', name='subscriberstate'), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('asked', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriber'))
    )
    op.create_index('ix_subscriber_tag', 'subscriber', ['campaign_id', 'tag', 'audience'], unique=True)
    op.create_table('suppression',
    sa.Column('tag', sa.LargeBinary(), nullable=False),
    sa.Column('reason', sa.Enum('BOUNCE', 'COMPLAINT', 'SOFT', name='suppressedfor'), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('tag', name=op.f('pk_suppression'))
    )
    op.create_table('code_hour',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('hour', sa.String(), nullable=False),
    sa.Column('asked', sa.BigInteger(), nullable=False),
    sa.Column('used', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('campaign_id', 'domain', 'hour', name=op.f('pk_code_hour')),
    schema='verification'
    )
    op.add_column('campaign', sa.Column('mailing', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default='{}'))
    op.alter_column('campaign', 'mailing', server_default=None)
    op.add_column('update', sa.Column('mailed', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('update', 'mailed', server_default=None)


def downgrade() -> None:
    """Take back."""
    op.drop_column('update', 'mailed')
    op.drop_column('campaign', 'mailing')
    op.drop_table('code_hour', schema='verification')
    op.drop_table('suppression')
    op.drop_index('ix_subscriber_tag', table_name='subscriber')
    op.drop_table('subscriber')
    op.drop_table('sender')
    op.drop_table('news')
    op.drop_table('lane')
    op.drop_table('halt')
    op.drop_table('edition')
    op.drop_index('ix_delivery_due', table_name='delivery', postgresql_where=sa.text("state = 'PLANNED'"))
    op.drop_index('ix_delivery_dead', table_name='delivery', postgresql_where=sa.text("state = 'DEAD'"))
    op.drop_table('delivery')
    op.drop_table('contact')
    for name in ('deliverystate', 'newskind', 'audience', 'rhythm', 'subscriberstate', 'suppressedfor'):
        op.execute(f'DROP TYPE {name}')
