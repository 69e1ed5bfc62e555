"""PostgreSQL keeps no samples of what signers may delete, and maintenance rewrites what an act leaves behind.

For its statistics the server copies values of each column, and keeps the copies when the rows are changed. Giving a column
the type that it has deletes what was kept of it. The rights of maintenance follow from the tables.
"""

from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

BODY = {"name": "VARCHAR", "role": "VARCHAR", "team": "VARCHAR", "comment": "VARCHAR", "salt": "BYTEA"}
FOLDED = {"folded_name": "VARCHAR", "folded_comment": "VARCHAR"}
COLUMNS = {"pending": BODY, "waiting_act": BODY, "signature": BODY | FOLDED}


def upgrade() -> None:
    """Apply."""
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind}")
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS 0")


def downgrade() -> None:
    """Take back."""
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS -1")
