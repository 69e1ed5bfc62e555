"""Organisers, their rights and their journal; what each epoch brought; handover, answer, exports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import petition.core.db

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# A line is never changed, and goes only when it is a year old: that is how long the journal is kept.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'the journal is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Apply."""
    op.create_table('epoch',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('signed', sa.BigInteger(), nullable=False),
    sa.Column('withdrawn', sa.BigInteger(), nullable=False),
    sa.Column('removed', sa.BigInteger(), nullable=False),
    sa.Column('counted', sa.BigInteger(), nullable=False),
    sa.Column('issued', sa.BigInteger(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('checkpoint', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('campaign_id', 'number', name=op.f('pk_epoch'))
    )
    op.create_index('ix_epoch_at', 'epoch', ['campaign_id', 'at'], unique=False)
    op.create_table('export',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('kind', sa.Enum('SIGNERS', 'FIGURES_CSV', 'FIGURES_JSON', 'JOURNAL', name='exportkind'), nullable=False),
    sa.Column('state', sa.Enum('WAITING', 'RUNNING', 'DONE', 'FAILED', name='exportstate'), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('tries', sa.BigInteger(), nullable=False),
    sa.Column('by', sa.LargeBinary(), nullable=False),
    sa.Column('at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('until', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_export'))
    )
    op.create_index(op.f('ix_export_campaign_id'), 'export', ['campaign_id'], unique=False)
    op.create_table('journal',
    sa.Column('number', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=True),
    sa.Column('at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('by', sa.LargeBinary(), nullable=True),
    sa.Column('deed', sa.String(length=40), nullable=False),
    sa.Column('about', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_journal'))
    )
    op.create_index('ix_journal_campaign', 'journal', ['campaign_id', 'number'], unique=False)
    op.create_table('key_request',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('act', sa.Enum('REMOVE', 'MAIL', 'CLOSE', 'DOMAINS', 'EXPORT_NAMES', 'REMOVE_OWNER', name='keyact'), nullable=False),
    sa.Column('about', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('asked_by', sa.LargeBinary(), nullable=False),
    sa.Column('asked_at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('until', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('WAITING', 'APPROVED', 'REFUSED', name='requeststate'), nullable=False),
    sa.Column('decided_by', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_key_request'))
    )
    op.create_index('ix_key_request_waiting', 'key_request', ['campaign_id'], unique=False, postgresql_where=sa.text("state = 'WAITING'"))
    op.create_table('organiser',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('known_as', sa.String(), nullable=False),
    sa.Column('lang', sa.String(), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organiser')),
    sa.UniqueConstraint('known_as', name=op.f('uq_organiser_known_as'))
    )
    op.create_table('wave',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('why', postgresql.ENUM(name='removal', create_type=False), nullable=False),
    sa.Column('criteria', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('found', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('RUNNING', 'DONE', 'CANCELLED', 'UNDONE', name='wavestate'), nullable=False),
    sa.Column('by', sa.LargeBinary(), nullable=False),
    sa.Column('at', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wave'))
    )
    op.create_index(op.f('ix_wave_campaign_id'), 'wave', ['campaign_id'], unique=False)
    op.create_table('answer',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('text', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_answer'))
    )
    op.create_table('demand_step',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('step', sa.BigInteger(), nullable=False),
    sa.Column('state', postgresql.ENUM(name='demandstate', create_type=False), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ),
    sa.PrimaryKeyConstraint('campaign_id', 'number', 'step', name=op.f('pk_demand_step'))
    )
    op.create_table('handover',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('how', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('note', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_handover'))
    )
    op.create_table('invitation',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('organiser_id', sa.LargeBinary(), nullable=True),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=True),
    sa.Column('role', sa.Enum('OWNER', 'EDITOR', 'MODERATOR', 'OBSERVER', name='role'), nullable=True),
    sa.Column('by', sa.LargeBinary(), nullable=True),
    sa.Column('until', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organiser_id'], ['organiser.id'], ),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitation'))
    )
    op.create_table('membership',
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('organiser_id', sa.LargeBinary(), nullable=False),
    sa.Column('role', sa.Enum('OWNER', 'EDITOR', 'MODERATOR', 'OBSERVER', name='role'), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['organiser_id'], ['organiser.id'], ),
    sa.PrimaryKeyConstraint('campaign_id', 'organiser_id', name=op.f('pk_membership'))
    )
    op.create_index(op.f('ix_membership_organiser_id'), 'membership', ['organiser_id'], unique=False)
    op.create_table('passkey',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('organiser_id', sa.LargeBinary(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('used', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['organiser_id'], ['organiser.id'], ),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passkey'))
    )
    op.create_index(op.f('ix_passkey_organiser_id'), 'passkey', ['organiser_id'], unique=False)
    op.create_table('recovery_code',
    sa.Column('organiser_id', sa.LargeBinary(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['organiser_id'], ['organiser.id'], ),
    sa.PrimaryKeyConstraint('organiser_id', 'number', name=op.f('pk_recovery_code'))
    )
    op.create_table('update_draft',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('campaign_id', sa.LargeBinary(), nullable=False),
    sa.Column('text', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('mailed', sa.Boolean(), nullable=False),
    sa.Column('due', petition.core.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('approved', sa.Boolean(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_update_draft'))
    )
    op.create_index(op.f('ix_update_draft_campaign_id'), 'update_draft', ['campaign_id'], unique=False)
    op.create_table('visit',
    sa.Column('id', sa.LargeBinary(), nullable=False),
    sa.Column('organiser_id', sa.LargeBinary(), nullable=False),
    sa.Column('began', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('seen', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('confirmed', petition.core.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organiser_id'], ['organiser.id'], ),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit'))
    )
    op.create_index(op.f('ix_visit_organiser_id'), 'visit', ['organiser_id'], unique=False)
    op.add_column('campaign', sa.Column('legal', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"))
    op.alter_column('campaign', 'legal', server_default=None)
    op.add_column('campaign', sa.Column('stopped', postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"))
    op.alter_column('campaign', 'stopped', server_default=None)
    op.add_column('goal', sa.Column('mail_readers', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column('goal', 'mail_readers', server_default=None)
    op.add_column('goal', sa.Column('mail_organisers', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column('goal', 'mail_organisers', server_default=None)
    op.add_column('goal', sa.Column('open_names', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('goal', 'open_names', server_default=None)
    op.add_column('waiting_removal', sa.Column('wave', sa.LargeBinary(), nullable=True))
    op.add_column('waiting_removal', sa.Column('public', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('waiting_removal', 'public', server_default=None)
    op.add_column('signature', sa.Column('why', postgresql.ENUM(name='removal', create_type=False), nullable=True))
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    """Take back."""
    op.drop_column('signature', 'why')
    op.drop_column('waiting_removal', 'public')
    op.drop_column('waiting_removal', 'wave')
    op.drop_column('goal', 'open_names')
    op.drop_column('goal', 'mail_organisers')
    op.drop_column('goal', 'mail_readers')
    op.drop_column('campaign', 'stopped')
    op.drop_column('campaign', 'legal')
    op.drop_index(op.f('ix_visit_organiser_id'), table_name='visit')
    op.drop_table('visit')
    op.drop_index(op.f('ix_update_draft_campaign_id'), table_name='update_draft')
    op.drop_table('update_draft')
    op.drop_table('recovery_code')
    op.drop_index(op.f('ix_passkey_organiser_id'), table_name='passkey')
    op.drop_table('passkey')
    op.drop_index(op.f('ix_membership_organiser_id'), table_name='membership')
    op.drop_table('membership')
    op.drop_table('invitation')
    op.drop_table('handover')
    op.drop_table('demand_step')
    op.drop_table('answer')
    op.drop_index(op.f('ix_wave_campaign_id'), table_name='wave')
    op.drop_table('wave')
    op.drop_table('organiser')
    op.drop_index('ix_key_request_waiting', table_name='key_request', postgresql_where=sa.text("state = 'WAITING'"))
    op.drop_table('key_request')
    op.drop_index('ix_journal_campaign', table_name='journal')
    op.drop_table('journal')
    op.drop_index(op.f('ix_export_campaign_id'), table_name='export')
    op.drop_table('export')
    op.drop_index('ix_epoch_at', table_name='epoch')
    op.drop_table('epoch')
    op.execute('DROP FUNCTION refuse_change()')
    for name in ('exportkind', 'exportstate', 'keyact', 'requeststate', 'wavestate', 'role'):
        op.execute(f'DROP TYPE {name}')
