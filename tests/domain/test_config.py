"""One Config, read once: everything missing is named at once, and production refuses what only looks like a secret."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from petition.bootstrap import commands
from petition.config import Config, ConfigIncomplete, Environment, addresses
from petition.config.secret_files import kept_secret

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
DB = "postgresql://someone@db/petition"
OTHER = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()


def production(folder: Path, **changes: str) -> dict[str, str]:
    """A complete production environment; an empty string takes a setting away."""
    pepper = folder / "pepper"
    pepper.write_bytes(bytes(range(64)))
    whole = {
        "PETITION_ENV": "production",
        "PETITION_BASE_URL": "https://letters.undersigned.org",
        "DATABASE_URL": "postgresql://someone@db/petition",
        "REDIS_URL": "redis://cache:6379/0",
        "SMTP_URL": "smtp://mail.undersigned.org:587?tls=required",
        "MAIL_FROM": "Undersigned <letters@undersigned.org>",
        "CODE_MAIL_FROM": "no-reply@accounts.undersigned.org",
        "PETITION_SECRET_KEY": "kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u",
        "PETITION_MASTER_KEY": f"{KEY},{OTHER}",
        "PETITION_PEPPER_FILE": str(pepper),
        "PETITION_HOME": str(folder / "home"),
    }
    return whole | changes


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigIncomplete) as caught:
        Config.from_env(environ)
    return caught.value.problems


@pytest.mark.parametrize(
    "token", ["short", "a" * 40, "change-me-change-me-change-me-0123456789", "kV2-9xQ wL7fTzB3nYcJ5hRmG8aDpE0u"]
)
def test_a_token_of_monitors_that_could_be_guessed_or_not_be_sent_is_refused(tmp_path: Path, token: str) -> None:
    (sentence,) = problems(production(tmp_path, PETITION_METRICS_TOKEN=token))
    assert sentence.startswith("PETITION_METRICS_TOKEN ")
    good = "kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u"
    config = Config.from_env(production(tmp_path, PETITION_METRICS_TOKEN=good))
    assert (config.metrics_token, good in repr(config)) == (good, False)
    assert Config.from_env(production(tmp_path)).metrics_token == ""


def test_the_port_of_monitors_is_none_unless_it_is_set_and_never_the_public_one(tmp_path: Path) -> None:
    assert Config.from_env(production(tmp_path)).metrics_port == 0
    assert Config.from_env(production(tmp_path, PETITION_METRICS_PORT="")).metrics_port == 0
    assert Config.from_env(production(tmp_path, PETITION_METRICS_PORT="9100")).metrics_port == 9100
    for port in ("8000", "65536", "-1", "x"):
        (sentence,) = problems(production(tmp_path, PETITION_METRICS_PORT=port))
        assert sentence.startswith("PETITION_METRICS_PORT ")


def test_a_complete_production_environment_is_read(tmp_path: Path) -> None:
    config = Config.from_env(production(tmp_path))
    assert config.env is Environment.PRODUCTION
    assert config.database_url == "postgresql+psycopg://someone@db/petition"
    assert config.broker_url == "redis://cache:6379/0"
    assert config.master_keys == (KEY, OTHER)
    assert config.pepper == bytes(range(64))
    assert (config.host, config.port, config.trusted_proxies, config.now_offset) == ("127.0.0.1", 8000, 0, 0)
    assert not (tmp_path / "home").exists()


def test_several_secret_keys_are_read_and_the_first_signs(tmp_path: Path) -> None:
    new, old = "kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u", "Zt4+8pWqLm1sXbN6vCgH0jKdF5yRuE3o"
    config = Config.from_env(production(tmp_path, PETITION_SECRET_KEY=f"{new}, {old}"))
    assert (config.secret_key, config.secret_keys) == (new, (new, old))
    assert [each for each in (new, old) if each in repr(config)] == []


def test_an_empty_environment_is_production_and_everything_missing_is_named_at_once() -> None:
    assert problems({}) == (
        "DATABASE_URL is missing.",
        "REDIS_URL is missing.",
        "PETITION_BASE_URL is missing.",
        "SMTP_URL is missing.",
        "MAIL_FROM is missing.",
        "CODE_MAIL_FROM is missing.",
        "PETITION_SECRET_KEY is missing.",
        "PETITION_MASTER_KEY is missing.",
        "PETITION_PEPPER_FILE is missing.",
    )


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("PETITION_SECRET_KEY", "short", "short or a sample"),
        ("PETITION_SECRET_KEY", "change-me-change-me-change-me-9081", "short or a sample"),
        ("PETITION_SECRET_KEY", "a" * 64, "short or a sample"),
        ("PETITION_SECRET_KEY", "kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u,short", "short or a sample"),
        ("PETITION_SECRET_KEY", " , ", "short or a sample"),
        ("PETITION_MASTER_KEY", base64.urlsafe_b64encode(bytes(32)).decode(), "sample"),
        ("PETITION_MASTER_KEY", KEY[:-8], "32 bytes"),
        ("PETITION_MASTER_KEY", f"{KEY},not base64", "32 bytes"),
        ("PETITION_PEPPER_FILE", "/nonexistent/pepper", "cannot be read"),
        ("PETITION_BASE_URL", "http://letters.undersigned.org", "https://"),
        ("PETITION_BASE_URL", "https://letters.undersigned.org/c", "must be like"),
        ("PETITION_BASE_URL", "https://[letters", "must be like"),
        ("PETITION_NOW_OFFSET", "60", "unset it"),
        ("PETITION_FAILPOINT", "after_commit", "unset it"),
        ("PETITION_PORT", "0", "from 1 to 65535"),
        ("PETITION_PORT", "eighty", "from 1 to 65535"),
        ("PETITION_ENV", "staging", "development, production or test"),
        ("DATABASE_URL", "mysql://db/petition", "postgresql://"),
        ("REDIS_URL", "memcached://cache", "redis://"),
        ("SMTP_URL", "mail.undersigned.org", "smtp://"),
        ("PETITION_SECURITY_CONTACT", "security@letters.org", "must be like mailto:"),
        ("PETITION_SECURITY_CONTACT", "mailto:a@b.org, http://b.org", "must be like mailto:"),
        ("PETITION_SECURITY_CONTACT", "mailto:a@b.org\nExpires: 2099-01-01T00:00:00Z", "must be like mailto:"),
        ("MAIL_FROM", "two@a.org, three@b.org", "one mail address"),
        ("CODE_MAIL_FROM", "a@b.org\r\nBcc: c@d.org", "one mail address"),
    ],
)
def test_production_refuses(tmp_path: Path, name: str, value: str, word: str) -> None:
    """P37."""
    (problem,) = problems(production(tmp_path, **{name: value}))
    assert name in problem
    assert word in problem


def test_a_short_or_constant_pepper_is_refused(tmp_path: Path) -> None:
    """P37."""
    environ = production(tmp_path)
    for content in (bytes(range(31)), bytes(64)):
        (tmp_path / "pepper").write_bytes(content)
        assert problems(environ) == ("PETITION_PEPPER_FILE must hold at least 32 random bytes.",)


def test_plain_http_is_allowed_on_this_machine(tmp_path: Path) -> None:
    config = Config.from_env(production(tmp_path, PETITION_BASE_URL="http://localhost:8000/"))
    assert config.base_url == "http://localhost:8000"


def test_no_secret_shows_in_the_repr(tmp_path: Path) -> None:
    environ = production(tmp_path, DATABASE_URL="postgresql://someone:hunter2@db/petition")
    shown = repr(Config.from_env(environ))
    hidden = ("hunter2", KEY, OTHER, environ["PETITION_SECRET_KEY"], "\\x00\\x01", "587")
    assert [word for word in hidden if word in shown] == []


def test_development_makes_its_secrets_once(tmp_path: Path) -> None:
    environ = {"PETITION_ENV": "development", "PETITION_HOME": str(tmp_path), "PETITION_PORT": "8123"}
    first, second = Config.from_env(environ), Config.from_env(environ)
    assert first == second
    assert (first.base_url, first.smtp_url, len(first.pepper)) == ("http://localhost:8123", None, 32)
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == ["master_key", "pepper", "secret_key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_eight_processes_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    script = "import sys,os,pathlib;from petition.config.secret_files import kept_secret as k;"
    script += "sys.stdout.write(k(pathlib.Path(sys.argv[1]), os.urandom(32)).hex())"
    command = [sys.executable, "-c", script, str(tmp_path / "secrets" / "pepper")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=addresses.PROJECT) for _ in range(8)]
    assert len({racer.communicate()[0] for racer in racers}) == 1
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["pepper"]
    assert len(kept_secret(tmp_path / "secrets" / "pepper", b"late")) == 32


def test_a_child_reads_the_same_config_from_its_environment(tmp_path: Path) -> None:
    config = Config.from_env({"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path / "a b")})
    whole = config.environment() | config.owner_environment()
    assert Config.from_env(whole) == config


def test_a_process_finds_only_the_addresses_of_the_roles_it_works_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P50: also where this process itself was given them."""
    for name in (addresses.OWNER_URL, addresses.MAINTENANCE_URL):
        monkeypatch.setenv(name, "postgresql://owner@db/petition")
    config = Config.from_env(os.environ | {"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path), "DATABASE_URL": DB})
    assert {addresses.OWNER_URL, addresses.MAINTENANCE_URL} & config.environment().keys() == set()
    kept = {child.name: {*child.env} for child in commands.children(config)}
    told, maintains = {"PETITION_PROCESS", "MALLOC_ARENA_MAX"}, {addresses.MAINTENANCE_URL}
    assert kept == {"web": told, "worker-prompt": told, "worker-bulk": told | maintains, "beat": told}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PETITION_SECRET_KEY", "kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u"),
        ("PETITION_MASTER_KEY", f"{KEY},{OTHER}"),
        ("PETITION_HOOK_KEY", "hV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u"),
        ("PETITION_METRICS_TOKEN", "mV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u"),
    ],
)
def test_a_secret_may_stand_in_a_file(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "secret").write_text(f"{value}\n")
    filed = {f"{name}_FILE": str(tmp_path / "secret")}
    assert Config.from_env(production(tmp_path, **{name: ""}, **filed)) == Config.from_env(
        production(tmp_path, **{name: value})
    )
    (problem,) = problems(production(tmp_path, **{name: value}, **filed))
    assert problem == f"{name} and {name}_FILE are both set; unset one."
    gone = problems(production(tmp_path, **{name: ""}, **{f"{name}_FILE": "/nonexistent/secret"}))
    assert gone[0] == f"{name}_FILE cannot be read: No such file or directory."
    (tmp_path / "secret").write_bytes(b"\xff" * 40)
    assert problems(production(tmp_path, **{name: ""}, **filed))[0] == f"{name}_FILE cannot be read: it is no text."


