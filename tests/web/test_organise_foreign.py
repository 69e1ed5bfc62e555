"""Mallory owns a campaign of her own, and has every number of somebody else's: each is as good as none, in every place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from flask import Flask
from sqlalchemy import or_, select

from petition import epochs, organisers
from petition.campaigns import Campaign, find_any
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db
from petition.core.db import Base
from petition.ledger.entries import Removal, Visibility
from petition.organisers import Act, Role, approvals, recovery
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.organisers.tables import Invitation, Passkey, RecoveryCode
from petition.signatures import DisplayChoice
from petition.signatures.tables import Signature
from petition.usecases import exports, files, milestone_settings, removals, updates
from petition.usecases.milestone_settings import Consequences
from petition.usecases.tables import Export, ExportKind, ExportState
from petition.web.services import NAME
from tests import make
from tests.support.dashboard import GOODBYES, routes
from tests.support.omar import Omar, signed_in
from workers.loops.exports import make_export


@dataclass
class Planted:
    """What there is in a campaign: what its addresses hold, and ids that forms carry."""

    addresses: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


def planted(app: Flask, omar: Omar, suzie: Omar) -> Planted:
    """One of everything that has a number in Omar's campaign."""
    made, now = Planted(), clock.now()
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        for name in ("Alice Example", "Alice Example Two"):
            make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name, role="Engineer"))
        epochs.close_epoch(session, campaign, now)
        first, second = session.scalars(
            select(Signature.index).where(Signature.campaign_id == campaign.id).order_by(Signature.index)
        )
        removal = removals.remove_one(session, campaign, first, Removal.FRAUD, Actor(omar.organiser_id, now)).removal
        assert removal
        milestone_settings.add(
            session, campaign, MilestoneKind.COUNT, 777, Consequences(True, True, False), Actor(omar.organiser_id, now)
        )
        draft = updates.write(session, campaign, {"en": "To come", "fr": "À venir"}, Actor(omar.organiser_id, now))
        export = exports.ask(session, campaign, ExportKind.AUDIT_LOG, Actor(omar.organiser_id, now))
        asked = approvals.ask(
            session, campaign.id, ApprovalKind.CLOSE, {"signatures": 2}, Actor(omar.organiser_id, now)
        )
        organisers.invite(session, campaign.id, Role.EDITOR, Actor(omar.organiser_id, now))
        invitation = session.scalars(select(Invitation.id).where(Invitation.campaign_id == campaign.id)).one()
        session.add(
            Passkey(id=b"k" * 16, organiser_id=omar.organiser_id, name="Key", public_key=b"", sign_count=0,
                    since=now.date(), used=None)
        )  # fmt: skip
        recovery.renew(session, omar.organiser_id, now)
    make_export(export.id, app.extensions[NAME].config.home, now)
    made.addresses = {
        "draft": draft.hex(), "removal": removal.id.hex(), "token": export.id.hex(), "index": str(second), "kind": "count",
        "value": "777", "lang": "en",
    }  # fmt: skip
    made.ids = {
        "request": asked.id.hex(), "invitation": invitation.hex(), "member": suzie.organiser_id.hex(),
        "owner": omar.organiser_id.hex(), "passkey": (b"k" * 16).hex(),
    }  # fmt: skip
    return made


def everything(slug: str, *people: bytes) -> dict[str, list[str]]:
    """All rows about a campaign and these organisers, but for when somebody was seen."""
    found: dict[str, list[str]] = {}
    with db.session() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        for table in Base.metadata.sorted_tables:
            about = [table.c.campaign_id == campaign.id] if "campaign_id" in table.c else []
            about += [table.c.organiser_id.in_(people)] if "organiser_id" in table.c else []
            about += [table.c.id == campaign.id] if table.name == "campaign" else []
            about += [table.c.id.in_(people)] if table.name == "organiser" else []
            if about and table.name != "visit":
                found[table.name] = sorted(map(repr, session.execute(select(table).where(or_(*about)))))
    return found


