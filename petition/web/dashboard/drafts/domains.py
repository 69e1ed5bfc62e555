"""The work addresses step: domains, how their mail servers read names, and a field to test an address.

The address in the test field is neither stored nor logged.
"""

from __future__ import annotations

import re
from typing import Any, Final, Self

from flask import Response, request, url_for
from wtforms import Field, ValidationError
from wtforms.validators import Length

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from petition.organisers import Act
from petition.privacy import AddressRefused, DomainPolicy, canonical_address, canonical_domain
from petition.privacy.addresses import SENTENCES
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.forms import UNWATCHED
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import AddressField, BooleanField, StringField, TextAreaField
from petition.web.forms.public import LONGEST_ADDRESS
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

MOST_DOMAINS: Final = 100
MOST_LISTED: Final = 50
"""The most hosts of a domain, and the most shared mailboxes."""
LONGEST_LIST: Final = 4_000
POLICY: Final = ("plus", "dots", "hosts", "shared")
SHARED: Final = re.compile(r"[a-z0-9][a-z0-9._'-]{0,63}|[a-z0-9][a-z0-9._'-]{1,62}\*")
"""A local part, or the beginning of some: at least two characters and an asterisk."""


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
    hosts = TextAreaField(
        _("Other hosts of this domain (optional)"),
        [Length(max=LONGEST_LIST)],
        description=_(
            "One a line, such as eu.company.example. Someone there is then the same person as at company.example. List "
            "only hosts whose mail your organisation receives: whoever controls a listed host can sign as anybody."
        ),
        render_kw={"rows": 3, "autocomplete": "off", **UNWATCHED},
    )
    shared = TextAreaField(
        _("Mailboxes that several people read (optional)"),
        [Length(max=LONGEST_LIST)],
        description=_(
            "One a line, what stands before the @, such as night-shift or shop-*. They get no code. Names such as info, "
            "all-staff or dl-paris are refused in any case."
        ),
        render_kw={"rows": 3, "autocomplete": "off", **UNWATCHED},
    )

    @classmethod
    def of_listed(cls, campaign: Campaign) -> Self:
        """Return the form for the listed domain that `?domain=` names, with its policy, or an empty form.

        Whoever changes one thing would otherwise have to type the lists again, or lose them.
        """
        name = request.args.get("domain", "")
        if name not in campaign.domains:
            return cls()
        read = DomainPolicy.read(name, campaign.domains[name])
        lists = {"hosts": "\n".join(read.hosts), "shared": "\n".join(read.shared)}
        return cls(data={"domain": name, "plus": read.plus, "dots": read.dots, **lists})

    def validate_domain(self, field: Field) -> None:
        """Reject anything that is not a domain, and store its canonical spelling."""
        try:
            field.data = canonical_domain(field.data.removeprefix("@"))
        except AddressRefused:
            raise ValidationError(_("Enter a domain, such as company.example.")) from None

    def validate_hosts(self, field: Field) -> None:
        """Reject anything that is not a host below the domain, and store the canonical spellings as a list."""
        if not field.errors:
            field.data = list(dict.fromkeys(self._host(each) for each in _listed(field.data)))

    def validate_shared(self, field: Field) -> None:
        """Reject anything that is not a local part or the beginning of some, and store a list."""
        if field.errors:
            return
        field.data = [each.lower().partition("@")[0] for each in _listed(field.data)]
        if not all(SHARED.fullmatch(each) for each in field.data):
            raise ValidationError(_("Enter one mailbox a line, without the @, such as night-shift or shop-*."))

    def _host(self, typed: str) -> str:
        try:
            host = canonical_domain(typed.removeprefix("@"))
        except AddressRefused:
            host = ""
        if not host.endswith(f".{self.domain.data}"):
            raise ValidationError(_("Enter one host a line, each below the domain, such as eu.company.example."))
        return host

    def policy(self) -> dict[str, Any]:
        """Return how addresses of the domain are read."""
        return {name: self[name].data for name in POLICY}


def _listed(text: str) -> list[str]:
    """Returns the lines of a text without repeats and empty ones. Raises ValidationError if there are too many."""
    lines = list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))
    if len(lines) > MOST_LISTED:
        raise ValidationError(_("Enter %(n)s lines at most.", n=MOST_LISTED))
    return lines


class AddressForm(BaseForm):
    """An address to test. The form accepts anything, because the answer explains what is wrong with the address."""

    address = AddressField(
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
            "domains", session, campaign, "domains", form or DomainForm.of_listed(campaign),
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
