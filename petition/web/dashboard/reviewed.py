"""Signs what the preview of a removal showed, so that only a preview of this site can be confirmed.

The signature binds the last batch and the digest of the selected entries to the letter and to the organiser who saw
them. Without it, whoever sends the form could name entries that no criteria select: the digest is no secret, because
everybody can compute it from the ledger.
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadData, URLSafeSerializer

from petition.core.ids import CampaignId, OrganiserId
from petition.signatures.selection import Selection
from petition.usecases.removals import SelectionChanged
from petition.web.services import services


def sign_preview(chosen: Selection, campaign_id: CampaignId, organiser_id: OrganiserId) -> str:
    """Return the text that the form of a preview carries."""
    return str(_serializer(campaign_id, organiser_id).dumps([chosen.epoch, chosen.digest()]))


def read_preview(text: str, campaign_id: CampaignId, organiser_id: OrganiserId) -> tuple[int, str]:
    """Return the last batch and the digest of a preview that was signed. Raises SelectionChanged."""
    try:
        epoch, digest = _serializer(campaign_id, organiser_id).loads(text)
    except BadData:
        raise SelectionChanged from None
    return int(epoch), str(digest)


def _serializer(campaign_id: CampaignId, organiser_id: OrganiserId) -> URLSafeSerializer:
    salt = f"undersigned/removal/v1/{campaign_id.hex()}/{organiser_id.hex()}"
    kind = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(services().config.secret_keys[::-1], salt=salt, signer_kwargs=kind)