def at(rule: str, slug: str, addresses: dict[str, str]) -> str | None:
    """A path with somebody's numbers in it; None for one that has none."""
    named = re.findall(r"<(?:\w+:)?(\w+)>", rule.replace("<slug>", slug))
    if not {*named} & {"draft", "removal", "token", "index", "value"} or not {*named} <= {*addresses}:
        return None
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda it: addresses[it[1]], rule.replace("<slug>", slug))


@pytest.fixture
def people(app: Flask, slug: str) -> tuple[Omar, Omar, Omar]:
    """Omar and Suzie, who own a campaign, and Mallory, who owns another one."""
    with db.transaction() as session:
        other = make.campaign(session).slug
    return signed_in(app, slug), signed_in(app, slug, Role.MODERATOR, "Suzie"), signed_in(app, other, name="Mallory")


def test_no_number_of_another_campaign_means_anything_at_ones_own_address(
    app: Flask, people: tuple[Omar, Omar, Omar]
) -> None:
    """P35."""
    omar, suzie, mallory = people
    made, token = planted(app, omar, suzie), mallory.token()
    before = everything(omar.slug, omar.organiser_id, suzie.organiser_id)
    tried = 0
    for method, rule, _endpoint, access in routes(app):
        mine, theirs = (at(rule, each.slug, made.addresses) for each in (mallory, omar))
        if access is None or not isinstance(access.what, Act) or mine is None or theirs is None:
            continue
        tried += 1
        typed = {
            "token": token, "text-en": "Mallory", "text-fr": "Mallory", "why": "fraud", "what": "name",
            "address": "mallory@mail.example", "lang": "en", "open_names": "",
        }  # fmt: skip
        answer = mallory.client.open(mine, method=method, data=typed if method == "POST" else None)
        assert answer.status_code == 404, (method, rule, answer.status)
        assert "Alice" not in answer.text, rule
        assert everything(omar.slug, omar.organiser_id, suzie.organiser_id) == before, rule
        if method == "GET":
            assert omar.client.get(theirs).status_code == 200, (rule, "is there for Omar")
    assert tried >= 17


def test_no_id_of_another_campaign_means_anything_in_a_form(app: Flask, people: tuple[Omar, Omar, Omar]) -> None:
    """P35."""
    omar, suzie, mallory = people
    made, token = planted(app, omar, suzie), mallory.token()
    before = everything(omar.slug, omar.organiser_id, suzie.organiser_id)
    for method, rule, endpoint, access in routes(app):
        if method != "POST" or access is None or endpoint in GOODBYES or "<" in rule.replace("<slug>", ""):
            continue
        for what, each in made.ids.items():
            typed = {"token": token, "id": each, "role": "owner"}
            assert mallory.client.post(rule.replace("<slug>", mallory.slug), data=typed).status_code < 500, (rule, what)
        assert everything(omar.slug, omar.organiser_id, suzie.organiser_id) == before, rule
    with db.session() as session:
        assert session.get(Passkey, bytes.fromhex(made.ids["passkey"]))
        assert (
            len(session.scalars(select(RecoveryCode).where(RecoveryCode.organiser_id == omar.organiser_id)).all()) == 10
        )
    for path, what in (
        ("~/keys/approve", "request"), ("~/keys/refuse", "request"), ("~/team/cancel", "invitation"),
        ("~/team/role", "member"), ("~/team/remove", "member"), ("~/team/remove", "owner"),
    ):  # fmt: skip
        assert mallory.does(path, id=made.ids[what], role="owner").status_code == 404, path


