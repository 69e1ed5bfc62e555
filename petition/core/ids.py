"""Ids of two kinds that are both bytes, as types of their own, so that mypy sees one taken for the other."""

from __future__ import annotations

from typing import NewType

CampaignId = NewType("CampaignId", bytes)
OrganiserId = NewType("OrganiserId", bytes)
