"""Two tables for operators: what the daily checks found, and when the newest backup was written."""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'check_result',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('verdict', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('name', name='pk_check_result'),
    )
    op.create_table(
        'backup_run',
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('at', name='pk_backup_run'),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('backup_run')
    op.drop_table('check_result')
