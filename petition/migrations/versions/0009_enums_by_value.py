"""States and kinds are spelled as in the code, the API and the pages: by the value of the enum's member, not by its name.

Renaming a value touches no row: rows, defaults and the conditions of indexes point to the value. The kind of an action in
the audit log is a text; changing the type of its column rewrites the rows and leaves the trigger that protects them in place.
"""

from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

VALUES = {
    'audience': 'reader organiser addressee',
    'campaignstate': 'draft open closed delivered answered',
    'deliverystate': 'planned sent dropped dead',
    'demandstate': 'no_answer refused partly_met met broken',
    'exportkind': 'signers figures_csv figures_json journal',
    'exportstate': 'waiting running done failed',
    'keyact': 'remove mail close domains export_names remove_owner',
    'milestonekind': 'count share',
    'newskind': 'milestone update demand closed delivered answered',
    'removal': 'duplicate fraud legal request',
    'requeststate': 'waiting approved refused',
    'rhythm': 'milestones weekly daily',
    'role': 'owner editor moderator observer',
    'show': 'name role anonymous',
    'signaturestate': 'pending logged hidden withdrawn removed',
    'subscriberstate': 'unconfirmed active paused suppressed',
    'wavestate': 'running done cancelled undone',
}


def upgrade() -> None:
    """Apply."""
    for name, values in VALUES.items():
        for value in values.split():
            op.execute(f"ALTER TYPE {name} RENAME VALUE '{value.upper()}' TO '{value}'")
    op.execute("ALTER TABLE journal ALTER COLUMN deed TYPE varchar(40) USING lower(deed)")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE journal ALTER COLUMN deed TYPE varchar(40) USING upper(deed)")
    for name, values in VALUES.items():
        for value in values.split():
            op.execute(f"ALTER TYPE {name} RENAME VALUE '{value}' TO '{value.upper()}'")
