"""The parts a web process is made of, held together in one frozen thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app

from petition.config import Config
from petition.core.redis_store import Volatile
from petition.privacy import Vault
from petition.verification import Desk
from petition.web.page_cache import Memory

NAME: Final = "undersigned"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a view may need; made once in `petition.web.build`."""

    config: Config
    volatile: Volatile
    vault: Vault
    desk: Desk
    memory: Memory


def parts() -> Parts:
    """The parts of the app that answers this request."""
    return cast("Parts", current_app.extensions[NAME])
