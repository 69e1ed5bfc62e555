"""The audit log describes what was set in words, not by the names in the code."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from petition.organisers.audit_log import Action
from petition.web.dashboard import audit_messages


@pytest.mark.parametrize(
    ("action", "about", "expected"),
    [
        (Action.CAMPAIGN_CHANGED, {"step": "who"}, "Changed the campaign’s settings: Addressee and organisers"),
        (Action.CAMPAIGN_CHANGED, {"step": "dates", "closes": "2026-12-24T10:00:00+00:00"}, "24 December 2026"),
        (Action.MILESTONE_ADDED, {"kind": "count", "value": 100}, "Added or changed a milestone: Signatures, 100"),
        (Action.EXPORTED, {"kind": "figures_csv"}, "Exported a file: Figures by day (CSV)"),
        (
            Action.UPDATE_PUBLISHED,
            {"update": 2, "mailed": True, "readers": 1},
            "Published an update: fewer than 10 subscribers, number 2",
        ),
        (Action.DELIVERED, {"day": "2026-11-25", "corrected": False}, "Recorded the delivery: 25 November 2026"),
    ],
)
def test_a_line_of_the_audit_log_is_a_sentence(
    app: Flask, action: Action, about: dict[str, object], expected: str
) -> None:
    with app.test_request_context("/"):
        assert expected in audit_messages.describe_action(action, about)


def test_a_closing_date_in_the_audit_log_is_that_of_the_letters_zone(app: Flask) -> None:
    about, zone = {"closes": "2027-01-01T07:59:00+00:00"}, ZoneInfo("America/Los_Angeles")
    with app.test_request_context("/"):
        assert "31 December 2026" in audit_messages.describe_action(Action.CLOSE_PLANNED, about, zone)
        assert "31 December 2026" in audit_messages.describe_action(Action.DELIVERED, {"day": "2026-12-31"}, zone)
