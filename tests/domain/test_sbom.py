"""The bill of materials names what is installed: every pin of the lock file, with its hashes, and the same each time."""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from petition import __version__
from petition.cli import cli, sbom
from petition.cli.sbom import LOCK, TESTS
from petition.config.addresses import PROJECT


@pytest.mark.parametrize(("words", "lock"), [((), LOCK), (("--tests",), TESTS)], ids=["run", "test"])
def test_every_package_of_the_lock_file_is_named_with_its_hashes(words: tuple[str, ...], lock: Path) -> None:
    done = CliRunner().invoke(cli, ["sbom", *words])
    assert done.exit_code == 0
    document, text = json.loads(done.output), lock.read_text()
    pinned = [line.split(" ")[0].split("==") for line in text.splitlines() if "==" in line]
    assert [[each["name"], each["version"]] for each in document["components"]] == pinned
    hashes = [each["content"] for component in document["components"] for each in component["hashes"]]
    assert hashes == re.findall(r"sha256:([0-9a-f]{64})", text)
    assert all(each["hashes"] and each["purl"].startswith("pkg:pypi/") for each in document["components"])
    assert CliRunner().invoke(cli, ["sbom", *words]).output == done.output


def test_other_versions_than_those_of_the_lock_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel that was installed without the lock file may run with others."""
    text, installed = LOCK.read_text(), version("flask")
    older = tmp_path / "run.lock"
    older.write_text(text.replace(f"flask=={installed} ", "flask==0.0.1 "))
    monkeypatch.setattr(sbom, "LOCK", older)
    done = CliRunner().invoke(cli, ["sbom"])
    assert (done.exit_code, '"version": "0.0.1"' in done.stdout) == (0, True)
    told = f"This list is that of the lock file, but here other versions are installed: flask {installed}.\n"
    assert done.stderr == told
    monkeypatch.setattr(sbom, "LOCK", LOCK)
    assert CliRunner().invoke(cli, ["sbom"]).stderr == ""


def test_the_document_has_what_cyclonedx_demands() -> None:
    document = json.loads(CliRunner().invoke(cli, ["sbom"]).output)
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(document["serialNumber"].removeprefix("urn:uuid:")).version == 5
    component = document["metadata"]["component"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert (component["name"], component["version"]) == (project["name"], __version__)
    assert component["licenses"] == [{"license": {"id": project["license"]}}]
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references)
    assert document["dependencies"] == [{"ref": "undersigned", "dependsOn": references}]
