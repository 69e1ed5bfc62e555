"""docs/doctor.md lists each check of `doctor`, with the limits of the code."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from petition.config.addresses import PROJECT
from petition.core.i18n import gettext_for
from petition.operation import CHECKS, Verdict, runner
from petition.operation.checks import database, machine, redis_server
from petition.operation.probe import HEADER, PATH, SECONDS
from petition.web.labels import VERDICTS

DOCUMENT = (PROJECT / "docs/doctor.md").read_text(encoding="utf-8")


def test_the_document_lists_each_check_in_its_order() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", DOCUMENT, re.MULTILINE) == [each.name for each in CHECKS]


def test_no_two_checks_have_the_same_name_or_title() -> None:
    counted = Counter([each.name for each in CHECKS] + [each.title for each in CHECKS])
    assert [name for name, n in counted.items() if n > 1] == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda each: each.name)
def test_each_title_is_there_in_french(check: object) -> None:
    title: str = check.title  # type: ignore[attr-defined]
    assert gettext_for("fr")(title) not in {"", title}


def test_the_figures_of_the_document_are_the_codes() -> None:
    sentences = (
        f"for {runner.SECONDS:.0f} seconds at most",
        f"version {database.OLDEST} to {database.NEWEST}",
        f"Redis {redis_server.REDIS[0]} or newer, or Valkey {redis_server.VALKEY[0]} or {redis_server.VALKEY[1]}",
        f"less than {machine.LEAST_FREE // 10**6} MB",
        "good for two minutes" if SECONDS == 120 else "",
        f"`GET {PATH}`",
        f"`{HEADER}`",
    )
    assert all(sentences)
    assert [each for each in sentences if each not in DOCUMENT] == []
    assert runner.SECONDS < 15


def test_the_sample_of_json_has_the_verdicts_of_the_code() -> None:
    sample = json.loads(DOCUMENT.partition("```json")[2].partition("```")[0])
    assert sample["verdict"] in list(Verdict)
    assert set(VERDICTS) == set(Verdict)
    assert "`ok`, `warning` or `fault`" in DOCUMENT
