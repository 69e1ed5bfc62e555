"""The house keeps its word: what documents and tables claim is held against the code."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest
import yaml
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from sqlalchemy import create_engine

from petition.bootstrap import QUEUES as STARTED_QUEUES
from petition.bootstrap import WORKERS
from petition.cli import COMMANDS
from petition.config import Config, Environment
from petition.core import events
from petition.core.db import Base
from petition.core.i18n import LANGUAGES
from petition.core.outbox import OutboxItemAdded, OutboxKind
from petition.privacy.data_map import DATA_MAP
from petition.web.app import build
from workers import celery_app
from workers.follow_ups import FOLLOW_UPS
from workers.schedule import SCHEDULE

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for folder in ("petition", "workers", "seeds")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
]


def registered() -> set[str]:
    celery_app.app.loader.import_default_modules()
    return set(celery_app.app.tasks)


def test_every_message_names_a_registered_task_and_a_queue_that_is_consumed() -> None:
    beaten = [(entry["task"], entry["options"]["queue"]) for entry in SCHEDULE.values()]
    messages = [*FOLLOW_UPS.values(), *beaten]
    assert {name for name, _ in messages} <= registered()
    assert {queue for _, queue in messages} <= set(celery_app.QUEUES)


def test_the_layers_that_are_checked_are_the_layers_of_the_document() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    told = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    names = {name.strip() for layer in layers for name in layer.split("|")}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", told)) == []


def test_the_shared_folder_of_compose_belongs_to_the_user_of_the_image() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    folder = services["worker-prompt"]["volumes"][0].split(":")[1]
    image = (ROOT / "Dockerfile").read_text()
    assert f"mkdir -p {folder} && chown -R undersigned" in image
    assert image.index("chown -R") < image.index("USER undersigned")


def test_every_task_that_is_scheduled_or_follows_is_registered() -> None:
    followed = {name for name, _ in FOLLOW_UPS.values()} | {entry["task"] for entry in SCHEDULE.values()}
    assert followed <= registered()


def test_every_event_and_every_kind_of_outbox_row_has_its_task() -> None:
    """An event that an outbox row announces has the task of the row's kind."""
    announced = {kind.__name__ for kind in events.Event.__subclasses__()} - {OutboxItemAdded.__name__}
    assert {key.__name__ for key in FOLLOW_UPS if isinstance(key, type)} == announced
    assert {key for key in FOLLOW_UPS if isinstance(key, OutboxKind)} == set(OutboxKind)


def test_each_task_takes_what_its_event_carries() -> None:
    """The arguments of a message are the fields of its event, in their order."""
    registered()
    carried = {key: len(fields(key)) if isinstance(key, type) else 1 for key in FOLLOW_UPS}
    taken = {key: len(signature(celery_app.app.tasks[task.name].run).parameters) for key, task in FOLLOW_UPS.items()}
    assert carried == taken


def test_every_queue_is_consumed_here_and_in_compose() -> None:
    consumed = {queue for queues, _ in WORKERS.values() for queue in queues}
    assert consumed == set(celery_app.QUEUES) == set(STARTED_QUEUES)
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    commands = [str(service.get("command", "")) for service in compose["services"].values()]
    for name in WORKERS:
        assert any(f"worker {name}" in command or f"'worker', '{name}'" in command for command in commands)


def test_compose_runs_commands_that_exist_with_settings_that_are_documented() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "undersigned"}
    assert {service["command"][0] for service in ours.values()} <= set(COMMANDS)
    assert {"web", "worker", "beat", "migrate"} <= {service["command"][0] for service in ours.values()}
    readme = (ROOT / "README.md").read_text()
    settings = {name for service in ours.values() for name in service["environment"]}
    assert [name for name in settings if f"`{name}`" not in readme] == []


def test_every_setting_stands_in_the_readme() -> None:
    names = set(
        re.findall(
            r"\b(?:PETITION_[A-Z_]+|DATABASE_URL|REDIS_URL|SMTP_URL|MAIL_FROM|CODE_MAIL_FROM)\b",
            "".join(path.read_text() for path in CODE if "config" in path.parts),
        )
    )
    readme = (ROOT / "README.md").read_text()
    assert sorted(name for name in names if f"`{name}`" not in readme) == []


