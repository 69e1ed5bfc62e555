"""A verification leaves one row, without a day; codes of the running day are counted in Redis alone.

The hash by which a lost reply is requested again moves from `stamped`, where it bore a day, into the row of the tag.
The old hashes cannot be joined with their tags, so each tag gets a random value: somebody who lost the reply to /pass
right before the upgrade cannot request it again. Figures of codes are made coarse, and those of the running day are deleted.
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column('tag', sa.Column('reply', sa.LargeBinary(), nullable=True), schema='verification')
    op.execute("UPDATE verification.tag SET reply = sha256(uuid_send(gen_random_uuid()))")
    op.alter_column('tag', 'reply', nullable=False, schema='verification')
    op.drop_table('stamped', schema='verification')
    op.execute("DELETE FROM verification.code_day WHERE asked < 10 OR day >= (now() AT TIME ZONE 'UTC')::date")
    op.execute(
        "UPDATE verification.code_day SET share = coalesce(share, least(used * 4 / asked * 25, 50)),"
        " used = CASE WHEN used < 10 THEN 0 ELSE used END"
    )
    op.alter_column('code_day', 'share', nullable=False, schema='verification')


def downgrade() -> None:
    """Take back. Lost replies cannot be requested again."""
    op.alter_column('code_day', 'share', nullable=True, schema='verification')
    op.create_table(
        'stamped',
        sa.Column('reply', sa.LargeBinary(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint('reply', name=op.f('pk_stamped')),
        schema='verification',
    )
    op.drop_column('tag', 'reply', schema='verification')
