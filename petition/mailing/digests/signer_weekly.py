"""The weekly digest for subscribers who chose it: count and change, milestones, updates, demands, one next step."""

from __future__ import annotations

from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Happened, news_or_nothing
from petition.mailing.digests.periods import Cycle
from petition.mailing.subscribers import Frequency

DIGEST = Digest("signer_weekly", Happened, news_or_nothing, frequency=Frequency.WEEKLY, cycle=Cycle.WEEKLY)
