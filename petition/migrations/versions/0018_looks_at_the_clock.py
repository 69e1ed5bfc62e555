"""The last look at the clock is stored, so that a clock that jumped is noticed."""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        'clock_look',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('jumped', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('name', name='pk_clock_look'),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('clock_look')
