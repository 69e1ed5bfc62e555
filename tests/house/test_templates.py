"""Templates show values; they do not build lists. What a page lists is made by its view."""

from __future__ import annotations

import re

from petition.config.addresses import PROJECT

BUILDING = re.compile(r"\.(append|extend|insert)\(|{%-?\s*set\s+_|{%-?\s*do\b")


def test_no_template_builds_a_list() -> None:
    templates = [path for path in (PROJECT / "templates").rglob("*") if path.is_file()]
    found = [str(path.relative_to(PROJECT)) for path in templates if BUILDING.search(path.read_text(encoding="utf-8"))]
    assert (found, len(templates) > 100) == ([], True)
