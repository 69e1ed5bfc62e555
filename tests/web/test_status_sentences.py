"""What a page says about the state of things is so: each switch in both states, a closed letter, a stopped one."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from petition import epochs
from petition.campaigns import find
from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.mailing.queue import pause
from petition.web.dashboard import settings
from tests import make
from tests.support.omar import Omar, signed_in
from tests.support.suzie import text

SWITCHES = {
    "signing": ("Signatures are accepted.", "No signature is accepted and no code is mailed."),
    "codes": ("Codes are mailed.", "No code is mailed."),
    "method:work_email": (
        "Codes are mailed, and passes are issued for them.",
        "No code is mailed and no pass is issued",
    ),
    "mail": ("Mail that is due is sent.", "No digest, update or milestone is mailed. Mail that is due waits."),
}
FRENCH = {
    "signing": ("Les signatures sont acceptées.", "Aucune signature n’est acceptée"),
    "codes": ("Les codes sont envoyés.", "Aucun code n’est envoyé."),
    "method:work_email": ("Les codes sont envoyés", "Aucun code n’est envoyé"),
    "mail": ("Les courriels dus sont envoyés.", "Aucun résumé"),
}


@pytest.fixture
def omar(app: Flask) -> Omar:
    with db.transaction() as session:
        made = make.campaign(session, goals=((MilestoneKind.COUNT, 100),), batch_min=1)
        for _ in range(3):
            make.signature(session, made)
        epochs.close_epoch(session, made, make.NOW)
        slug, other = made.slug, make.campaign(session)  # of one letter alone there is no list
        epochs.close_campaign(session, other, make.NOW)
    return signed_in(app, slug)


def switch(omar: Omar, what: str) -> tuple[str, str]:
    """What the settings say of a switch: as it is now, and what its button would do."""
    rows = re.findall(r'<li class="switch">(.*?)</li>', omar.sees("~/settings").text, re.DOTALL)
    (row,) = [each for each in rows if f'value="{what}"' in each]
    now = re.search(r'<p class="now">(.*?)</p>', row, re.DOTALL)
    then = re.search(r'<p class="hint">(.*?)</p>', row, re.DOTALL)
    assert now
    assert then
    plain = [" ".join(unescape(re.sub("<[^>]+>", "", each[1])).split()) for each in (now, then)]
    return plain[0], plain[1]


@pytest.mark.parametrize("what", list(SWITCHES))
def test_each_switch_says_what_is_and_what_its_button_does(omar: Omar, what: str) -> None:
    on, off = SWITCHES[what]
    now, then = switch(omar, what)
    assert "· Running." in now
    assert on in now
    assert off not in now
    assert then.startswith("If you pause it:")
    assert off in then
    omar.does("~/settings/stop", what=what)
    now, then = switch(omar, what)
    assert "· Paused." in now
    assert off in now
    assert on not in now
    assert then.startswith("If you resume it:")
    assert on in then
    assert off not in then


@pytest.mark.parametrize("what", list(FRENCH))
def test_it_says_so_in_french(omar: Omar, what: str) -> None:
    on, off = FRENCH[what]
    omar.does("/organise/account/language", lang="fr")
    now, then = switch(omar, what)
    assert "· En marche." in now
    assert on in now
    assert off in then
    omar.does("~/settings/stop", what=what)
    now, then = switch(omar, what)
    assert off in now
    assert on in then


@pytest.mark.parametrize(
    ("stopped", "what", "said"),
    [
        ("signing", "codes", "no code is mailed while signing is paused"),
        ("signing", "method:work_email", "no code is mailed while signing is paused"),
        ("codes", "method:work_email", "no code is mailed while codes are paused"),
        ("method:work_email", "codes", "no code is mailed while every method of proof is paused"),
    ],
)
def test_a_switch_that_another_one_overrules_does_not_say_that_it_runs(
    omar: Omar, stopped: str, what: str, said: str
) -> None:
    omar.does("~/settings/stop", what=stopped)
    assert said in switch(omar, what)[0]
    omar.does("~/settings/stop", what=what)
    assert said in switch(omar, what)[1]


def test_what_goes_on_during_a_stop_is_said_only_while_it_does(omar: Omar) -> None:
    assert "Codes that have arrived stay valid. People who hold a pass can sign." in switch(omar, "codes")[1]
    assert "Codes are still mailed." in switch(omar, "mail")[1]
    omar.does("~/settings/stop", what="signing")
    for what in ("codes", "method:work_email"):
        assert "Nobody can sign while signing is paused." in switch(omar, what)[1]
        omar.does("~/settings/stop", what=what)
        assert "People who hold a pass can sign." not in switch(omar, what)[0]
    assert "Codes that have arrived" not in switch(omar, "codes")[0]
    assert "still mailed" not in switch(omar, "mail")[1]


def test_mail_that_the_operator_stopped_does_not_run(omar: Omar) -> None:
    with db.transaction() as session:
        pause(session, "all", make.NOW)
    assert "the operator of this site has paused all mail" in switch(omar, "mail")[0]


def test_every_switch_has_both_sentences(app: Flask) -> None:
    assert set(settings.SWITCH_LABELS) == set(SWITCHES)


def closed(omar: Omar) -> None:
    with db.transaction() as session:
        epochs.close_campaign(session, find(session, omar.slug), make.NOW)


def test_the_settings_of_a_closed_letter_do_not_say_that_signatures_are_taken(omar: Omar) -> None:
    closed(omar)
    page = omar.sees("~/settings").text
    assert "Signatures are accepted." not in page
    assert re.findall(r'name="what" value="([^"]+)"', page) == ["mail"]


def counted(omar: Omar, lang: str) -> str:
    """The count on the letter's page, asked for once: each process remembers a page for a second."""
    page = omar.client.get(f"/c/{omar.slug}?lang={lang}").text
    return page.split('<section class="count"')[1].split("</section>")[0]


