"""The bundle on disk: one file per campaign that a reporter downloads, written once per epoch by a worker.

Guards that a reader gets a whole file or the one before; refuses to write one that a later epoch has overtaken.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign
from petition.core.ids import CampaignId
from petition.ledger import bundle, log


def bundle_path(home: Path, slug: str) -> Path:
    """Where the bundle of a campaign lies."""
    return home / "public" / slug / "bundle.zip"


def write_epoch(session: Session, campaign_id: CampaignId, epoch: int, home: Path) -> None:
    """Write the bundle of an epoch, unless a later epoch was closed already: its own row will write a newer bundle."""
    if log.head_of(session, campaign_id).epoch <= epoch:
        write_bundle(session, session.get_one(Campaign, campaign_id), home)


def write_bundle(session: Session, campaign: Campaign, home: Path) -> None:
    """Write a campaign's bundle; nothing is public below its least number of signatures."""
    head = log.head_of(session, campaign.id)
    if head.counted < campaign.public_min:
        return
    path = bundle_path(home, campaign.slug)
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = bundle.Contents(
        lines=log.lines(session, campaign.id, head.size),
        bodies=signatures.bodies(session, campaign.id, head.size),
        checkpoint=head.checkpoint,
        vkey=log.checkpoint_signer(head, campaign.origin).vkey(),
        letters={letter.lang: letter.markdown.encode() for letter in campaign.letters},
    )
    bundle.write(path, contents)
