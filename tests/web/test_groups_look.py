"""Groups on the signers' page in a real browser: accessible and narrow, with bars and without, in both languages."""

from __future__ import annotations

from itertools import product

from flask import Flask
from playwright.sync_api import Browser

from petition import epochs
from petition.core import db
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from tests import make
from tests.support.looks import DESK, SMALL, Looks
from tests.support.served import served

TEAM_OF = {"Engineer": "Platform", "Designer": "Studio", "Customer success and support": "Field"}


def with_groups(**many: int) -> str:
    """A letter with so many of each role, ten who show nothing, and two names."""
    roles, teams = {each: {} for each in TEAM_OF}, {each: {} for each in TEAM_OF.values()}
    with db.transaction() as session:
        campaign = make.campaign(session, roles=roles, teams=teams)
        wishes = [make.ANONYMOUS] * 10 + [
            DisplayChoice(Visibility.NAME, name, "Engineer") for name in ("Alice Example", "Bob Example")
        ]
        for role, team in TEAM_OF.items():
            wishes += [DisplayChoice(Visibility.ROLE, role=role, team=team)] * many.get(team, 0)
        for wish in wishes:
            make.signature(session, campaign, wish)
        epochs.close_epoch(session, campaign, make.NOW)
        return campaign.slug


def test_groups_and_their_absence_have_no_accessibility_fault_and_fit(app: Flask, browser: Browser) -> None:
    there = {4: with_groups(Platform=37, Field=14, Studio=3), 0: with_groups()}
    page = browser.new_context(viewport=SMALL).new_page()
    look = Looks(page)
    with served(lambda _: lambda env, start: app({**env, "HTTP_HOST": "localhost"}, start)) as url:
        for size, (groups, slug), path, lang in product(
            (SMALL, DESK), there.items(), ("signers", "count"), ("en", "fr")
        ):
            page.set_viewport_size(size)
            page.goto(f"{url}/c/{slug}/{path}?lang={lang}")
            look.at(f"{path} with {groups} groups at {size['width']}", lang)
            bars = page.locator("main table svg rect.done")
            assert bars.count() == (groups if path == "signers" else 0)
        page.context.close()
    assert look.faults == {}
