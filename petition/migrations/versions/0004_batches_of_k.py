"""No longest wait any more; since which day withdrawals and removals wait; codes by the day instead of by the hour."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

# What digests told of single hours; a mail of theirs that is still to be sent goes without.
NO_HOURS = """UPDATE edition SET facts = jsonb_set(facts, '{codes}', '[]') WHERE kind = 'organiser_daily'"""


def upgrade() -> None:
    """Apply."""
    op.drop_column('campaign', 'max_wait')
    op.add_column('head', sa.Column('tombstones_since', sa.Date(), nullable=True))
    _codes('code_day', sa.Column('day', sa.Date(), nullable=False))
    op.drop_table('code_hour', schema='verification')
    op.execute(NO_HOURS)


def downgrade() -> None:
    """Undo; the figures of codes are not brought back."""
    op.execute(NO_HOURS)
    _codes('code_hour', sa.Column('hour', sa.String(), nullable=False))
    op.drop_table('code_day', schema='verification')
    op.drop_column('head', 'tombstones_since')
    op.add_column('campaign', sa.Column('max_wait', sa.BigInteger(), nullable=False, server_default='86400'))
    op.alter_column('campaign', 'max_wait', server_default=None)


def _codes(name: str, period: sa.Column) -> None:
    op.create_table(name,
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    period,
    sa.Column('asked', sa.BigInteger(), nullable=False),
    sa.Column('used', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('campaign_id', 'domain', period.name, name=op.f(f'pk_{name}')),
    schema='verification'
    )
