"""Calls that anybody may read: campaigns, counts, signers, and the status of a signature."""

from __future__ import annotations

import time
from datetime import date
from typing import Any, Final

from flask import Response, g, request
from werkzeug.exceptions import BadRequest

from petition import signatures
from petition.core import db
from petition.core.encoding import MalformedEncoding, unb64u
from petition.core.ids import CampaignId
from petition.ledger.entries import GROUP
from petition.publication import MilestoneView, Snapshot
from petition.signatures import NamedPage, NamedSigner, group_figures
from petition.signatures.redeem import TICKET_LENGTH
from petition.web import page_cache, proof_of_work, signing
from petition.web.api.answers import status_json
from petition.web.forms.fields import DIGITS
from petition.web.forms.filters import one_line
from petition.web.forms.public import LONGEST_NAME
from petition.web.json_http import JSON, json_response, json_text
from petition.web.page import CALLS_CACHED
from petition.web.services import services

HASH_BYTES: Final = 32
TICKET: Final = "Petition-Ticket"
"""The header with the ticket of a receipt."""


def campaigns() -> Response:
    """Returns the list of public campaigns."""
    return page_cache.cached_listing(str(g.lang), "api/campaigns", _listed, kind=JSON, caching=CALLS_CACHED)


def campaign(slug: str) -> Response:
    """Returns one campaign."""
    return _cached(slug, "api/campaign", lambda snapshot: json_text(_campaign(snapshot, str(g.lang))))


def count(slug: str) -> Response:
    """Returns the count and the next milestone."""
    return _cached(slug, "api/count", lambda snapshot: json_text(_count(snapshot)), lang="")


def challenge(slug: str) -> dict[str, Any]:  # noqa: ARG001 (puzzles are the same for all campaigns)
    """Returns a fresh challenge. The server does not store it."""
    return proof_of_work.challenge(services().config.secret_key, time.time())


def receipt(slug: str, leaf: str) -> dict[str, Any]:
    """Returns the status of a signature: waiting, in the ledger with its proof, withdrawn or removed.

    Without the ticket of the receipt it is what the ledger shows.
    """
    ticket = request.headers.get(TICKET, "")
    try:
        known = unb64u(ticket, TICKET_LENGTH) if ticket else b""
        return status_json(signing.status(slug, unb64u(leaf, HASH_BYTES), known))
    except MalformedEncoding:
        raise BadRequest from None


def signers(slug: str) -> Response:
    """Returns named signers, roles in groups of at least ten, and the number of the others.

    Search terms are not stored.
    """
    page, q = _page_number(), search_term()
    if q:
        snapshot = page_cache.snapshot(slug)
        return json_response(_signers(snapshot, named_page(snapshot, page, q)))
    return _cached(
        slug, f"api/signers/{page}", lambda snapshot: json_text(_signers(snapshot, named_page(snapshot, page))), lang=""
    )


def breakdown(slug: str) -> Response:
    """Returns rounded figures by role and by team. It has no group under ten and no total."""
    return _cached(slug, "api/breakdown", lambda snapshot: json_text(_breakdown(snapshot)), lang="")


def search_term() -> str:
    """Returns the search term: one line of at most 80 visible characters."""
    text = _raw_search_term()
    return "".join(c for c in text if c.isprintable())


def named_page(snapshot: Snapshot, page: int, q: str = "") -> NamedPage:
    """Returns a page of named signers, in two queries. It is empty until the count is public."""
    if snapshot.count is None:
        return NamedPage((), 1, 0)
    with db.session() as session:
        return signatures.named(session, CampaignId(bytes.fromhex(snapshot.id)), page=page, q=q)


def _cached(slug: str, name: str, render: Any, *, lang: str | None = None) -> Response:
    lang = str(g.lang) if lang is None else lang
    return page_cache.cached_page(slug, lang, name, render, kind=JSON, caching=CALLS_CACHED)


