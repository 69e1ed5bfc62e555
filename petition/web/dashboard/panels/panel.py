"""What a panel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from petition.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Panel:
    """A piece of the first screen. `data` gives what `templates/dashboard/panels/<name>.html` shows as `shown`.

    None: there is nothing to show, and the panel is left out. `wide`: it takes the whole width.
    """

    name: str
    title: str
    data: Callable[[Session, Campaign, datetime], object | None]
    wide: bool = False
