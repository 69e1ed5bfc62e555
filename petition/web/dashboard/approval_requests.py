"""This module describes what a request for approval will do, from its `about`, and its button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from petition.core import i18n
from petition.core.i18n import marked as _
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.web.labels import REMOVAL_REASONS, TEAM_ROLES
from petition.web.language import gettext, ngettext, spoken

About = Mapping[str, Any]

TITLES: Final[Mapping[ApprovalKind, str]] = MappingProxyType(
    {
        ApprovalKind.REMOVE: _("Remove signatures"),
        ApprovalKind.MAIL: _("Send mail to subscribers"),
        ApprovalKind.CLOSE: _("Close the campaign"),
        ApprovalKind.DOMAINS: _("Change the domains"),
        ApprovalKind.EXPORT_NAMES: _("Export names"),
        ApprovalKind.REMOVE_OWNER: _("Remove an owner"),
    }
)
"""The name of each act, for headings, the audit log and buttons."""


def describe_request(request: ApprovalRequest) -> tuple[str, str]:
    """Return what a request will do, and the label of its button, in this request's language."""
    return SENTENCES[request.act](request.about)


def _remove(about: About) -> tuple[str, str]:
    n, reason = int(about["n"]), REMOVAL_REASONS[about["why"]]
    sentence = ngettext(
        "%(count)s signature is taken out of the count, %(why)s; the ledger says so. Signatures that came since are not touched.",
        "%(count)s signatures are taken out of the count, %(why)s; the ledger says so. Signatures that came since are not touched.",
        n, count=_number(n), why=gettext(reason),
    )  # fmt: skip
    return sentence, ngettext("Remove %(count)s signature", "Remove %(count)s signatures", n, count=_number(n))


def _mail(about: About) -> tuple[str, str]:
    n = int(about["readers"])
    shown = _number(n)
    sentence = ngettext(
        "An update is published and mailed to %(n)s subscriber.",
        "An update is published and mailed to %(n)s subscribers.",
        n,
        n=shown,
    )
    read = gettext(_("Read its words under Updates before you approve."))
    return " ".join([sentence, _when(about["due"]), read]), ngettext(
        "Mail %(n)s subscriber", "Mail %(n)s subscribers", n, n=shown
    )


def _when(due: str) -> str:
    if not due:
        return gettext(_("It is sent as soon as it is approved."))
    moment = datetime.fromisoformat(due)
    day = i18n.date_long(moment.date(), spoken())
    return gettext(_("It is sent on %(day)s at %(time)s (UTC)."), day=day, time=f"{moment:%H:%M}")


def _close(about: About) -> tuple[str, str]:
    counted, waiting = int(about.get("signatures", 0)), int(about.get("waiting", 0))
    sentence = ngettext(
        "The campaign accepts no more signatures: it ends with %(count)s signature.",
        "The campaign accepts no more signatures: it ends with %(count)s signatures.",
        counted,
        count=_number(counted),
    )
    many, few = (
        _("10 signatures or more wait for the last batch."),
        _("Fewer than 10 signatures wait for the last batch."),
    )
    more = gettext(many if waiting else few)
    never = gettext(_("It cannot be opened again, and the keys that made passes are destroyed."))
    return f"{sentence} {more} {never}", gettext(_("Close the campaign"))


def _domains(about: About) -> tuple[str, str]:
    policies = sorted(about["domains"].items())
    hosts = [f"@{host}" for name, policy in policies for host in (name, *policy.get("hosts", ()))]
    shared = [f"{local}@{name}" for name, policy in policies for local in policy.get("shared", ())]
    figures = {name: _number(int(about[name])) for name in ("added", "removed", "changed")}
    sentence = gettext(
        _(
            "After that, these work addresses may sign: %(names)s. %(added)s added, %(removed)s removed, "
            "%(changed)s changed."
        ),
        names=", ".join(hosts),
        **figures,
    )
    if shared:
        refused = gettext(_("Refused as shared mailboxes: %(names)s."), names=", ".join(shared))
        sentence = f"{sentence} {refused}"
    return sentence, gettext(_("Change the domains"))


def _export_names(about: About) -> tuple[str, str]:
    n = int(about["names"])
    sentence = ngettext(
        "A file with the name of %(count)s public signer is made. It is deleted after a day.",
        "A file with the names of %(count)s public signers is made. It is deleted after a day.",
        n,
        count=_number(n),
    )
    return sentence, ngettext("Export %(count)s name", "Export %(count)s names", n, count=_number(n))


def _remove_owner(about: About) -> tuple[str, str]:
    name, to = about["name"], about.get("to")
    if to:
        values = {"name": name, "role": gettext(TEAM_ROLES[to])}
        sentence = gettext(_("%(name)s is no longer an owner of this campaign. New role: %(role)s."), **values)
        return sentence, gettext(_("Change the role of 1 owner"))
    sentence = gettext(
        _("%(name)s, an owner, leaves the team and no longer has any right in this campaign."), name=name
    )
    return sentence, gettext(_("Remove 1 owner"))


def _number(n: int) -> str:
    return i18n.number(n, spoken())


SENTENCES: Final[Mapping[ApprovalKind, Callable[[About], tuple[str, str]]]] = MappingProxyType(
    {
        ApprovalKind.REMOVE: _remove,
        ApprovalKind.MAIL: _mail,
        ApprovalKind.CLOSE: _close,
        ApprovalKind.DOMAINS: _domains,
        ApprovalKind.EXPORT_NAMES: _export_names,
        ApprovalKind.REMOVE_OWNER: _remove_owner,
    }
)
"""What each act will do, and the label of its button. A test checks that every act has a line."""
