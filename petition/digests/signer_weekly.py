"""A week's news for readers who chose that rhythm: count and change, milestones, updates, demands, one next step."""

from __future__ import annotations

from petition.digests.digest import Digest
from petition.digests.facts import Happened, news_or_nothing
from petition.digests.periods import Cycle
from petition.subscribers import Rhythm

DIGEST = Digest("signer_weekly", Happened, news_or_nothing, rhythm=Rhythm.WEEKLY, cycle=Cycle.WEEKLY)
