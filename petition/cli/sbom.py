"""The bill of materials: every package of the lock file with its hashes, as CycloneDX JSON (ECMA-424).

A wheel can be installed without the lock file. Then other versions may be in use, which the command says.
"""

from __future__ import annotations

import json
import re
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import click

from petition import __version__
from petition.config.addresses import PROJECT

LOCK: Final = PROJECT / "requirements" / "run.lock"
TESTS: Final = PROJECT / "requirements" / "test.lock"
PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562: names that are URLs
SPEC: Final = "1.6"
NAME: Final = "undersigned"
LICENCE: Final = "AGPL-3.0-or-later"


@click.command()
@click.option("--tests", is_flag=True, help="With the packages that only tests and checks need.")
def sbom(*, tests: bool) -> None:
    """Print the bill of materials of this version, as CycloneDX JSON."""
    lock = TESTS if tests else LOCK
    click.echo(json.dumps(bill(lock), indent=2))
    if others := differing(lock):
        click.echo(
            f"This list is that of the lock file, but here other versions are installed: {', '.join(others)}.", err=True
        )


def differing(lock: Path) -> list[str]:
    """Returns name and version of each installed package that has another version than the lock file names."""
    pinned: dict[str, set[str]] = {}
    for name, pin, _ in _pins(lock.read_text(encoding="utf-8")):
        pinned.setdefault(name, set()).add(pin)
    found = {name: _installed(name) for name in pinned}
    return [f"{name} {own}" for name, own in found.items() if own and own not in pinned[name]]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def bill(lock: Path) -> dict[str, Any]:
    """Returns the bill of materials of a lock file. The same file gives the same document, which holds no time."""
    text = lock.read_text(encoding="utf-8")
    packages = [_component(*each) for each in _pins(text)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, text)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": NAME,
                "name": NAME,
                "version": __version__,
                "licenses": [{"license": {"id": LICENCE}}],
            }
        },
        "components": packages,
        "dependencies": [{"ref": NAME, "dependsOn": [each["bom-ref"] for each in packages]}],
    }


def _pins(text: str) -> list[tuple[str, str, list[str]]]:
    """Returns name, version and hashes of each package, in the order of the file."""
    found = list(PIN.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return [(each[1], each[2], HASH.findall(text, each.end(), end)) for each, end in zip(found, ends, strict=True)]


def _component(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    checksums = [{"alg": "SHA-256", "content": each} for each in hashes]
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": checksums}
