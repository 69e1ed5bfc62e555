"""The work addresses step: domains, how their mail servers read names, and a field to test an address.

The address in the test field is neither stored nor logged.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from wtforms import Field, ValidationError

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.organisers import Act
from petition.privacy import AddressRefused, canonical_address, canonical_domain
from petition.privacy.addresses import SENTENCES
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.forms import UNWATCHED
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import BooleanField, StringField
from petition.web.forms.public import LONGEST_ADDRESS
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

MOST_DOMAINS: Final = 100
POLICY: Final = ("plus", "dots", "subdomains")


class DomainForm(BaseForm):
    """One domain and its policy."""

    domain = StringField(
        _("Domain"),
        description=_("For instance: company.example"),
        render_kw={"autocomplete": "off", **UNWATCHED},
    )
    plus = BooleanField(
        _("Names may have a tag: alice+letters is alice"),
        description=_("Leave this on, unless you know that the mail server does not support tags."),
        default=True,
    )
    dots = BooleanField(
        _("Dots mean nothing: a.lice is alice"),
        description=_(
            "Few mail servers do that. Send yourself a mail with one dot more: if it arrives, turn this on, or one person may count several times."
        ),
    )
    subdomains = BooleanField(
        _("Subdomains count too"),
        description=_("Someone at eu.company.example is then the same as at company.example."),
    )

    def validate_domain(self, field: Field) -> None:
        """Reject anything that is not a domain, and store its canonical spelling."""
        try:
            field.data = canonical_domain(field.data.removeprefix("@"))
        except AddressRefused:
            raise ValidationError(_("Enter a domain, such as company.example.")) from None

    def policy(self) -> dict[str, bool]:
        """Return how addresses of the domain are read."""
        return {name: self[name].data for name in POLICY}


class AddressForm(BaseForm):
    """An address to test. The form accepts anything, because the answer explains what is wrong with the address."""

    address = StringField(
        _("An address"),
        description=_("The site checks it and deletes it: nothing is sent, kept or logged."),
        render_kw={"autocomplete": "off", **UNWATCHED},
    )


def _page(form: DomainForm | None = None, tried: AddressForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        address = tried.typed("address") if tried else ""
        passes, words = verdict(campaign, address[:LONGEST_ADDRESS]) if tried else (False, "")
        return pages.render(
            "domains", session, campaign, "domains", form or DomainForm(),
            tried=tried or AddressForm(),
            policies=sorted(campaign.domains.items()),
            verdict=words,
            passes=passes,
        )  # fmt: skip


@needs(Act.MANAGE)
def domains(slug: str) -> Response:
    """Show the domains, fields for a new one, and the field to test an address."""
    del slug
    return _page()


@needs(Act.MANAGE)
@redraw(_page, form=DomainForm)
def save_domain(slug: str) -> Response:
    """Add a domain or change the policy of a listed one, and continue. Raises LetterFrozen."""
    with pages.change_draft("domains") as (_session, campaign):
        address = pages.next_address(campaign)
        if address is None or request.form.get("domain", "").strip():
            _save(campaign)
    return access.go(address or url_for("organise_drafts.domains", slug=slug))


@needs(Act.MANAGE)
def remove_domain(slug: str, domain: str) -> Response:
    """Remove a domain from the list. Raises LetterFrozen."""
    with pages.change_draft("domains") as (_session, campaign):
        rest = {name: policy for name, policy in campaign.domains.items() if name != domain}
        campaigns.change(campaign, {"domains": rest})
    return access.go(url_for("organise_drafts.domains", slug=slug))


@needs(Act.MANAGE)
def try_address(slug: str) -> Response:
    """Explain whether an address would be accepted, and why. Nothing of it is stored."""
    del slug
    return _page(tried=AddressForm(request.form))


def _save(campaign: Campaign) -> None:
    form = DomainForm.read(request.form)
    name = form.domain.data
    if name not in campaign.domains and len(campaign.domains) >= MOST_DOMAINS:
        raise FormRefused({"domain": [_("Enter %(n)s domains at most.", n=MOST_DOMAINS)]})
    campaigns.change(campaign, {"domains": {**campaign.domains, name: form.policy()}})


def verdict(campaign: Campaign, address: str) -> tuple[bool, str]:
    """Return whether an address would be accepted, and the reason as a sentence."""
    try:
        read = canonical_address(address, campaign.policies())
    except AddressRefused as refused:
        return False, _(SENTENCES[refused.reason])
    if read.canonical == address.strip().lower():
        return True, _("It counts as one person, and the code goes there.")
    return True, _(
        "It is read as %(canonical)s: the owner of that address is the same person. The code goes to %(deliverable)s.",
        canonical=read.canonical,
        deliverable=read.deliverable,
    )
