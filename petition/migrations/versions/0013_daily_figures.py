"""Figures that are counted once a day, and the coarse share of used codes of each day that is over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('daily_figures',
    sa.Column('scope', sa.LargeBinary(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('figures', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('scope', name=op.f('pk_daily_figures'))
    )
    op.add_column('code_day', sa.Column('share', sa.BigInteger(), nullable=True), schema='verification')


def downgrade() -> None:
    """Take back."""
    op.drop_column('code_day', 'share', schema='verification')
    op.drop_table('daily_figures')
