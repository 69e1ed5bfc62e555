"""The services of a web process, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app

from petition.config import Config
from petition.core.redis_store import RedisStore
from petition.privacy import Vault
from petition.verification import VerificationContext
from petition.web.page_cache import PageCache

NAME: Final = "undersigned"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a view may need. It is made once, in `petition.web.app.build`."""

    config: Config
    redis_store: RedisStore
    vault: Vault
    verification: VerificationContext
    page_cache: PageCache


def services() -> Services:
    """Returns the services of the app that handles this request."""
    return cast("Services", current_app.extensions[NAME])
