"""Config: one frozen thing, read once from the environment, complete or no start.

Guards that no process runs with half its settings: `from_env` names everything that is missing or wrong at once, and
production refuses short or sample secrets and every switch meant for tests. The only place that reads `os.environ`,
apart from the set-up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from petition.config import addresses


class Environment(StrEnum):
    """What an installation is for; decides which secrets may be made up and which switches exist."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class ConfigIncomplete(ValueError):
    """Settings are missing or wrong; `problems` holds one plain sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of one installation. Secrets never show in its `repr`."""

    env: Environment
    home: Path
    host: str
    port: int
    base_url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    smtp_url: str | None = field(repr=False)
    mail_from: str
    code_mail_from: str
    secret_keys: tuple[str, ...] = field(repr=False)
    master_keys: tuple[str, ...] = field(repr=False)
    pepper: bytes = field(repr=False)
    dkim: str = ""
    mail_rate: float = 20.0
    hook_key: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    trusted_proxies: int = 0
    onion: str = ""
    now_offset: int = 0
    failpoint: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read PETITION_*, DATABASE_URL, REDIS_URL, SMTP_URL and the senders, or raise ConfigIncomplete.

        PETITION_ENV unset means production: only `python3 app.py` assumes development.
        """
        from petition.config.reader import Reader  # it needs the classes above

        return Reader(os.environ if environ is None else environ).config()

    @property
    def secret_key(self) -> str:
        """The key that signs; what was signed under the others in `secret_keys` is still accepted."""
        return self.secret_keys[0]

    @property
    def broker_url(self) -> str:
        """The same server as `redis_url`, in kombu's spelling."""
        return addresses.broker_url(self.redis_url)

    def environment(self) -> dict[str, str]:
        """The environment a child process needs to read this very Config again; secrets stay where they are."""
        return {
            **os.environ,
            "PETITION_ENV": self.env.value,
            "PETITION_HOME": str(self.home),
            "PETITION_HOST": self.host,
            "PETITION_PORT": str(self.port),
            "PETITION_BASE_URL": self.base_url,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
        }


def home(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of the embedded servers, the inbox and the secrets: PETITION_HOME or its default."""
    return addresses.default_home(os.environ if environ is None else environ)


def service_urls(folder: Path, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Database and Redis address: as DATABASE_URL and REDIS_URL say, else of the servers embedded in `folder`."""
    return addresses.service_urls(folder, os.environ if environ is None else environ)


def pg_bin(environ: Mapping[str, str] | None = None) -> str | None:
    """PETITION_PG_BIN: the folder of a PostgreSQL to embed instead of the wheel's."""
    return (os.environ if environ is None else environ).get("PETITION_PG_BIN") or None


def pepper_file(folder: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Where the pepper lies: PETITION_PEPPER_FILE, or among the secrets of a development installation."""
    given = (os.environ if environ is None else environ).get("PETITION_PEPPER_FILE")
    return Path(given) if given else folder / "secrets" / "pepper"
