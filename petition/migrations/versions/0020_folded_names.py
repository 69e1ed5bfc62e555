"""Names and comments that are shown are folded for searches: two columns, which no other row may fill."""

import sqlalchemy as sa
from alembic import op

from petition.core.folding import fold

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

SHOWN = "folded_name IS NULL AND folded_comment IS NULL OR public AND show IS NOT NULL AND show = 'name'"
UNFOLDED = "public AND show = 'name' AND folded_name IS NULL"
AT_ONCE = 2_000
NEXT = sa.text(f"SELECT campaign_id, index, name, comment FROM signature WHERE {UNFOLDED} LIMIT :most")
FOLD = sa.text(
    "UPDATE signature SET folded_name = :name, folded_comment = :comment WHERE campaign_id = :cid AND index = :index"
)


def upgrade() -> None:
    """Apply."""
    op.add_column("signature", sa.Column("folded_name", sa.String(), nullable=True))
    op.add_column("signature", sa.Column("folded_comment", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_signature_folded_if_shown"), "signature", sa.text(SHOWN))
    op.create_index("ix_signature_unfolded", "signature", ["campaign_id", "index"], postgresql_where=sa.text(UNFOLDED))
    connection = op.get_bind()
    while rows := connection.execute(NEXT, {"most": AT_ONCE}).all():
        connection.execute(
            FOLD,
            [
                {"cid": cid, "index": index, "name": fold(name), "comment": fold(comment)}
                for cid, index, name, comment in rows
            ],
        )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_signature_unfolded", table_name="signature")
    op.drop_constraint(op.f("ck_signature_folded_if_shown"), "signature")
    op.drop_column("signature", "folded_comment")
    op.drop_column("signature", "folded_name")
