"""compose.yaml as data: its services, what each is given, and its environment with values filled in."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, Final

import yaml

from petition.config.addresses import MAINTENANCE_URL, OWNER_URL, PROJECT

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: each for name, each in SERVICES.items() if each.get("image") == "undersigned"}
KEYS: Final = {"secret_key", "master_key", "pepper"}
EVERYTHING: Final = KEYS | {"owner", "application", "maintenance", "valkey", "mail"}
HELD: Final = {
    "migrate": {"owner", "application", "maintenance"},
    "web": KEYS | {"application", "valkey", "hook", "metrics"},
    "worker-prompt": {"master_key", "application", "valkey", "mail"},
    "worker-bulk": KEYS | {"application", "maintenance", "valkey", "mail"},
    "beat": {"valkey"},
    "operator": EVERYTHING,
}
NAMES: Final = {
    OWNER_URL: "owner",
    "DATABASE_URL": "application",
    MAINTENANCE_URL: "maintenance",
    "SMTP_URL": "mail",
    "PETITION_SECRET_KEY_FILE": "secret_key",
    "PETITION_MASTER_KEY_FILE": "master_key",
    "PETITION_PEPPER_FILE": "pepper",
    "PETITION_HOOK_KEY": "hook",
    "PETITION_METRICS_TOKEN": "metrics",
}


VARIABLE: Final = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def filled(value: object, chosen: dict[str, str]) -> str:
    """A value of compose.yaml with its variables filled in; AssertionError for a required one that is not there."""

    def found(variable: re.Match[str]) -> str:
        name, kind, default = variable.groups()
        assert chosen.get(name) or kind == "-", f"compose needs {name}"
        return chosen.get(name) or default

    return VARIABLE.sub(found, str(value))


def environ(name: str, folder: Path) -> dict[str, str]:
    """The environment of a service with values for what operators choose, its secrets in files of a folder."""
    chosen = {"PETITION_BASE_URL": "https://letters.example", "SMTP_URL": "smtp://mail:1025"}
    chosen |= {"MAIL_FROM": "letters@letters.example", "CODE_MAIL_FROM": "no-reply@accounts.example"}
    (folder / "secret_key").write_text("kV2-9xQ_wL7fTzB3nYcJ5hRmG8aDpE0u\n")
    (folder / "master_key").write_text(base64.urlsafe_b64encode(bytes(range(32))).decode() + "\n")
    (folder / "pepper").write_bytes(bytes(range(64)))

    def filled(value: object) -> str:
        text = str(value).replace("/run/secrets", str(folder))
        return re.sub(
            r"\$\{([A-Z_]+)(?::[-?]([^}]*))?\}", lambda it: chosen.get(it[1], "x" if "?" in it[0] else ""), text
        )

    given = {each: filled(value) for each, value in OURS[name]["environment"].items()}
    return {**given, "PETITION_HOME": str(folder / "home")}
