"""A removal that waits stays when its signer withdraws; and a letter keeps how addresses at each host were read.

Each waiting removal says whether its bulk removal has come to it. Readings are kept from the next change of the domains on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Until now, a bulk removal had come to exactly those signatures that are in the state `removed`."""
    readings = sa.Column('readings', postgresql.JSONB(), nullable=False, server_default='{}')
    op.add_column('campaign', readings)
    op.alter_column('campaign', 'readings', server_default=None)
    op.add_column('waiting_removal', sa.Column('reached', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('waiting_removal', 'reached', server_default=None)
    op.execute(
        "UPDATE waiting_removal SET reached = true FROM signature WHERE signature.campaign_id = waiting_removal.campaign_id"
        " AND signature.index = waiting_removal.index AND signature.state = 'removed'"
    )


def downgrade() -> None:
    """Take back. Removals of signatures that were withdrawn are given up, as they were before."""
    op.execute(
        "DELETE FROM waiting_removal USING signature WHERE signature.campaign_id = waiting_removal.campaign_id"
        " AND signature.index = waiting_removal.index AND signature.state = 'withdrawn'"
    )
    op.drop_column('waiting_removal', 'reached')
    op.drop_column('campaign', 'readings')
