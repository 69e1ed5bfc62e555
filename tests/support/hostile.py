"""Generated input for every route."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import strategies as st
from werkzeug.routing import Rule

from petition import epochs, organisers
from petition.campaigns import draft, find_any
from petition.core import clock, db
from petition.ledger.entries import Visibility
from petition.organisers import Role
from petition.organisers.actor import Actor
from petition.signatures import DisplayChoice
from petition.usecases import updates
from tests import make
from tests.support.omar import Omar, signed_in

TEXT = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", "\x00", "\ud800", "A" * 43, "A" * 22, "P2." + "A" * 427, "12345678", "%", "'\"<>", "../..", "{}", "[" * 99]),
    st.integers().map(str),
)  # fmt: skip


def paths(rule: Rule, there: str, **known: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Addresses that a rule leads to, or nearly."""
    from urllib.parse import quote

    def built(values: dict[str, str]) -> str:
        path = rule.rule
        for name, value in values.items():
            path = re.sub(rf"<(?:\w+:)?{name}>", lambda _, typed=value: quote(typed, "", errors="replace"), path)  # type: ignore[misc]
        return path

    kinds = {name: st.one_of(st.just(there), TEXT) if name == "slug" else TEXT for name in rule.arguments}
    return st.fixed_dictionaries(kinds | dict.fromkeys(numbers(rule), WHOLE) | known).map(built)


def encodable(value: str) -> str:
    """Half surrogate pairs have no bytes; JSON alone can say them."""
    return value.encode(errors="replace").decode()


def campaigns_of_omar(app: Flask, slug: str) -> tuple[Omar, str, str]:
    """Omar, the name of his draft, and the id of an update that he writes."""
    omar, now = signed_in(app, slug), clock.now()
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie Example", role="Engineer"))
        epochs.close_epoch(session, campaign, now)
        writing = updates.write(session, campaign, {"en": "To come", "fr": "À venir"}, Actor(omar.organiser_id, now))
        begun = draft(session, make.a_draft())
        organisers.join(session, begun.id, omar.organiser_id, Role.OWNER, now)
        return omar, begun.slug, writing.hex()


def comes_in(app: Flask, omar: Omar) -> FlaskClient:
    """A browser of his, as long as nobody signs him out."""
    with db.transaction() as session:
        link = organisers.let_in(session, omar.organiser_id, clock.now())
    client = app.test_client()
    client.post(f"/organise/enter/{link}")
    return client


HOSTILE = [
    "<script>document.title = 'mallory'</script>",
    "<img src=x onerror=\"document.title = 'mallory'\">",
    "![](x \"onerror=document.title='mallory'\")",
    "[press](javascript:document.title='mallory')",
    "[press](JaVaScRiPt&colon;document.title='mallory')",
    "[press](data:text/html,<script>parent.document.title='mallory'</script>)",
    "[press](vbscript:mallory)",
    "[press](https://example.org/\"onmouseover=\"document.title='mallory')",
    "<svg><script>document.title='mallory'</script></svg>",
    "<svg onload=document.title='mallory'>",
    "<iframe src=https://mallory.example></iframe>",
    "<style>@import url(https://mallory.example)</style>",
    "<a href=\"javascript:document.title='mallory'\" autofocus onfocus=document.title='mallory'>press</a>",
    "<details open ontoggle=document.title='mallory'>",
    "```html\n<script>document.title='mallory'</script>\n```",
    "[x]: javascript:document.title='mallory'\n\n[x]",
    "<https://example.org/<script>document.title='mallory'</script>>",
    "&lt;script&gt;document.title='mallory'&lt;/script&gt;",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src onerror=document.title='mallory'&gt;\">",
    "<base href=https://mallory.example><form action=https://mallory.example><input name=q>",
]


WHOLE = st.one_of(
    st.integers(0, 20).map(str), st.sampled_from(["2147483648", "9223372036854775808", "9" * 400, "9" * 5_000])
)


def numbers(rule: Rule) -> list[str]:
    """The parts of an address that are whole numbers."""
    return re.findall(r"<int:(\w+)>", rule.rule)
