"""Identifies the URLs of signing and changing a signature.

The pages of this flow leave as little as possible in tabs and in the history. An error page inside the flow looks like
its other pages: it has the neutral title, the neutral icon and the exit button.
"""

from __future__ import annotations

import re
from typing import Final

from flask import request

BLUEPRINTS: Final = frozenset({"sign", "receipt", "change", "subscribe"})
ADDRESS: Final = re.compile(
    r"/c/[^/]+/(sign|verify|pass|step|check|receipt|receipt\.json|change|offer|amend|withdraw|hide|subscribe)/?"
)


def in_flow() -> bool:
    """Returns whether this request belongs to the flow, even if its method has no handler."""
    return ADDRESS.fullmatch(request.path) is not None
