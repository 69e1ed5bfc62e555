"""The blueprints of the dashboard, one for each module."""

from __future__ import annotations

from typing import Final

from petition.web.dashboard import (
    account,
    answer,
    approvals,
    audit_log,
    chart,
    demands,
    exports,
    joining,
    milestones,
    operation,
    overview,
    removals,
    settings,
    share,
    sign_in,
    signers,
    subscribers,
    team,
    unsaved,
    updates,
)
from petition.web.dashboard.drafts import routes as drafts

BLUEPRINTS: Final = (
    sign_in, joining, account, overview, drafts, chart, updates, demands, milestones, answer, signers, removals, subscribers, share,
    exports, approvals, team, settings, audit_log, unsaved,
    operation,
)  # fmt: skip
