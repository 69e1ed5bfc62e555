"""Distinct types for two kinds of ids that are both bytes, so that mypy finds one used in place of the other."""

from __future__ import annotations

from typing import NewType

CampaignId = NewType("CampaignId", bytes)
OrganiserId = NewType("OrganiserId", bytes)
