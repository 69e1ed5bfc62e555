"""Batches at fixed slots since the opening; the batches of an open letter stay as they were promised."""

import sqlalchemy as sa
from alembic import op

import petition.core.db

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

AS_PROMISED = """
CREATE FUNCTION keep_batches_as_promised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'draft' AND (
    NEW.batch_min < OLD.batch_min OR NEW."interval" <> OLD."interval" OR NEW.state = 'draft'
  ) THEN RAISE EXCEPTION 'the batches of an open letter stay as they were promised'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER batches_as_promised BEFORE UPDATE OF batch_min, "interval", state ON campaign
  FOR EACH ROW EXECUTE FUNCTION keep_batches_as_promised();
"""


def upgrade() -> None:
    """Apply. The moment of an opening was not stored: the slots of an open letter are counted from its last batch."""
    op.add_column('head', sa.Column('opened_at', petition.core.db.UTCDateTime(timezone=True), nullable=True))
    op.add_column('head', sa.Column('slot', sa.BigInteger(), nullable=False, server_default='0'))
    op.execute("UPDATE head SET opened_at = date_trunc('second', epoch_at)")
    op.alter_column('head', 'opened_at', nullable=False)
    op.alter_column('head', 'slot', server_default=None)
    op.alter_column('head', 'tombstones_since', new_column_name='acts_since')
    op.execute("DELETE FROM heartbeat WHERE worker = 'batches'")  # The last look for batches: slots say it now.
    op.execute(AS_PROMISED)


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER batches_as_promised ON campaign; DROP FUNCTION keep_batches_as_promised()")
    op.alter_column('head', 'acts_since', new_column_name='tombstones_since')
    op.drop_column('head', 'slot')
    op.drop_column('head', 'opened_at')
