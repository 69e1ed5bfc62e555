"""Which addresses belong to signing and to going back on it: pages that tell a tab and a history as little as they can.

Guards that a page of an error inside the flow is like the others of it: neutral title, neutral icon, the way out.
"""

from __future__ import annotations

import re
from typing import Final

from flask import request

BLUEPRINTS: Final = frozenset({"sign", "receipt", "withdraw", "subscribe"})
ADDRESS: Final = re.compile(r"/c/[^/]+/(sign|verify|pass|step|receipt|receipt\.json|withdraw|hide|subscribe)/?")


def in_flow() -> bool:
    """Whether this request is one of the flow, even by a method that no page answers to."""
    return ADDRESS.fullmatch(request.path) is not None
