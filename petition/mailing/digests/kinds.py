"""The list of all digests. A new one needs a file in this folder and a line here."""

from __future__ import annotations

from typing import Final

from petition.mailing.digests import (
    addressee_weekly,
    codes_stopped,
    milestone,
    organiser_approvals,
    organiser_daily,
    signer_daily,
    signer_weekly,
    update,
)
from petition.mailing.digests.digest import Digest

DIGESTS: Final[dict[str, Digest]] = {
    each.kind: each
    for each in (
        signer_weekly.DIGEST,
        signer_daily.DIGEST,
        milestone.DIGEST,
        update.DIGEST,
        organiser_daily.DIGEST,
        organiser_approvals.DIGEST,
        codes_stopped.DIGEST,
        addressee_weekly.DIGEST,
    )
}
