"""Acts are written once a week: a ledger remembers the last week of acts, not the day since which acts wait.

Acts that wait are written at the first slot of the coming week.
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

WEEK_OF_SLOT = 'UPDATE head SET acts_week = slot * "interval" / 604800 FROM campaign WHERE campaign.id = head.campaign_id'


def upgrade() -> None:
    """Apply."""
    op.add_column('head', sa.Column('acts_week', sa.BigInteger(), nullable=False, server_default='0'))
    op.alter_column('head', 'acts_week', server_default=None)
    op.execute(WEEK_OF_SLOT)
    op.drop_column('head', 'acts_since')


def downgrade() -> None:
    """Take back: the days of acts that wait begin anew."""
    op.add_column('head', sa.Column('acts_since', sa.Date(), nullable=True))
    op.drop_column('head', 'acts_week')
