"""Somebody polls every address of the site while one person acts: no byte differs before the slot of the next batch."""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from petition import epochs, organisers
from petition.campaigns import find
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db
from petition.core.encoding import b64u
from petition.core.ids import CampaignId
from petition.ledger.entries import Visibility
from petition.ledger.merkle import leaf_hash
from petition.mailing.subscribers import Audience, Frequency, Subscriber, SubscriberState
from petition.organisers import Role
from petition.organisers.actor import Actor
from petition.publication import bundle_file
from petition.signatures import DisplayChoice
from petition.signatures.tables import ActKind, Signature, WaitingAct
from petition.usecases import closing_date, exports, milestone_settings, updates
from petition.usecases.milestone_settings import Consequences
from petition.usecases.tables import ExportKind
from petition.web.app import build
from petition.web.services import services
from tests import make
from tests.support.figures import Write
from tests.support.omar import Omar, signed_in
from tests.support.services import MONITOR
from tests.support.suzie import Suzie, text
from tests.support.watcher import Acts, Places, Seen, Watcher, differences, moved, routes, workers_do_their_rounds
from workers import celery_app
from workers.loops.exports import make_export

RANDOM = "drawn anew for each answer, without a look at anything"
OPERATORS = "a page of the development inbox, which production does not have"
PUBLIC_LEFT_OUT = {
    "api.challenge": RANDOM,
    "inbox.inbox": OPERATORS,
    "inbox.mail": OPERATORS,
}
ENOUGH = 12
NINE = 9
SLOT = 3600


def grown(suzie: Suzie, **changes: object) -> Acts:
    """A letter whose ledger holds twelve names, twelve roles and some anonymous signatures, some with their receipts.

    Nine signatures wait and nine people subscribe, so that the next one is the tenth.
    """
    kept = {"roles": {"Engineer": {}, "Designer": {}}, "teams": {"Platform": {}}, "public_min": 25, "batch_min": 10}
    with db.transaction() as session:
        made = make.campaign(session, interval=SLOT, **(kept | changes))
        wishes = [DisplayChoice(Visibility.NAME, f"Alice{n} Example", "Designer") for n in range(ENOUGH)]
        for wish in [*wishes, *[DisplayChoice(Visibility.ROLE, role="Engineer")] * ENOUGH, make.ANONYMOUS]:
            make.signature(session, made, wish)
        suzie.slug = made.slug
    acts = Acts(suzie, [])
    acts.logged += [acts.signs(), acts.signs(), acts.signs()]
    with db.transaction() as session:
        epochs.close_epoch(session, find(session, suzie.slug), clock.now())
    with db.transaction() as session:
        for _ in range(NINE):
            make.signature(session, find(session, suzie.slug))
        session.add_all(subscribed(made.id) for _ in range(NINE))
    with db.session() as session:
        bundle_file.write_bundle(session, find(session, suzie.slug), services().config.home)
    return acts


def subscribed(campaign_id: CampaignId) -> Subscriber:
    """Somebody who gets a weekly digest."""
    return Subscriber(
        id=secrets.token_bytes(16), campaign_id=campaign_id, audience=Audience.SUBSCRIBER, tag=secrets.token_bytes(8),
        sealed=b"", lang="en", domain_tag=b"", frequency=Frequency.DAILY, state=SubscriberState.ACTIVE, since=make.NOW.date(), asked=0,
    )  # fmt: skip


@pytest.fixture
def watch() -> Iterator[time_machine.Coordinates]:
    """A clock that stands still at noon, so that no answer differs because it was made later."""
    with time_machine.travel(make.NOW, tick=False) as stands:
        yield stands


@pytest.fixture
def acts(suzie: Suzie, watch: time_machine.Coordinates) -> Acts:
    """One person, and a letter of others, on an installation with workers."""
    del watch
    celery_app.set_up(services().config)
    found = grown(suzie)
    workers_do_their_rounds(services().config.home)
    return found


def a_stranger(app: Flask, slug: str) -> Watcher:
    """Somebody who polls every public address."""
    places = Places({"slug": slug, "lang": "en", "version": "x", "filename": "style.css", "token": "x" * 40, "leaf": "A" * 43}, {
        "signers.signers": ("page=2", "q=Alice"), "api.signers": ("page=2", "q=Alice"),
        "checkpoints.checkpoints": ("before=1",), "api.consistency": ("old=1&new=2",),
    }, PUBLIC_LEFT_OUT)  # fmt: skip
    receipts = [f"/api/campaigns/{slug}/receipt/{leaf}" for leaf in leaves(slug)]
    return Watcher(app.test_client(), [*places.of(routes(app, dashboard=False)), *receipts], without_seeds)


