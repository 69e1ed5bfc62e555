"""The type of a panel on the overview page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from petition.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the overview page. `data` returns what `templates/dashboard/panels/<name>.html` receives as `shown`.

    If `data` returns None, there is nothing to show and the panel is left out. `wide` means that it takes the whole
    width.
    """

    name: str
    title: str
    data: Callable[[Session, Campaign, datetime], object | None]
    wide: bool = False
