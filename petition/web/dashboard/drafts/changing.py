"""What was typed into a form of the settings."""

from __future__ import annotations

from flask import request

from petition.web.dashboard.drafts.pages import PRESSED


def typed() -> dict[str, str]:
    """What was typed into the form of this request."""
    return {name: text for name, text in request.form.items() if name not in PRESSED}