def leaves(slug: str) -> list[str]:
    """The leaf hash of every signature in the ledger, as anybody computes them from the bundle."""
    with db.session() as session:
        mine = Signature.campaign_id == find(session, slug).id
        return [b64u(leaf) for leaf in session.scalars(select(Signature.leaf).where(mine).order_by(Signature.index))]


def without_seeds(page: bytes) -> bytes:
    """A page without what is random in its forms."""
    return re.sub(rb'(name="seed" value=)"[^"]*"', rb"\1", page)


def test_no_public_byte_differs_before_the_slot_whatever_one_person_does(acts: Acts) -> None:
    """P42: over the URL map, headers included."""
    stranger = a_stranger(build(services().config), acts.suzie.slug)
    before = stranger.polls()
    assert moved(before, stranger.polls()) == []
    assert len(before) > 50
    for act in acts.every().values():
        act()
    workers_do_their_rounds(services().config.home)
    assert moved(before, stranger.polls()) == []
    with db.session() as session:
        kinds = Counter(session.scalars(select(WaitingAct.kind)))
    assert kinds == {ActKind.WITHDRAW: 2, ActKind.AMEND: 1}, "what the person did was really done"


def test_the_slot_itself_is_seen_by_everybody(acts: Acts, watch: time_machine.Coordinates) -> None:
    """P42: the tenth signature moves nothing before the slot, and the watcher notices when it comes."""
    stranger = a_stranger(build(services().config), acts.suzie.slug)
    before = stranger.polls()
    acts.signs()
    workers_do_their_rounds(services().config.home)
    assert moved(before, stranger.polls()) == []
    watch.shift(timedelta(seconds=SLOT))
    workers_do_their_rounds(services().config.home)
    letter = f"/c/{acts.suzie.slug}"
    seen = moved(before, stranger.polls())
    assert {letter, f"{letter}/count", f"{letter}/bundle.zip", f"/api/campaigns/{acts.suzie.slug}/count"} <= {*seen}


def test_a_hidden_name_leaves_the_pages_at_once_and_moves_neither_the_count_nor_the_ledger(acts: Acts) -> None:
    """P42: the one exception (protocol, section 4). Who was shown by name is anonymous from then on."""
    named = acts.signs(show="name", name="Shown Example")
    with db.transaction() as session:
        epochs.close_epoch(session, find(session, acts.suzie.slug), clock.now())
    workers_do_their_rounds(services().config.home)
    stranger = a_stranger(build(services().config), acts.suzie.slug)
    before = stranger.polls()
    acts.takes_back("hide", named)
    workers_do_their_rounds(services().config.home)
    after = stranger.polls()
    letter, api = f"/c/{acts.suzie.slug}", f"/api/campaigns/{acts.suzie.slug}"
    shows_names = {letter, f"{letter}/signers", f"{letter}/count", f"{letter}/bundle.zip", f"{api}/signers"}
    assert {address.partition("?")[0] for address in moved(before, after)} == shows_names
    assert b"Shown Example" in before[f"{letter}/signers"][2]
    assert not any(b"Shown Example" in body for _, _, body in after.values())
    figures = re.compile(rb"Signatures counted</th><td>(\d+)<")
    assert figures.findall(before[f"{letter}/count"][2]) == figures.findall(after[f"{letter}/count"][2]) != []


def test_below_the_least_number_nothing_of_the_ledger_is_told_and_a_batch_moves_nothing(acts: Acts) -> None:
    """P42: neither count nor batch, day or index, in any byte or header; not by a receipt either."""
    few = grown(acts.suzie, public_min=1000)
    stranger = a_stranger(build(services().config), acts.suzie.slug)
    before = stranger.polls()
    count = json.loads(before[f"/api/campaigns/{acts.suzie.slug}/count"][2])
    assert count == {"count": None, "epoch": 0, "day": None, "next": None}
    receipt = few.signs()
    with db.transaction() as session:
        epochs.close_epoch(session, find(session, acts.suzie.slug), clock.now())
    workers_do_their_rounds(services().config.home)
    assert moved(before, stranger.polls()) == []
    leaf = b64u(leaf_hash(json.loads(receipt)["entry"].encode()))
    told = stranger.client.get(f"/api/campaigns/{acts.suzie.slug}/receipt/{leaf}").json
    assert told == {"state": "logged"}
    assert "It is in the ledger." in text(acts.suzie.post("receipt", receipt=receipt))


