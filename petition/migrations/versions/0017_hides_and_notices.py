"""Hides by organisers can need a second organiser, and each request knows whether the organisers were mailed about it.

Requests of earlier versions were mailed when they were made.
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

BEFORE = (
    "'open', 'remove', 'mail', 'close', 'translation', 'domains', 'export_names', 'names_sooner', 'legal_texts', "
    "'remove_owner'"
)
AFTER = BEFORE.replace("'remove', ", "'remove', 'hide', ", 1)


def acts(values: str) -> None:
    """Give the type another list of values; both directions work inside a transaction."""
    op.execute("ALTER TYPE keyact RENAME TO keyact_before")
    op.execute(f"CREATE TYPE keyact AS ENUM ({values})")
    op.execute("ALTER TABLE key_request ALTER COLUMN act TYPE keyact USING act::text::keyact")
    op.execute("DROP TYPE keyact_before")


def upgrade() -> None:
    """Apply."""
    acts(AFTER)
    op.add_column('key_request', sa.Column('announced', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column('key_request', 'announced', server_default=None)


def downgrade() -> None:
    """Take back. Requests to hide are deleted, and mails about requests that wait for their time are not sent."""
    op.execute("DELETE FROM owed WHERE kind = 'pending'")
    op.drop_column('key_request', 'announced')
    op.execute("DELETE FROM key_request WHERE act::text = 'hide'")
    acts(BEFORE)
