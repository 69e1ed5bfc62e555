"""Version 2 of the protocol: secret chains, tickets of receipts, and changes of what a signature shows.

A ledger of version 1 cannot be continued, because its formats differ. If there is one, its public record is written and
its letter becomes a draft, or `LedgerOutdated` is raised if nobody said where records go (decision 0077).
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from petition.core.migrate import LedgerOutdated
from petition.migrations import version_1

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

SHOW = postgresql.ENUM('name', 'role', 'anonymous', name='show', create_type=False)


def upgrade() -> None:
    """Apply."""
    if version_1.ledgers(op.get_bind()):
        records = context.config.attributes.get('records')
        if records is None:
            raise LedgerOutdated
        version_1.retire(op.get_bind(), records)
    for table in ('pending', 'signature'):
        op.add_column(table, sa.Column('ticket', sa.LargeBinary(), nullable=False, server_default=''))
        op.add_column(table, sa.Column('used', sa.BigInteger(), nullable=False, server_default='0'))
        op.alter_column(table, 'ticket', server_default=None)
        op.alter_column(table, 'used', server_default=None)
    op.drop_table('withdrawal')
    op.create_table(
        'waiting_act',
        sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
        sa.Column('hw', sa.LargeBinary(), nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('revealed', sa.LargeBinary(), nullable=False),
        sa.Column('commitment', sa.LargeBinary(), nullable=True),
        sa.Column('salt', sa.LargeBinary(), nullable=True),
        sa.Column('show', SHOW, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ('name', 'role', 'team', 'comment')),
        sa.Column('publish_at', sa.BigInteger(), nullable=False),
        sa.Column('sealed_until', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'hw', name='pk_waiting_act'),
    )


def downgrade() -> None:
    """Take back: a change that waits is lost, a withdrawal that waits keeps its proof only in this version."""
    op.drop_table('waiting_act')
    op.create_table(
        'withdrawal',
        sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
        sa.Column('hw', sa.LargeBinary(), nullable=False),
        sa.Column('w', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'hw', name='pk_withdrawal'),
    )
    for table in ('pending', 'signature'):
        op.drop_column(table, 'used')
        op.drop_column(table, 'ticket')
