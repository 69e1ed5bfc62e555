"""Delivery reports that could not be read are kept for a week, sealed."""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('unread_report',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unread_report'))
    )


def downgrade() -> None:
    """Take back: the reports are lost, as they would be after a week."""
    op.drop_table('unread_report')
