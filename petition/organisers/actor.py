"""Who acts, and when: two values that are passed together through everything that organisers do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from petition.core.ids import OrganiserId


@dataclass(frozen=True, slots=True)
class Actor:
    """An organiser (`by` is the id) who acts at a moment in UTC."""

    by: OrganiserId
    now: datetime


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the command line, or the product itself at a planned time. The audit log then names no organiser."""

    now: datetime
    by: ClassVar[None] = None


AnyActor = Actor | Operator
