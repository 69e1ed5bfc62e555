"""The bill of materials names what is installed: every pin of the lock file, with its hashes, and the same each time."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from petition.cli import cli
from petition.cli.sbom import LOCK, TESTS


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


def test_the_document_has_what_cyclonedx_demands() -> None:
    document = json.loads(CliRunner().invoke(cli, ["sbom"]).output)
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(document["serialNumber"].removeprefix("urn:uuid:")).version == 5
    assert document["metadata"]["component"]["licenses"] == [{"license": {"id": "AGPL-3.0-or-later"}}]
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references)
    assert document["dependencies"] == [{"ref": "undersigned", "dependsOn": references}]