def test_a_process_that_nobody_knows_is_named(tmp_path: Path) -> None:
    (problem,) = problems(production(tmp_path, PETITION_PROCESS="desk"))
    assert problem == "PETITION_PROCESS is 'desk'; the commands set it, and nobody else has to."


@pytest.mark.parametrize("name", [addresses.OWNER_URL, addresses.MAINTENANCE_URL])
def test_an_address_for_a_role_is_read_or_refused_by_its_name(tmp_path: Path, name: str) -> None:
    read = Config.from_env(production(tmp_path, **{name: "postgres://another@db/petition"}))
    found = {addresses.OWNER_URL: read.owner_database_url, addresses.MAINTENANCE_URL: read.maintenance_database_url}
    assert found.pop(name) == "postgresql+psycopg://another@db/petition"
    assert [*found.values()] == [read.database_url]
    (problem,) = problems(production(tmp_path, **{name: "mysql://db/petition"}))
    assert problem == f"{name} must begin with postgresql://."
    environ = {"PETITION_ENV": "development", "PETITION_HOME": str(tmp_path), name: "postgres://another@db/petition"}
    assert problems(environ) == (f"{name} is set without DATABASE_URL.",)


def test_embedded_servers_have_a_role_for_each_kind_of_work(tmp_path: Path) -> None:
    """P50."""
    config = Config.from_env({"PETITION_ENV": "development", "PETITION_HOME": str(tmp_path)})
    urls = (config.owner_database_url, config.database_url, config.maintenance_database_url)
    roles = [url.partition("://")[2].partition("@")[0] for url in urls]
    assert roles == ["petition", "petition_application", "petition_maintenance"]


