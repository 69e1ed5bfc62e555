"""Suppressed subscribers stay on the list; what is kept of a bounce is a day; mail stops by itself after refusals in a row."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

BEFORE = "'UNCONFIRMED', 'ACTIVE', 'PAUSED'"


def states(values: str) -> None:
    """Give the type another list of values; both directions work inside a transaction."""
    op.execute("ALTER TYPE subscriberstate RENAME TO subscriberstate_before")
    op.execute(f"CREATE TYPE subscriberstate AS ENUM ({values})")
    op.execute("ALTER TABLE subscriber ALTER COLUMN state TYPE subscriberstate USING state::text::subscriberstate")
    op.execute("DROP TYPE subscriberstate_before")


def upgrade() -> None:
    """Apply. Suppressions for bounces end: any refusal counted as one, and whom they were about was deleted."""
    states(BEFORE + ", 'SUPPRESSED'")
    op.add_column('subscriber', sa.Column('bounced', sa.Date(), nullable=True))
    op.execute("DELETE FROM suppression WHERE reason <> 'COMPLAINT'")
    op.drop_column('suppression', 'reason')
    op.drop_column('suppression', 'n')
    op.execute("DROP TYPE suppressedfor")
    op.add_column('halt', sa.Column('words', sa.String(), nullable=False, server_default=''))
    op.alter_column('halt', 'words', server_default=None)
    op.create_table('refusal',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('recipient', sa.LargeBinary(), nullable=False),
    sa.Column('period', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'recipient', 'period', name=op.f('pk_refusal'))
    )


def downgrade() -> None:
    """Take back. Whoever is suppressed pauses, which is no mail either."""
    op.drop_table('refusal')
    op.execute("UPDATE halt SET what = 'all' WHERE what = 'refused' AND NOT EXISTS (SELECT FROM halt WHERE what = 'all')")
    op.execute("DELETE FROM halt WHERE what = 'refused'")
    op.drop_column('halt', 'words')
    reason = sa.Enum('BOUNCE', 'COMPLAINT', 'SOFT', name='suppressedfor')
    reason.create(op.get_bind())
    op.add_column('suppression', sa.Column('reason', reason, nullable=False, server_default='COMPLAINT'))
    op.alter_column('suppression', 'reason', server_default=None)
    op.add_column('suppression', sa.Column('n', sa.BigInteger(), nullable=False, server_default='1'))
    op.alter_column('suppression', 'n', server_default=None)
    op.drop_column('subscriber', 'bounced')
    op.execute("UPDATE subscriber SET state = 'PAUSED' WHERE state = 'SUPPRESSED'")
    states(BEFORE)