PROMISES = [("en", "reach the next milestone"), ("fr", "prochain palier")]


@pytest.mark.parametrize(("lang", "promise"), PROMISES)
def test_an_open_letter_tells_its_next_milestone(omar: Omar, lang: str, promise: str) -> None:
    assert promise in counted(omar, lang)


@pytest.mark.parametrize(("lang", "promise"), PROMISES)
def test_a_closed_letter_promises_no_milestone(omar: Omar, lang: str, promise: str) -> None:
    closed(omar)
    shown = counted(omar, lang)
    assert promise not in shown
    assert "<svg" not in shown
    assert "has been reached" not in shown
    assert (omar.client.get(f"/api/campaigns/{omar.slug}/count").json or {})["next"] is None


STATES = [("en", "Open for signatures", "Signing is paused"), ("fr", "Ouverte à la signature", "Signature suspendue")]


def stated(omar: Omar, lang: str) -> list[str]:
    """The pages that say whether a letter is open: its own, the home page, the organisers' list."""
    omar.does("/organise/account/language", lang=lang)
    pages = (f"/c/{omar.slug}?lang={lang}", f"/?lang={lang}", "/organise")
    return [unescape(omar.client.get(page).text) for page in pages]


@pytest.mark.parametrize(("lang", "opened", "paused"), STATES)
def test_a_letter_that_runs_says_that_it_is_open(omar: Omar, lang: str, opened: str, paused: str) -> None:
    assert [(opened in page, paused in page) for page in stated(omar, lang)] == [(True, False)] * 3
    assert "Read and sign the letter" in omar.client.get(f"/c/{omar.slug}/embed").text


@pytest.mark.parametrize(("lang", "opened", "paused"), STATES)
def test_a_stopped_letter_does_not_say_that_it_is_open(omar: Omar, lang: str, opened: str, paused: str) -> None:
    omar.does("~/settings/stop", what="signing")
    assert [(opened in page, paused in page) for page in stated(omar, lang)] == [(False, True)] * 3
    assert "Read and sign the letter" not in omar.client.get(f"/c/{omar.slug}/embed").text


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("", "People who hold one can still sign."),
        ("stop", "People who hold one can sign when signing is resumed."),
        ("close", "The letter is closed, so they can no longer be used."),
    ],
)
def test_the_overview_says_truly_what_becomes_of_passes(omar: Omar, act: str, said: str) -> None:
    if act == "stop":
        omar.does("~/settings/stop", what="signing")
    if act == "close":
        closed(omar)
    page = text(omar.sees("~"))
    sentences = ("can still sign", "when signing is resumed", "can no longer be used")
    assert said in page
    assert sum(each in page for each in sentences) == 1
