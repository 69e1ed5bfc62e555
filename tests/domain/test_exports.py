"""Files for organisers: what stands in them, that they are whole, and that they go."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from petition import epochs, organisers, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.config.addresses import PROJECT
from petition.core import db
from petition.ledger import log
from petition.ledger.entries import Visibility
from petition.organisers import Role, approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.organisers.audit_log import Action
from petition.signatures import DisplayChoice
from petition.usecases import cells, exports, files
from petition.usecases.acts import ACTS
from petition.usecases.exports import ExportUnknown, NoNames
from petition.usecases.tables import Export, ExportKind, ExportState
from tests import make
from tests.support.many import signed
from tests.support.services import MASTER_KEY
from tests.support.waiting import until_nobody_holds_a_lock
from workers.loops.exports import make_export

NOW = make.NOW
OMAR, SUZIE = b"o" * 16, b"s" * 16
SIGNS = "=+-@＝＋－＠"
BLANKS = " \t\r\n\x00\x0b\xa0\u200b\ufeff\u00ad\u3000"


def starts_a_formula(text: str) -> bool:
    bare = text.lstrip("".join(chr(n) for n in range(33)) + BLANKS)
    return bare[:1] in set(SIGNS)


@given(st.lists(st.text(st.sampled_from(SIGNS + BLANKS + "|;,\"'aé1(")), min_size=1, max_size=4))
def test_no_cell_starts_a_formula_whatever_separator_a_spreadsheet_takes(texts: list[str]) -> None:
    """P34."""
    file = io.StringIO(newline="")
    cells.writer(file).writerow(cells.row(texts))
    for separator in ",;\t":
        rows = csv.reader(io.StringIO(file.getvalue().replace("\0", " "), newline=""), delimiter=separator)
        assert [each for row in rows for each in row if starts_a_formula(each)] == []
    (row,) = csv.reader(io.StringIO(file.getvalue().replace("\0", " "), newline=""))
    assert [each for each in row if each[:1] in set("\t\r\n")] == []


@pytest.mark.parametrize("name", ["Alice Example", "Zoë d’Example", "Jean-Luc Example", "a=b", "3 + 4"])
def test_a_name_that_starts_no_formula_is_left_as_it_is(name: str) -> None:
    assert cells.cell(name) == name


def promised(kind: ExportKind, campaign: Campaign) -> bytes:
    with db.transaction() as session:
        return exports._promise(session, session.get_one(Campaign, campaign.id), kind, Actor(OMAR, NOW)).id


def opened(**changes: object) -> Campaign:
    with db.transaction() as session:
        return make.campaign(session, **changes)


def made(kind: ExportKind, campaign: Campaign, home: Path) -> str:
    export_id = promised(kind, campaign)
    make_export(export_id, home, NOW)
    return files.path(home, export_id).read_text("utf-8-sig")


def test_a_file_of_names_holds_those_that_are_public_and_nobody_else(engine: Engine, tmp_path: Path) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session, public_min=2)
        for wish in (
            DisplayChoice(Visibility.NAME, "=cmd|' /C calc'!A0", "Engineer", "", "-1+1"),
            DisplayChoice(Visibility.NAME, "Sealed Example", "", "", "", 50),
            DisplayChoice(Visibility.ROLE, role="Designer"),
            make.ANONYMOUS,
        ):
            make.signature(session, campaign, wish)
        hidden = make.signature(session, campaign, DisplayChoice(Visibility.NAME, "Hidden Example"))
        epochs.close_epoch(session, campaign, NOW)
        session.flush()
        signatures.hide(session, OpenCampaign.of(campaign), hidden.withdraw)
        signatures.update_visibility(session, campaign.id, log.counted(session, campaign.id))
    text = made(ExportKind.SIGNERS, campaign, tmp_path)
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "role", "team", "comment"],
        ["'=cmd|' /C calc'!A0", "Engineer", "", "'-1+1"],
    ]


def test_no_name_leaves_below_the_least_number_of_signatures(engine: Engine, tmp_path: Path) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session, public_min=2)
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, "Alice Example"))
        epochs.close_epoch(session, campaign, NOW)
    with db.transaction() as session, pytest.raises(NoNames):
        exports.ask_names(session, session.get_one(Campaign, campaign.id), Actor(OMAR, NOW))
    assert made(ExportKind.SIGNERS, campaign, tmp_path).splitlines() == ['"name","role","team","comment"']


def test_figures_and_journal_say_what_happened(engine: Engine, tmp_path: Path) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
        omar = organisers.enrol(session, "Omar", "en", NOW)
        organisers.join(session, campaign.id, omar.id, Role.OWNER, NOW)
        for days in range(3):
            make.signature(session, campaign)
            epochs.close_epoch(session, campaign, NOW + timedelta(days=days))
    table = list(csv.reader(io.StringIO(made(ExportKind.FIGURES_CSV, campaign, tmp_path))))
    assert table[0] == ["day", "signed", "withdrawn", "removed", "counted", "issued"]
    assert table[1:] == [[f"2026-11-{23 + n}", "1", "0", "0", f"{n + 1}", f"{n + 1}"] for n in range(3)]
    told = json.loads(made(ExportKind.FIGURES_JSON, campaign, tmp_path))
    assert (told["campaign"], [day["counted"] for day in told["days"]]) == (campaign.slug, [1, 2, 3])
    lines = list(csv.reader(io.StringIO(made(ExportKind.AUDIT_LOG, campaign, tmp_path))))
    assert [(line[2], line[3]) for line in lines[1:]] == [("", "exported")] * 3 + [("Omar", "joined")]


def test_nobody_else_on_the_machine_reads_a_file(engine: Engine, tmp_path: Path) -> None:
    export_id = promised(ExportKind.AUDIT_LOG, opened())
    make_export(export_id, tmp_path, NOW)
    path = files.path(tmp_path, export_id)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


def test_names_take_two_organisers_and_the_request_says_how_many(engine: Engine) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
        signed(session, campaign, 3)
        request = exports.ask_names(session, campaign, Actor(OMAR, NOW))
        assert request.about == {"names": 3}
    with db.transaction() as session:
        assert exports.of(session, campaign.id, NOW) == []
        approved = approvals.approve(session, campaign.id, request.id, Actor(SUZIE, NOW))
        ACTS[ApprovalKind.EXPORT_NAMES](session, session.get_one(Campaign, campaign.id), approved, NOW)
    with db.session() as session:
        assert [(each.kind, each.by) for each in exports.of(session, campaign.id, NOW)] == [(ExportKind.SIGNERS, OMAR)]
        deeds = [each.action for each in session.scalars(audit_log.lines(campaign.id))]
    assert deeds == [Action.EXPORTED, Action.KEY_GIVEN, Action.KEY_ASKED]


def test_whoever_asks_twice_gets_one_file(engine: Engine) -> None:
    campaign = opened()
    assert promised(ExportKind.AUDIT_LOG, campaign) == promised(ExportKind.AUDIT_LOG, campaign)


def child(url: str, home: Path, export_id: bytes, failpoint: str) -> int:
    """Make a file in a process that is killed at a point."""
    words = (
        "import sys; from pathlib import Path; from petition.core import clock, db, failpoints;"
        "from petition.privacy import keyring;"
        "from workers.loops.exports import make_export; url, key, home, name, point = sys.argv[1:];"
        "db.connect(url); keyring.connect([key]); failpoints.arm(point);"
        "make_export(bytes.fromhex(name), Path(home), clock.now())"
    )
    argv = [sys.executable, "-c", words, url, MASTER_KEY, str(home), export_id.hex(), failpoint]
    died = subprocess.run(argv, cwd=PROJECT, env=os.environ, capture_output=True, check=False, timeout=60)
    until_nobody_holds_a_lock()
    return died.returncode


@pytest.mark.parametrize("point", ["export", "export-named"])
def test_an_export_that_is_killed_is_made_again_and_its_half_can_never_be_downloaded(
    engine: Engine, database_url: str, tmp_path: Path, point: str
) -> None:
    campaign = opened()
    with db.transaction() as session:
        signed(session, session.get_one(Campaign, campaign.id), files.PROGRESS_EVERY + 5)
    export_id = promised(ExportKind.SIGNERS, campaign)
    assert child(database_url, tmp_path, export_id, point) == -signal.SIGKILL
    with db.session() as session:
        half = session.get_one(Export, export_id)
        assert (half.state, half.done) == (ExportState.RUNNING, files.PROGRESS_EVERY)
        assert exports.unfinished(session) == [export_id.hex()]
        with pytest.raises(ExportUnknown):
            exports.find(session, campaign.id, export_id, NOW)
    assert [each.suffix for each in files.every(tmp_path)] == [files.PART]
    make_export(export_id, tmp_path, NOW)
    with db.session() as session:
        assert exports.find(session, campaign.id, export_id, NOW).done == files.PROGRESS_EVERY + 5
    assert files.every(tmp_path) == [files.path(tmp_path, export_id)]
    assert len(files.path(tmp_path, export_id).read_bytes().splitlines()) == files.PROGRESS_EVERY + 6


def test_a_file_that_kills_its_makers_is_given_up_after_five_and_says_so(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    export_id = promised(ExportKind.AUDIT_LOG, opened())
    for _ in range(exports.MOST_TRIES):
        assert child(database_url, tmp_path, export_id, "export-named") == -signal.SIGKILL
    make_export(export_id, tmp_path, NOW)
    with db.session() as session:
        assert session.get_one(Export, export_id).state is ExportState.FAILED
        assert exports.unfinished(session) == []


def test_of_makers_at_once_one_makes_the_file(engine: Engine, tmp_path: Path) -> None:
    campaign = opened()
    with db.transaction() as session:
        signed(session, session.get_one(Campaign, campaign.id), 5_000)
    export_id = promised(ExportKind.SIGNERS, campaign)
    makers = [threading.Thread(target=make_export, args=(export_id, tmp_path, NOW)) for _ in range(4)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()
    with db.session() as session:
        export = session.get_one(Export, export_id)
    assert (export.state, export.done, export.tries) == (ExportState.DONE, 5_000, 1)


def test_an_export_is_gone_from_disk_and_database_after_a_day_a_younger_one_is_not(
    engine: Engine, tmp_path: Path
) -> None:
    campaign = opened()
    old, late = promised(ExportKind.AUDIT_LOG, campaign), NOW + timedelta(hours=24)
    make_export(old, tmp_path, NOW)
    with db.session() as session, pytest.raises(ExportUnknown):
        exports.find(session, campaign.id, old, late)
    with db.transaction() as session:
        young = exports.ask(session, campaign, ExportKind.AUDIT_LOG, Actor(OMAR, late)).id
    make_export(young, tmp_path, late)
    with db.transaction() as session:
        exports.purge(session, tmp_path, late)
    with db.session() as session:
        assert list(session.scalars(select(Export.id))) == [young]
    assert files.every(tmp_path) == [files.path(tmp_path, young)]