TIMED = re.compile(rb"(<dt>(?:Database|Base de [^<]+)</dt>).*?</dd>")
"""How long the database took for this answer."""
DASHBOARD_LEFT_OUT = {
    "organise_drafts.open_page": "a page of drafts: there is nothing to see before the opening",
    "organise_joining.invitation": "a link that works once",
    "organise_sign_in.enter_page": "a link that works once",
}


def planted(slug: str, omar: Omar) -> Places:
    """The dashboard's addresses of a campaign in which organisers have done something of everything."""
    now, actor = clock.now(), Actor(omar.organiser_id, clock.now())
    with db.transaction() as session:
        campaign = find(session, slug)
        index = session.scalars(select(Signature.index).where(Signature.public, Signature.name != "")).first()
        draft = updates.write(session, campaign, {"en": "To come", "fr": "À venir"}, actor)
        mailed = updates.write(session, campaign, {"en": "By mail", "fr": "Par courriel"}, actor)
        updates.ask_to_mail(session, campaign, mailed, None, actor)
        export = exports.ask(session, campaign, ExportKind.AUDIT_LOG, actor)
        milestone_settings.add(session, campaign, MilestoneKind.COUNT, 777, Consequences(True, True, False), actor)
        closing_date.ask_to_close(session, campaign, actor)
        organisers.invite(session, campaign.id, Role.EDITOR, actor)
    make_export(export.id, services().config.home, now)
    values = {
        "slug": slug, "lang": "en", "draft": draft.hex(), "token": export.id.hex(), "index": str(index),
        "kind": "count", "value": "777", "step": "legal",
    }  # fmt: skip
    return Places(values, {
        "organise_updates.show": (f"x={mailed.hex()}",), "organise_chart.page": ("range=7", "range=all"),
        "organise_signers.signers": ("q=Alice",), "organise_removals.preview": ("shown=name", "role=Engineer"),
    }, DASHBOARD_LEFT_OUT)  # fmt: skip


def organisers_of(suzie: Suzie, roles: Sequence[Role]) -> list[Watcher]:
    """One watcher for each of these roles, who polls every page of the dashboard."""
    app = build(services().config)
    addresses = planted(suzie.slug, signed_in(app, suzie.slug)).of(routes(app, dashboard=True))
    clients = [signed_in(app, suzie.slug, role, role.value).client for role in roles]
    return [Watcher(each, addresses, lambda page: TIMED.sub(rb"\1", page)) for each in clients]


REFUSED_LOOKS = re.compile(rb'undersigned_security_events{kind="access_refused"} .*')
"""The watchers' own looks at pages that their roles do not have."""


def a_monitor(app: Flask) -> Watcher:
    """Somebody who reads the figures of the whole site with the token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = MONITOR["Authorization"]
    return Watcher(client, ["/metrics"], lambda told: REFUSED_LOOKS.sub(b"", told))


def seen_by(watchers: Sequence[Watcher], before: Sequence[Seen]) -> list[list[str]]:
    """What changed for each watcher."""
    return [differences(each, watcher.polls()) for each, watcher in zip(before, watchers, strict=True)]


def test_no_figure_of_an_organiser_or_a_monitor_differs_before_the_day_is_over(acts: Acts) -> None:
    """P43, P42: every page of the dashboard, as an observer, an editor and an owner see it, and the metrics."""
    roles = (Role.OBSERVER, Role.EDITOR, Role.OWNER)
    watchers = [*organisers_of(acts.suzie, roles), a_monitor(build(services().config))]
    before = [each.polls() for each in watchers]
    assert all(len(each) > 50 for each in before[:-1])
    for act in acts.every().values():
        act()
    workers_do_their_rounds(services().config.home)
    assert seen_by(watchers, before) == [[]] * len(watchers)


@pytest.mark.proof
def test_no_figure_differs_after_any_single_act_for_any_role(acts: Acts, figure: Write) -> None:
    """P42, P43: the long form, with a look at every address of the site after each act."""
    app = build(services().config)
    watchers = [a_stranger(app, acts.suzie.slug), a_monitor(app), *organisers_of(acts.suzie, tuple(Role))]
    before = [each.polls() for each in watchers]
    looks = 0
    for name, act in acts.every().items():
        act()
        workers_do_their_rounds(services().config.home)
        assert seen_by(watchers, before) == [[]] * len(watchers), name
        looks += sum(len(each.addresses) for each in watchers)
    figure("P42: addresses polled after an act that differed", f"0 of {looks}", "0")