def _raw_search_term() -> str:
    """Returns the search term in composed form.

    It is cut first; a character with too many combining marks is rejected.
    """
    try:
        return one_line(request.args.get("q", "")[:LONGEST_NAME])
    except ValueError:
        raise BadRequest from None


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not DIGITS.fullmatch(text) or int(text) < 1:
        raise BadRequest
    return int(text)


def _listed(listing: page_cache.Listing) -> str:
    lang = str(g.lang)
    return json_text([
        {"slug": each.slug, "title": _in_language(each.title, lang, each.languages), "state": each.state, "count": each.count}
        for each in listing
    ])  # fmt: skip


def _campaign(snapshot: Snapshot, lang: str) -> dict[str, Any]:
    letters = {code: {"sha256": each.sha256, "markdown": each.markdown} for code, each in snapshot.letters.items()}
    demands = [
        {"id": each.id, "text": _in_language(each.text, lang, snapshot.languages), "state": each.state}
        for each in snapshot.demands
    ]
    milestones = [
        {"kind": each.kind, "value": each.value, "reached": _day(each.reached)} for each in snapshot.milestones
    ]
    return {
        "id": snapshot.id,
        "slug": snapshot.slug,
        "origin": snapshot.origin,
        "state": snapshot.state,
        "title": snapshot.title(lang),
        "addressee": snapshot.addressee,
        "organisation": snapshot.organisation,
        "languages": snapshot.languages,
        "letter": letters,
        "demands": demands,
        "groups": [_group(snapshot)],
        "k": snapshot.batch.min,
        "ledger_key": snapshot.ledger_key,
        "roles": [each.value for each in snapshot.roles],
        "teams": [each.value for each in snapshot.teams],
        "opened": _day(snapshot.opened),
        "closes": _day(snapshot.closes),
        "workforce": snapshot.workforce,
        "milestones": milestones,
        "count": snapshot.count,
        "epoch": snapshot.epoch,
        "interval": snapshot.batch.interval,
        "since": snapshot.batch.since,
    }


def _group(snapshot: Snapshot) -> dict[str, Any]:
    """Returns the group of people who may sign. There is one."""
    return {
        "id": GROUP,
        "name": dict.fromkeys(snapshot.languages, snapshot.organisation),
        "issuer": snapshot.issuer,
        "methods": snapshot.methods,
        "domains": snapshot.domains,
        "count": snapshot.count,
    }


def _count(snapshot: Snapshot) -> dict[str, Any]:
    milestone = snapshot.next_milestone()
    return {"count": snapshot.count, "epoch": snapshot.epoch, "day": _day(snapshot.day), "next": _milestone(milestone)}


def _milestone(milestone: MilestoneView | None) -> dict[str, Any] | None:
    return {"kind": milestone.kind, "value": milestone.value} if milestone else None


def _signers(snapshot: Snapshot, named: NamedPage) -> dict[str, Any]:
    roles = [{"role": each.value, "n": each.n} for each in snapshot.by_role().cells]
    return {"named": [_signer(each) for each in named.names], "roles": roles, "anonymous": snapshot.unshown()}


def _breakdown(snapshot: Snapshot) -> dict[str, Any]:
    margins = [
        {"kind": by.kind, "cells": [{"value": each.value, "n": each.n} for each in by.cells], "other": by.other}
        for by in (snapshot.by_role(), snapshot.by_team())
    ]
    return {
        "by": margins,
        "rounded_to": group_figures.STEP,
        "least": group_figures.LEAST,
        "epoch": snapshot.table.epoch,
    }


def _signer(signer: NamedSigner) -> dict[str, str]:
    return {"name": signer.name, "role": signer.role, "team": signer.team, "comment": signer.comment}


def _in_language(texts: dict[str, str], lang: str, languages: tuple[str, ...]) -> str:
    return texts.get(lang) or texts[languages[0]]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
