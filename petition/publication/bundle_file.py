"""The bundle on disk: one file per campaign for download, written once per epoch by a worker.

A download is always a complete file, the new one or the previous one. A bundle is not written if a later epoch was
closed meanwhile. A file that would not change is left as it is, with its time: a signer who withdraws or hides may
change nothing that is public, and the time of a new file would say when.
"""

from __future__ import annotations

import filecmp
import secrets
from pathlib import Path

from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign, CampaignState
from petition.core.ids import CampaignId
from petition.ledger import bundle, log


def bundle_path(home: Path, slug: str) -> Path:
    """Returns the path of a campaign's bundle."""
    return home / "public" / slug / "bundle.zip"


def forget(home: Path, slug: str) -> None:
    """Delete the bundle of a campaign whose ledger has ended, if there is one."""
    bundle_path(home, slug).unlink(missing_ok=True)


def write_epoch(session: Session, campaign_id: CampaignId, epoch: int, home: Path) -> None:
    """Write the bundle of an epoch, unless a later epoch was closed already, whose own row writes a newer bundle."""
    if log.head_of(session, campaign_id).epoch <= epoch:
        write_bundle(session, session.get_one(Campaign, campaign_id), home)


def write_bundle(session: Session, campaign: Campaign, home: Path) -> None:
    """Write a campaign's bundle. While it has fewer signatures than may be public, there is none."""
    head = log.head_of(session, campaign.id)
    path = bundle_path(home, campaign.slug)
    if head.counted < campaign.public_min and campaign.state is CampaignState.OPEN:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    contents = bundle.Contents(
        lines=log.lines(session, campaign.id, head.size),
        bodies=signatures.bodies(session, campaign.id, head.size),
        checkpoint=head.checkpoint,
        vkey=log.checkpoint_signer(head, campaign.origin).vkey(),
        letters={letter.lang: letter.markdown.encode() for letter in campaign.letters},
    )
    bundle.write(new, contents)
    if path.exists() and filecmp.cmp(new, path, shallow=False):
        new.unlink()
    else:
        new.replace(path)
