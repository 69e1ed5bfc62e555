"""The order of roles and teams: their columns keep objects as they were written.

JSONB sorts the names of an object by their length; JSON keeps the text, and with it the order that organisers chose. Rows
that were written before keep the order that they were given by then: the one that was typed is not known any more.
"""

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

COLUMNS = ('roles', 'teams')


def upgrade() -> None:
    """Apply."""
    for column in COLUMNS:
        op.execute(f'ALTER TABLE campaign ALTER COLUMN {column} TYPE json USING {column}::json')


def downgrade() -> None:
    """Take back."""
    for column in COLUMNS:
        op.execute(f'ALTER TABLE campaign ALTER COLUMN {column} TYPE jsonb USING {column}::jsonb')
