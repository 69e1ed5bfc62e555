"""Config: all settings in one frozen object, read once from the environment.

A process with missing or wrong settings does not start: `from_env` reports all problems at once, and production rejects
short or sample secrets and every switch that is meant for tests. Apart from the set-up, only this package reads
`os.environ`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from petition.config import addresses


class Environment(StrEnum):
    """What an installation is for. It decides which secrets may be generated and which switches exist."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class Size(StrEnum):
    """How much of a machine an installation takes: `SMALL` has fewer and smaller processes."""

    NORMAL = "normal"
    SMALL = "small"


class Process(StrEnum):
    """What a process does. It decides which secrets it needs; `ANY` needs all of them."""

    ANY = ""
    WEB = "web"
    PROMPT = "worker-prompt"
    BULK = "worker-bulk"
    BEAT = "beat"
    MIGRATE = "migrate"


class Servers(StrEnum):
    """Where PostgreSQL and Redis come from (PETITION_SERVERS).

    GIVEN: DATABASE_URL and REDIS_URL name them. SYSTEM, WHEEL: this installation runs its own ones in its home folder,
    with the programs of the system's packages or of the wheels. DEFAULT: in production as GIVEN, elsewhere those
    that are named, and own ones for the others.
    """

    DEFAULT = ""
    GIVEN = "given"
    SYSTEM = "system"
    WHEEL = "wheel"


OWN_SERVERS = frozenset({Servers.SYSTEM, Servers.WHEEL})


class ConfigIncomplete(ValueError):
    """Settings are missing or wrong. `problems` holds one plain sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of one installation. Its `repr` never shows secrets."""

    env: Environment
    home: Path
    host: str
    port: int
    base_url: str
    database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    maintenance_database_url: str = field(repr=False)
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
    metrics_port: int = 0
    trusted_proxies: int = 0
    onion: str = ""
    security_contacts: tuple[str, ...] = ()
    size: Size = Size.NORMAL
    process: Process = Process.ANY
    now_offset: int = 0
    failpoint: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, process: Process | None = None) -> Config:
        """Read PETITION_*, DATABASE_URL, REDIS_URL, SMTP_URL and the senders. Raises ConfigIncomplete.

        A secret that this kind of process (PETITION_PROCESS) does not need may be missing. An unset PETITION_ENV means production; only `python3 app.py` and `undersigned` assume development.
        """
        from petition.config.reader import Reader  # it needs the classes above

        given = {} if process is None else {"PETITION_PROCESS": process.value}
        return Reader({**(os.environ if environ is None else environ), **given}).config()

    @property
    def secret_key(self) -> str:
        """Returns the key that signs. Signatures made with the other keys in `secret_keys` are still accepted."""
        return self.secret_keys[0]

    @property
    def broker_url(self) -> str:
        """Returns the address of the same server as `redis_url`, in the form that kombu expects."""
        return addresses.broker_url(self.redis_url)

    def environment(self) -> dict[str, str]:
        """Returns the environment from which a process of the application reads this Config again.

        Secrets stay where they are. The addresses for the owner and for maintenance are left out: `owner_environment`
        and `maintenance_environment` have them.
        """
        hidden = {addresses.OWNER_URL, addresses.MAINTENANCE_URL}
        return {
            **{name: value for name, value in os.environ.items() if name not in hidden},
            "PETITION_ENV": self.env.value,
            "PETITION_HOME": str(self.home),
            "PETITION_HOST": self.host,
            "PETITION_PORT": str(self.port),
            "PETITION_SIZE": self.size.value,
            "PETITION_METRICS_PORT": str(self.metrics_port),
            "PETITION_BASE_URL": self.base_url,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
        }

    def maintenance_environment(self) -> dict[str, str]:
        """Returns what the environment of a process holds in addition if it rewrites tables and deletes old lines."""
        return {addresses.MAINTENANCE_URL: self.maintenance_database_url}

    def owner_environment(self) -> dict[str, str]:
        """Returns what the environment of a process holds in addition if it migrates."""
        return {addresses.OWNER_URL: self.owner_database_url, **self.maintenance_environment()}


def home(environ: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of the embedded servers, the inbox and the secrets: PETITION_HOME or its default."""
    return addresses.default_home(os.environ if environ is None else environ)


def service_urls(folder: Path, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Returns the addresses of database and Redis: DATABASE_URL and REDIS_URL, or the servers embedded in `folder`."""
    return addresses.service_urls(folder, os.environ if environ is None else environ)


def owner_url(folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Returns the address of the database for the role that owns it."""
    return addresses.role_urls(folder, os.environ if environ is None else environ)[0]


def servers(environ: Mapping[str, str] | None = None) -> Servers:
    """Returns PETITION_SERVERS. What it does not know the reader of all settings refuses."""
    name = (os.environ if environ is None else environ).get("PETITION_SERVERS", "")
    return Servers(name) if name in list(Servers) else Servers.DEFAULT


def pg_bin(environ: Mapping[str, str] | None = None) -> str | None:
    """Returns PETITION_PG_BIN, the folder of a PostgreSQL to run instead of the one in the wheel."""
    return (os.environ if environ is None else environ).get("PETITION_PG_BIN") or None


def files_with_secrets(folder: Path, environ: Mapping[str, str] | None = None) -> list[Path]:
    """Returns the paths of the files that hold secrets: the settings that name one, and those that development keeps."""
    from petition.config.reader import IN_FILES  # it needs the classes above

    given = os.environ if environ is None else environ
    named = [Path(path) for name in IN_FILES if (path := given.get(f"{name}_FILE"))]
    kept = [path for path in sorted((folder / "secrets").glob("[!.]*")) if path.is_file()]
    pepper = given.get("PETITION_PEPPER_FILE")
    return [*named, *([Path(pepper)] if pepper else []), *kept]


def pepper_file(folder: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Returns the path of the pepper: PETITION_PEPPER_FILE, or a file in a development installation's secrets."""
    given = (os.environ if environ is None else environ).get("PETITION_PEPPER_FILE")
    return Path(given) if given else folder / "secrets" / "pepper"


def size(environ: Mapping[str, str] | None = None) -> Size:
    """Returns PETITION_SIZE. What is no size is taken for the normal one; `Config.from_env` reports it."""
    given = (os.environ if environ is None else environ).get("PETITION_SIZE") or Size.NORMAL.value
    return Size(given) if given in list(Size) else Size.NORMAL