@pytest.mark.parametrize(
    ("given", "redis_py", "kombu"),
    [
        ("unix:///run/v.sock?db=0", "unix:///run/v.sock?db=0", "redis+socket:///run/v.sock?virtual_host=0"),
        (
            "redis+socket:///run/v.sock?virtual_host=2",
            "unix:///run/v.sock?db=2",
            "redis+socket:///run/v.sock?virtual_host=2",
        ),
        ("redis://cache/1", "redis://cache/1", "redis://cache/1"),
        ("valkey://:pw@cache:6380", "redis://:pw@cache:6380", "redis://:pw@cache:6380"),
        ("rediss://cache", "rediss://cache", "rediss://cache?ssl_cert_reqs=required"),
    ],
)
def test_one_redis_address_has_two_spellings(given: str, redis_py: str, kombu: str) -> None:
    assert addresses.redis_py_url(given) == redis_py
    assert addresses.broker_url(redis_py) == kombu


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_a_database_address_is_accepted(scheme: str) -> None:
    assert addresses.sqlalchemy_url(f"{scheme}://a:b@h:5/d?sslmode=require") == (
        "postgresql+psycopg://a:b@h:5/d?sslmode=require"
    )


def test_a_long_home_gets_a_short_folder_for_its_sockets(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    assert len(str(addresses.run_folder(long) / "pg" / ".s.PGSQL.5432")) <= addresses.SOCKET_BYTES
    assert addresses.run_folder(long) == addresses.run_folder(long)
    assert addresses.run_folder(Path("/srv/petition")) == Path("/srv/petition/run")


@pytest.mark.parametrize(
    "address",
    ["http://short.onion", "ftp://" + "a" * 56 + ".onion", "letters.example", "http://" + "a" * 56 + ".onion/c"],
)
def test_an_address_over_tor_that_is_none_is_one_sentence(tmp_path: Path, address: str) -> None:
    environ = {"PETITION_ENV": "development", "PETITION_HOME": str(tmp_path), "PETITION_ONION": address}
    with pytest.raises(ConfigIncomplete) as refused:
        Config.from_env(environ)
    assert [problem for problem in refused.value.problems if problem.startswith("PETITION_ONION is ")]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://Letters.Example", "https://letters.example"),
        ("https://letters.example:443/", "https://letters.example"),
        ("https://letters.example.", "https://letters.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443"),
    ],
)
def test_the_base_url_has_the_host_as_browsers_write_it(tmp_path: Path, given: str, url: str) -> None:
    """P59. Links, origins and passkeys are compared with it."""
    assert Config.from_env(production(tmp_path, PETITION_BASE_URL=given)).base_url == url
