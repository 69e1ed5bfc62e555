"""More acts need a second organiser: opening, translations, legal texts, names that open sooner.

The approval of a draft that opens at its date is a digest beside the draft. Drafts with a date have none yet, so that a
second owner approves each before it opens.
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

BEFORE = "'remove', 'mail', 'close', 'domains', 'export_names', 'remove_owner'"
ADDED = "'open', 'translation', 'names_sooner', 'legal_texts'"
AFTER = (
    "'open', 'remove', 'mail', 'close', 'translation', 'domains', 'export_names', 'names_sooner', 'legal_texts', "
    "'remove_owner'"
)
# The trigger of the audit log refuses changes of rows; a new type for the column rewrites them.
PLAIN_CLOSING = """ALTER TABLE journal ALTER COLUMN deed TYPE varchar(40)
USING CASE WHEN deed IN ('close_planned', 'close_cancelled') THEN 'campaign_changed' ELSE deed END"""


def acts(values: str) -> None:
    """Give the type another list of values; both directions work inside a transaction."""
    op.execute("ALTER TYPE keyact RENAME TO keyact_before")
    op.execute(f"CREATE TYPE keyact AS ENUM ({values})")
    op.execute("ALTER TABLE key_request ALTER COLUMN act TYPE keyact USING act::text::keyact")
    op.execute("DROP TYPE keyact_before")


def upgrade() -> None:
    """Apply."""
    acts(AFTER)
    op.add_column('campaign', sa.Column('opening_approved', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take back. Requests of the new kinds are deleted, and their approvals with them."""
    op.drop_column('campaign', 'opening_approved')
    op.execute(f"DELETE FROM key_request WHERE act::text IN ({ADDED})")
    acts(BEFORE)
    op.execute(PLAIN_CLOSING)
