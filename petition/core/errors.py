"""The base class of the errors that the product expects.

An error is named after what happened and defined beside the rule that it belongs to. Guards that whatever a request may
meet has an HTTP status; `petition.web.error_messages` has the sentences.
"""

from __future__ import annotations

from typing import ClassVar


class ExpectedError(Exception):
    """Something that a request may meet and that is explained to people; `status` is the HTTP status of the answer."""

    status: ClassVar[int]
    retry_after: int | None = None
    """After how many seconds it may be tried again, if that is known."""
