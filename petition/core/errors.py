"""The base class of the errors that the product expects.

An error is named after what happened and is defined beside the rule that it belongs to. Every error that a request may
meet has an HTTP status. Its sentence is in `petition.web.error_messages`.
"""

from __future__ import annotations

from typing import ClassVar


class ExpectedError(Exception):
    """An error that a request may meet and that people see explained; `status` is the HTTP status of the response."""

    status: ClassVar[int]
    retry_after: int | None = None
    """The number of seconds after which a retry makes sense, if it is known."""
