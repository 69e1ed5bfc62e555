"""`python3 app.py proof`: the promises' tests in their long form, and a table of figures against their bars.

`python3 app.py proof soak` is another program: two hours of light traffic (`tests/proofs/soak.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.proofs import soak

TESTS = Path(__file__).parent.parent
PROOFS = (
    "proofs",
    "domain/test_passes.py::test_mutated_passes_are_refused",
    "domain/test_addresses.py",
    "domain/test_verification.py",
    "domain/test_verify.py",
    "domain/test_group_figures.py",
    "domain/test_rsabssa.py::test_stamp_costs_little_more_than_the_bare_private_operation",
    "journeys/test_new_campaign.py::test_each_page_of_a_draft_has_no_accessibility_fault_and_the_preview_is_live",
    "journeys/test_organise_news.py::test_omar_tells_what_happened_until_the_answer",
    "journeys/test_pages.py::test_no_page_has_an_accessibility_fault_or_is_too_wide_or_leaves_home",
    "journeys/test_share.py::test_the_kit_and_the_counter_have_no_accessibility_fault_and_fit_a_phone",
    "journeys/test_signing_fold.py::test_somebody_signs_on_a_phone_within_a_minute",
    "journeys/test_upgrade.py",
    "journeys/test_postgresql_versions.py",
    "web/test_page_cache.py::test_thousand_readers_in_the_second_after_expiry_cost_two_queries",
    "web/test_hostile.py::test_generated_inputs_on_every_route_meet_no_fault_of_ours",
    "web/test_hostile_organisers.py",
    "web/test_organise_account.py::test_known_unknown_and_disabled_names_get_their_answer_in_the_same_time",
)


def main(argv: Sequence[str]) -> int:
    """Run what proves a promise, with the arguments given; the exit code is pytest's.

    A first argument such as `containers` chooses `tests/proofs/test_containers.py` alone.
    """
    if argv[:1] == ["soak"]:
        return soak.main(argv[1:])
    alone = TESTS / "proofs" / f"test_{argv[0]}.py" if argv else TESTS
    if alone.is_file():
        return int(pytest.main([str(alone), "--long", "-q", *argv[1:]]))
    places = [str(TESTS / place) for place in PROOFS]
    return int(pytest.main([*places, "--long", "-q", *argv]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
