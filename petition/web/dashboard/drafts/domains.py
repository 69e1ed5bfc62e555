"""Whose addresses count: domains and how their mail servers read names, with a field to try one.

Guards that an address typed into that field is neither kept nor logged: it is read, answered and forgotten.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session
from wtforms import Field, ValidationError

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.privacy import AddressRefused, canonical_address, canonical_domain
from petition.privacy.addresses import SENTENCES
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.changing import changing, typed
from petition.web.dashboard.drafts.shapes import refuse, word
from petition.web.fields import EMPTY, Filled
from petition.web.forms import LONGEST_ADDRESS, FormRefused, Shape
from petition.web.language import gettext

MOST_DOMAINS: Final = 100
POLICY: Final = ("plus", "dots", "subdomains")


class DomainForm(Shape):
    """One domain and its policy."""

    domain = word()
    plus = word()
    dots = word()
    subdomains = word()

    def validate_domain(self, field: Field) -> None:
        """Refuse what is not a domain; keep its plain spelling."""
        try:
            field.data = canonical_domain(field.data.removeprefix("@"))
        except AddressRefused:
            raise ValidationError(gettext(_("Write a domain, like company.example."))) from None

    def policy(self) -> dict[str, bool]:
        """How its addresses are read."""
        return {name: bool(self[name].data) for name in POLICY}


@needs(Act.MANAGE)
def domains(slug: str) -> Response:
    """The domains, room for one more, and the field to try."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        return _page(session, campaign)


@needs(Act.MANAGE)
def save_domain(slug: str) -> Response:
    """Add a domain, or set the policy of one that is listed, and go on; raises LetterFrozen."""
    try:
        with changing("domains") as (_session, campaign):
            onward = pages.onward(campaign)
            if onward is None or request.form.get("domain", "").strip():
                _save(campaign)
    except FormRefused as refused:
        with db.session() as session:
            page = _page(session, access.campaign(session), rendering.to_mend(refused, typed()))
            return rendering.render_again(refused, page)
    return access.go(onward or url_for("organise_drafts.domains", slug=slug))


@needs(Act.MANAGE)
def remove_domain(slug: str, domain: str) -> Response:
    """Take a domain off the list; raises LetterFrozen."""
    with changing("domains") as (_session, campaign):
        rest = {name: policy for name, policy in campaign.domains.items() if name != domain}
        campaigns.change(campaign, {"domains": rest})
    return access.go(url_for("organise_drafts.domains", slug=slug))


@needs(Act.MANAGE)
def try_address(slug: str) -> Response:
    """Say in words whether an address would pass, and why not; nothing of it is kept."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        passes, words = verdict(campaign, request.form.get("address", "")[:LONGEST_ADDRESS])
        return _page(
            session, campaign, Filled({"address": request.form.get("address", "")}), verdict=words, passes=passes
        )


def _save(campaign: Campaign) -> None:
    form = DomainForm.read(request.form)
    name = str(form.domain.data)
    if name not in campaign.domains and len(campaign.domains) >= MOST_DOMAINS:
        refuse("domain", gettext(_("Write %(n)s domains at most."), n=MOST_DOMAINS))
    campaigns.change(campaign, {"domains": {**campaign.domains, name: form.policy()}})


def verdict(campaign: Campaign, address: str) -> tuple[bool, str]:
    """Whether an address would pass, and why or why not."""
    try:
        read = canonical_address(address, campaign.policies())
    except AddressRefused as refused:
        return False, gettext(SENTENCES[refused.reason])
    if read.canonical == address.strip().lower():
        return True, gettext(_("It counts as one person, and the code goes there."))
    return True, gettext(
        _("It is read as %(canonical)s: whoever has that one has this one, too. The code goes to %(deliverable)s."),
        canonical=read.canonical,
        deliverable=read.deliverable,
    )


def _page(
    session: Session, campaign: Campaign, form: Filled = EMPTY, *, verdict: str = "", passes: bool = False
) -> Response:
    shown = form if form.values else Filled({"plus": "yes"})
    policies = sorted(campaign.domains.items())
    return pages.render(
        "domains", session, campaign, "domains", shown, policies=policies, verdict=verdict, passes=passes
    )
