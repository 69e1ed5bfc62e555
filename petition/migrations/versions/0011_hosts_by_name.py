"""Hosts below a work domain are listed by name: an address at any other host is refused from now on.

The flag that accepted every host below a domain is deleted, from campaigns and from requests that wait for a second
organiser. Nobody knows which hosts it stood for, so the lists begin empty (docs/upgrade.md).
"""

from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

WITHOUT = """
SELECT coalesce(jsonb_object_agg(key, value - '{{{names}}}'::text[]), '{{}}'::jsonb) FROM jsonb_each({policies})
"""
TABLES = (
    "UPDATE campaign SET domains = ({policies})",
    "UPDATE key_request SET about = jsonb_set(about, '{{domains}}', ({requested})) WHERE act = 'domains'",
)


def _drop(names: str) -> None:
    policies = WITHOUT.format(names=names, policies='domains')
    requested = WITHOUT.format(names=names, policies="about -> 'domains'")
    for statement in TABLES:
        op.execute(statement.format(policies=policies, requested=requested))


def upgrade() -> None:
    """Apply."""
    _drop('subdomains')


def downgrade() -> None:
    """Take back: the lists of hosts and of shared mailboxes are lost."""
    _drop('hosts,shared')
