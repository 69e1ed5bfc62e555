"""How many signatures were promised, when each was made, before its name is public."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# Names that wait get the seal that their letter has now: the lowest milestone that opens names, unless one was reached.
# A share of a workforce nobody knows is more than anybody counts (`petition.milestones.UNKNOWN`).
SEALS = """
CREATE TEMPORARY TABLE seal ON COMMIT DROP AS
SELECT goal.campaign_id, coalesce(min(CASE goal.kind WHEN 'COUNT' THEN goal.value
  ELSE (nullif(campaign.workforce, 0) * goal.value + 99) / 100 END), 999999999) AS value
FROM goal JOIN campaign ON campaign.id = goal.campaign_id
WHERE goal.open_names AND NOT EXISTS (
  SELECT 1 FROM goal AS other JOIN milestone USING (campaign_id, kind, value)
  WHERE other.campaign_id = goal.campaign_id AND other.open_names)
GROUP BY goal.campaign_id
"""
BIND = "UPDATE {table} SET sealed_until = seal.value FROM seal WHERE seal.campaign_id = {table}.campaign_id AND show = 'NAME'"


def upgrade() -> None:
    """Apply."""
    for table in ('pending', 'signature'):
        op.add_column(table, sa.Column('sealed_until', sa.BigInteger(), nullable=False, server_default='0'))
        op.alter_column(table, 'sealed_until', server_default=None)
    op.execute(SEALS)
    op.execute(BIND.format(table='pending'))
    op.execute(BIND.format(table='signature') + ' AND NOT public')
    op.execute('DROP TABLE seal')


def downgrade() -> None:
    """Undo: names open again as the milestones say at the time."""
    for table in ('signature', 'pending'):
        op.drop_column(table, 'sealed_until')