def test_a_file_of_another_campaign_stays_where_it_is(app: Flask, people: tuple[Omar, Omar, Omar]) -> None:
    omar, suzie, mallory = people
    made = planted(app, omar, suzie)
    with db.session() as session:
        export = session.get_one(Export, bytes.fromhex(made.addresses["token"]))
        assert export.state is ExportState.DONE
    assert files.path(app.extensions[NAME].config.home, export.id).exists()
    for strange in (
        made.addresses["token"] + "00",
        "..%2F..%2Fetc%2Fpasswd",
        "%00",
        "é",
        "0x" + made.addresses["token"],
    ):
        assert omar.sees(f"~/exports/{strange}").status_code == 404
    for spelled in (made.addresses["token"].upper(), "%20" + made.addresses["token"]):
        assert mallory.sees(f"~/exports/{spelled}").status_code == 404


def test_a_form_with_a_wrong_token_changes_nothing_anywhere(app: Flask, people: tuple[Omar, Omar, Omar]) -> None:
    omar, suzie, mallory = people
    made = planted(app, omar, suzie)
    before = everything(omar.slug, omar.organiser_id)
    tried, good = 0, omar.token()
    wrong = ("", mallory.token(), good[:-1], good.upper() + " ")
    for method, rule, _endpoint, access in routes(app):
        if method != "POST" or access is None or access.what == "anybody":
            continue
        path = at(rule, omar.slug, made.addresses) or re.sub(r"<\w*:?number>", "1", rule.replace("<slug>", omar.slug))
        path = path.replace("<lang>", "en").replace("<step>", "legal").replace("<domain>", "corp.example")
        assert "<" not in path, path
        typed = {
            "id": made.ids["request"], "role": "owner", "what": "signing", "text-en": "x", "text-fr": "x", "lang": "fr",
            "why": "fraud", "q": "alice", "kind": "journal", "slug": "another", "title": "x", "state-1": "met",
            "day-1": "2026-01-01",
        }  # fmt: skip
        for token in wrong:
            answer = omar.client.post(path, data=typed | {"token": token})
            assert answer.status_code == 403, (rule, answer.status)
        tried += 1
    assert everything(omar.slug, omar.organiser_id) == before
    assert tried > 50


ELSEWHERE = [
    f"{before}{host}{after}"
    for before in ("https://", "//", "/\\", "\\\\", "///", "/\t/", "/organise\\@", "http:", "https:/", "javascript:alert(1)//", " //", "/%5C")
    for host in ("mallory.example", "localhost@mallory.example", "mallory.example:80")
    for after in ("", "/organise")
]  # fmt: skip


def test_whatever_page_is_asked_for_after_a_form_it_is_one_of_the_dashboards(
    app: Flask, people: tuple[Omar, Omar, Omar]
) -> None:
    omar, _suzie, _mallory = people
    with db.transaction() as session:
        codes = recovery.renew(session, omar.organiser_id, clock.now())
    token = omar.token()
    assert len(ELSEWHERE) > 60
    for asked in ELSEWHERE:
        answer = omar.client.post("/organise/account/language", data={"token": token, "lang": "en", "next": asked})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/organise"), asked
    for number, asked in enumerate(ELSEWHERE[:8]):
        typed = {"token": omar.token(), "name": "Omar", "code": codes[number], "next": asked}
        answer = omar.client.post("/organise/" + ("sign-in" if number % 2 else "confirm"), data=typed)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/organise"), asked


def test_no_page_of_the_dashboard_is_kept_sniffed_or_framed_whatever_it_answers(
    app: Flask, people: tuple[Omar, Omar, Omar]
) -> None:
    omar, suzie, mallory = people
    made = planted(app, omar, suzie)
    tried = 0
    for method, rule, _endpoint, _access in routes(app):
        path = at(rule, omar.slug, made.addresses) or re.sub(r"<[^>]+>", "nothing", rule.replace("<slug>", omar.slug))
        for someone in (omar, suzie, mallory) if method == "GET" else ():
            answer = someone.client.get(path)
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            framed = "'self'" if path.endswith("/mail.html") else "'none'"
            assert f"frame-ancestors {framed}" in answer.headers["Content-Security-Policy"], path
            tried += 1
    assert tried > 90
