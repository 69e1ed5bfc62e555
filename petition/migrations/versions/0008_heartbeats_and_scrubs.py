"""Heartbeats of workers and the last scrub have tables of their own; they were texts among the slots of periodic jobs."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

BEATS = """INSERT INTO heartbeat (worker, at)
SELECT substr(job, 9), max(slot)::timestamptz FROM job_slot WHERE job LIKE 'beat of %' GROUP BY job"""
LAST_SCRUB = """INSERT INTO scrub_run (at, rewritten, wal_switched, checkpointed)
SELECT split_part(slot, ' ', 1)::timestamptz, slot LIKE '% rewritten%', slot LIKE '% wal_switched%', slot LIKE '% checkpointed%'
FROM job_slot WHERE job = 'scrubbed' ORDER BY slot DESC LIMIT 1"""
# As Python wrote them: an ISO moment with a colon in its offset for a heartbeat, and without one for a scrub.
BEATS_AS_SLOTS = """INSERT INTO job_slot (job, slot)
SELECT 'beat of ' || worker, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '+00' || chr(58) || '00' FROM heartbeat"""
SCRUB_AS_SLOT = """INSERT INTO job_slot (job, slot)
SELECT 'scrubbed', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '+0000 ' || concat_ws(' ',
  CASE WHEN rewritten THEN 'rewritten' END, CASE WHEN wal_switched THEN 'wal_switched' END,
  CASE WHEN checkpointed THEN 'checkpointed' END) FROM scrub_run"""


def upgrade() -> None:
    """Apply."""
    op.create_table('heartbeat',
    sa.Column('worker', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_heartbeat'))
    )
    op.create_table('scrub_run',
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rewritten', sa.Boolean(), nullable=False),
    sa.Column('wal_switched', sa.Boolean(), nullable=False),
    sa.Column('checkpointed', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('at', name=op.f('pk_scrub_run'))
    )
    op.execute(BEATS)
    op.execute(LAST_SCRUB)
    op.execute("DELETE FROM job_slot WHERE job = 'scrubbed' OR job LIKE 'beat of %'")


def downgrade() -> None:
    """Take back."""
    op.execute(BEATS_AS_SLOTS)
    op.execute(SCRUB_AS_SLOT)
    op.drop_table('scrub_run')
    op.drop_table('heartbeat')
