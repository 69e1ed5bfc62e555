"""The fingerprint of a draft: a digest of everything that its opening makes public or binding.

It protects the approval of an opening. The second organiser approves exactly what the fingerprint covers, so that a
letter, a demand, a minimum or a milestone that was changed afterwards cannot be opened with that approval.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns.changes import CHANGEABLE
from petition.campaigns.milestones import PlannedMilestone
from petition.campaigns.tables import Campaign

LABEL: Final = b"undersigned/draft/v1\0"


def fingerprint(session: Session, campaign: Campaign) -> bytes:
    """Returns the SHA-256 over the campaign's texts, settings, dates and milestones: 32 bytes."""
    facts: dict[str, Any] = {name: getattr(campaign, name) for name in CHANGEABLE}
    facts |= {"slug": campaign.slug, "origin": campaign.origin, "languages": campaign.languages}
    facts |= {"methods": campaign.methods}
    facts["letters"] = {letter.lang: [letter.title, letter.markdown] for letter in campaign.letters}
    facts["demands"] = [[demand.number, demand.text] for demand in campaign.demands]
    for name in ("roles", "teams"):
        facts[name] = list(facts[name].items())  # their order is what signers choose from
    query = select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign.id)
    facts["milestones"] = sorted(_milestone(each) for each in session.scalars(query))
    document = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=_moment)
    return sha256(LABEL + document.encode("utf-8", "surrogatepass")).digest()


def _milestone(planned: PlannedMilestone) -> list[Any]:
    return [planned.kind.value, planned.value, planned.mail_readers, planned.mail_organisers, planned.open_names]


def _moment(value: object) -> float:
    """Returns a date and time as a number, which is the same in every time zone."""
    assert isinstance(value, datetime)
    return value.timestamp()
