"""The rooms of the dashboard: one module each, with its blueprint."""

from __future__ import annotations

from typing import Final

from petition.web.organise import (
    account,
    answer,
    chart,
    demands,
    door,
    drafts,
    exports,
    joining,
    journal,
    keys,
    milestones,
    overview,
    removals,
    settings,
    share,
    signers,
    subscribers,
    team,
    updates,
)

ROOMS: Final = (
    door, joining, account, overview, drafts, chart, updates, demands, milestones, answer, signers, removals, subscribers, share,
    exports, keys, team, settings, journal,
)  # fmt: skip
