"""P46: acts that need a second organiser have one way to their effect, and it leads through the rule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from petition.config.addresses import PROJECT

EFFECTS: Final[dict[str, set[str]]] = {
    "epochs.change": {"petition/usecases/endings.py", "petition/cli/campaign.py", "petition/cli/close.py"},
    "epochs.open_campaign": {"petition/usecases/opening.py", "seeds/demo.py"},
    "epochs.close_campaign": set(),
    "epochs.add_translation": {"petition/usecases/public_texts.py"},
    "campaigns.change_public": {
        "petition/usecases/closing_date.py",
        "petition/usecases/domains.py",
        "petition/usecases/public_texts.py",
    },
    "campaigns.publish_update": {"petition/usecases/updates.py", "petition/cli/mail.py"},
    "signatures.conceal": {"petition/usecases/hiding.py"},
    "bulk_removal.begin": {"petition/usecases/removals.py"},
    "team.remove": {"petition/usecases/acts.py"},
    "team.change_role": {"petition/usecases/acts.py"},
    "organisers.disable": {"petition/cli/organiser.py"},
    "approvals.ask": {"petition/usecases/approval_rules.py"},
    "approvals.approve": {"petition/usecases/acts.py"},
}
"""A function with an effect that two organisers answer for, and the files that may call it.

Those in `usecases` ask the rule; those in `cli` demand --yes; the demonstration is nobody's letter.
"""
FOLDERS: Final = ("petition", "workers", "seeds")


def calls() -> Iterator[tuple[str, str]]:
    """Each call of a module's function, as `module.function`, with the file that calls it."""
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    if isinstance(node.func.value, ast.Name):
                        yield f"{node.func.value.id}.{node.func.attr}", str(path.relative_to(PROJECT))


def imports(name: str) -> Iterator[str]:
    """The files that import a function by its own name, past which the calls above would not be found."""
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and name in {each.name for each in node.names}:
                    yield str(path.relative_to(PROJECT))


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_that_two_answer_for_is_called_only_where_the_rule_is_asked(effect: str) -> None:
    """P46."""
    found = {file for called, file in calls() if called == effect}
    assert found == EFFECTS[effect]


@pytest.mark.parametrize("effect", ["change_public", "close_campaign", "add_translation", "publish_update", "conceal"])
def test_nobody_imports_such_an_effect_past_its_module(effect: str) -> None:
    """P46."""
    own = {"petition/campaigns/__init__.py", "petition/epochs/__init__.py", "petition/signatures/__init__.py"}
    assert set(imports(effect)) - own == set()


def test_no_page_and_no_task_sets_what_the_rule_protects() -> None:
    """P46: dates, domains and legal texts of a public letter are set in one place."""
    protected, found = {"closes_at", "legal", "opening_approved", "batch_min", "public_min"}, set()
    for folder in ("petition/web", "petition/usecases", "petition/cli", "workers"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                targets = node.targets if isinstance(node, ast.Assign) else []
                found |= {
                    (str(path.relative_to(PROJECT)), each.attr)
                    for each in targets
                    if isinstance(each, ast.Attribute) and each.attr in protected
                }
    assert found == {("petition/usecases/opening.py", "opening_approved")}


def test_each_command_that_bypasses_asks_for_yes() -> None:
    """P46."""
    asking = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "petition" / "cli").glob("*.py")
        if "require_yes(" in path.read_text(encoding="utf-8")
    }
    bypassing = {file for files in EFFECTS.values() for file in files if file.startswith("petition/cli/")}
    assert bypassing <= asking


DELETING: Final[dict[str, set[str]]] = {
    "backups.restore": {"petition/cli/backup.py"},
}
"""A function that deletes what the database holds, and the commands that may call it, each with an option --yes."""


@pytest.mark.parametrize("effect", DELETING)
def test_what_deletes_the_data_is_called_only_by_commands_that_take_yes(effect: str) -> None:
    found = {file for called, file in calls() if called == effect}
    assert found == DELETING[effect]
    assert all('"--yes"' in (PROJECT / file).read_text(encoding="utf-8") for file in found)
