"""A removal that waits stays when its signer withdraws, so each row says whether its bulk removal has come to it."""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Until now, a bulk removal had come to exactly those signatures that are in the state `removed`."""
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
