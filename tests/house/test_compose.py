"""P50: each service of compose.yaml has the secrets that its process needs, starts with them, and has no others."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from petition.cli import cli
from petition.config import Config, ConfigIncomplete, Process
from petition.config.addresses import PROJECT
from petition.config.reader import NOT_NEEDED
from petition.config.settings_file import read
from tests.support.compose import COMPOSE, HELD, KEYS, NAMES, OURS, SERVICES, environ, filled

PROCESSES: Final = {name: Process(name) if name in list(Process) else Process.ANY for name in OURS}
PASSWORD: Final = re.compile(r"\$\{([A-Z_]*PASSWORD):\?\}")


def secrets_of(name: str) -> set[str]:
    """What a service is given, by what it opens."""
    environment = OURS[name]["environment"]
    held = {NAMES[each] for each in environment if each in NAMES}
    return held | ({"valkey"} if PASSWORD.search(environment["REDIS_URL"]) else set())


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_these_secrets_and_no_others(name: str) -> None:
    """P50."""
    assert secrets_of(name) == HELD[name]
    assert set(OURS[name].get("secrets", [])) == HELD[name] & KEYS
    passwords = {found for value in OURS[name]["environment"].values() for found in PASSWORD.findall(str(value))}
    opened = {"owner": "POSTGRES_PASSWORD", "application": "POSTGRES_APPLICATION_PASSWORD"}
    opened |= {"maintenance": "POSTGRES_MAINTENANCE_PASSWORD", "valkey": "VALKEY_PASSWORD"}
    assert passwords == {opened[each] for each in HELD[name] & opened.keys()}


@pytest.mark.parametrize("name", OURS)
def test_a_service_starts_with_what_it_is_given_and_with_nothing_less(name: str, tmp_path: Path) -> None:
    """P50: the code needs what compose gives."""
    given = environ(name, tmp_path)
    config = Config.from_env(given, PROCESSES[name])
    assert (len(config.master_keys), bool(config.pepper)) == ("master_key" in HELD[name], "pepper" in HELD[name])
    optional = {"hook", "metrics", "owner", "maintenance"}
    for setting in (each for each in given if NAMES.get(each, "mail") not in optional and each in NAMES):
        if name == "migrate" and setting == "DATABASE_URL":
            continue  # without it, the addresses of the other roles are refused
        with pytest.raises(ConfigIncomplete, match=setting.removesuffix("_FILE")):
            Config.from_env({**given, setting: ""}, PROCESSES[name])


def test_the_settings_that_init_writes_drive_compose(tmp_path: Path) -> None:
    """Every variable is there, each service starts with what comes of it, and the keys are those of the settings."""
    file, home = tmp_path / "settings.env", tmp_path / "data"
    words = [
        "--address",
        "letters.example.org",
        "--code-mail-from",
        "no-reply@accounts.example.net",
        "--relay",
        "h.example",
    ]
    more = ["--user", "root"] if os.geteuid() == 0 else []
    made = CliRunner().invoke(
        cli, ["init", "--yes", "--settings", str(file), "--home", str(home), "--servers", "wheel", *words, *more]
    )
    assert made.exit_code == 0, made.output
    chosen = read(file)
    for service in (each for name, each in SERVICES.items() if name not in OURS):
        filled({**service, "healthcheck": ""}, chosen)
    keys = {f"/run/secrets/{name}": filled(each["file"], chosen) for name, each in COMPOSE["secrets"].items()}
    assert set(keys.values()) == {chosen[f"PETITION_{name.upper()}_FILE"] for name in KEYS}
    for name, service in OURS.items():
        given = {each: filled(value, chosen) for each, value in service["environment"].items()}
        config = Config.from_env({each: keys.get(value, value) for each, value in given.items()}, PROCESSES[name])
        assert (config.base_url, config.trusted_proxies) == ("https://letters.example.org", 1)
        if "mail" in HELD[name]:
            assert config.smtp_url == "smtp://h.example:587?tls=required"


def test_what_a_process_does_not_need_compose_does_not_give() -> None:
    """P50."""
    for name, process in PROCESSES.items():
        spared = {NAMES.get(f"{each}_FILE", NAMES.get(each)) for each in NOT_NEEDED.get(process, ())}
        assert not spared & secrets_of(name), name


def test_no_service_of_others_is_given_a_key_and_valkey_asks_for_a_password() -> None:
    others = {name: each for name, each in SERVICES.items() if name not in OURS}
    assert [name for name, each in others.items() if each.get("secrets")] == []
    command = others["valkey"]["command"]
    assert command[command.index("--requirepass") + 1] == "${VALKEY_PASSWORD:?}"
    assert set(COMPOSE["secrets"]) == KEYS


def test_valkey_writes_to_no_disk() -> None:
    """P44: it counts the codes of the running day, and nothing of that day may outlive it."""
    valkey = SERVICES["valkey"]
    words = valkey["command"]
    assert (words[words.index("--save") + 1], words[words.index("--appendonly") + 1]) == ("", "no")
    assert (valkey["read_only"], valkey["tmpfs"], "volumes" in valkey) == (True, ["/data"], False)


def test_every_image_has_an_exact_tag() -> None:
    images = [each["image"] for name, each in SERVICES.items() if name not in OURS]
    images += re.findall(r"^ARG BASE=(\S+)\nFROM \$\{BASE\}$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert images[-1].startswith("python:")
    assert [image for image in images if not re.search(r":v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$", image)] == []


def test_nothing_of_ours_writes_but_where_the_image_s_user_may() -> None:
    """A tmpfs below the home belongs to root in some engines, whatever its options say (decision 0079)."""
    assert {name: each["tmpfs"] for name, each in OURS.items()} == {name: ["/tmp"] for name in OURS}
    assert OURS["beat"]["environment"]["PETITION_HOME"].startswith("/tmp/")


def test_only_what_has_visitors_or_sends_mail_reaches_the_outside() -> None:
    outside = {name for name, each in SERVICES.items() if "outside" in each["networks"]}
    assert outside == {"proxy", "web", "worker-prompt", "worker-bulk", "operator", "mail"}
    assert {name for name, each in SERVICES.items() if "inside" in each["networks"]} == set(SERVICES) - {
        "mail",
        "proxy",
    }
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, each in SERVICES.items() if each.get("ports")} == {"proxy", "web", "mail"}
    assert SERVICES["web"]["ports"] == ["127.0.0.1::8000"]


def test_the_proxy_is_given_what_its_file_asks_for_and_finds_the_web() -> None:
    proxy, file = SERVICES["proxy"], (PROJECT / "deploy" / "Caddyfile").read_text()
    assert {*re.findall(r"\{\$([A-Z_]+)", file)} == set(proxy["environment"])
    assert "./deploy/Caddyfile:/etc/caddy/Caddyfile:ro" in proxy["volumes"]
    assert proxy["environment"]["UPSTREAM"] == f"web:{COMPOSE['x-settings']['PETITION_PORT']}"
    assert COMPOSE["x-settings"]["PETITION_TRUSTED_PROXIES"] == "${PETITION_TRUSTED_PROXIES:-1}"
    assert (proxy["read_only"], proxy["cap_drop"], proxy["cap_add"]) == (True, ["ALL"], ["NET_BIND_SERVICE"])