def test_every_mail_has_three_files() -> None:
    for folder in (path for path in (ROOT / "templates" / "mail").iterdir() if path.is_dir() and path.name != "parts"):
        assert {path.name for path in folder.iterdir()} == {"subject.txt", "body.txt", "body.html"}


def test_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_schemas": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert [each for each in differences if "alembic_version" not in str(each)] == []


def test_every_column_stands_in_the_data_map() -> None:
    columns = {
        f"{table.schema or 'public'}.{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
    }
    assert set(DATA_MAP) == columns


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_catalogue_is_complete(lang: str) -> None:
    methods = [("petition/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
    words = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
    found = extract_from_dir(ROOT, method_map=methods, options_map={}, keywords=words)
    wanted = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    catalogue = ROOT / "petition" / "translations" / lang / "LC_MESSAGES" / "messages.po"
    with catalogue.open("rb") as source:
        said = {
            message.id if isinstance(message.id, str) else message.id[0]: message.string
            for message in read_po(source, locale=lang)
            if message.id and not message.fuzzy
        }
    translated = {key for key, text in said.items() if text and (isinstance(text, str) or all(text))}
    assert sorted(wanted - translated) == []
    plain = [
        text for text in map(str, said.values()) if re.search(r"\w [:;!?»]|« |[^\\]'\w", text) and "('" not in text
    ]
    assert plain == []


@pytest.mark.parametrize(
    ("words", "rooms"),
    [
        (r"\.commit\(", {"db.py"}),
        (r"datetime\.now\(", {"clock.py"}),
        (r"os\.environ", {"config", "bootstrap"}),
    ],
)
def test_one_commit_one_clock_one_config(words: str, rooms: set[str]) -> None:
    found = {path for path in CODE if re.search(words, path.read_text())}
    assert [path for path in found if not rooms & set(path.parts)] == []


def test_transactions_open_at_the_edges_only() -> None:
    """Views, tasks, commands and seeds open sessions and transactions; everything else takes the session it works in."""
    edges = ("petition/web/", "petition/cli/", "workers/", "seeds/", "petition/core/db.py")
    inner = {str(path.relative_to(ROOT)): path.read_text() for path in CODE}
    opened = re.compile(r"\b(?:db\.session|transaction|autocommit(?:_connection)?)\(")
    assert len([name for name, text in inner.items() if opened.search(text)]) > 30
    assert [name for name, text in inner.items() if opened.search(text) and not name.startswith(edges)] == []


def test_nothing_is_inline_on_a_page() -> None:
    pages = [path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.parts]
    inline = re.compile(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|javascript:")
    assert [path.name for path in pages if inline.search(path.read_text())] == []


def test_files_and_functions_stay_small() -> None:
    allowed = {"verify.py", "signer.py"}  # one file that a person can read, by decisions 0011 and 0068
    sizes = {path: sum(1 for line in path.read_text().splitlines() if line.strip()) for path in CODE}
    assert [path.name for path, size in sizes.items() if size > 300 and path.name not in allowed] == []
    long = [
        f"{path.name}:{node.name}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 50
    ]
    assert long == []


def test_every_change_is_a_post_and_every_get_has_no_twin_that_changes(config: Config) -> None:
    app = build(config)
    changing = {"verify", "stamp", "sign", "withdraw", "hide", "amend", "change", "offer", "look", "save"}
    changing |= {"check", "step", "keep", "read", "forget"}
    changing |= {"subscribe", "ask", "confirm", "leave", "bounces"}
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods in ({"GET"}, {"POST"})
        # Those of organisers are in tests/web/test_organise_sign_in.py.
        if methods == {"POST"} and not rule.rule.startswith("/organise"):
            assert rule.endpoint.split(".")[-1] in changing


def test_the_development_inbox_is_not_there_in_production(config: Config) -> None:
    from dataclasses import replace

    production = build(replace(config, env=Environment.PRODUCTION, base_url="https://letters.example"))
    assert production.test_client().get("/dev/inbox", base_url="https://letters.example").status_code == 404


def test_every_path_that_a_document_names_is_there() -> None:
    told = {
        path
        for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
        for path in re.findall(
            r"`((?:petition|workers|seeds|tests|templates)/[\w./-]+)`", (ROOT / document).read_text()
        )
    }
    assert len(told) >= 10
    assert sorted(path for path in told if not (ROOT / path).exists()) == []
