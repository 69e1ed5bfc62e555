"""The names of acts that need a second organiser, for pages and for mails."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from petition.core.i18n import marked as _
from petition.organisers.approvals import ApprovalKind

APPROVAL_TITLES: Final[Mapping[ApprovalKind, str]] = MappingProxyType(
    {
        ApprovalKind.OPEN: _("Open the letter"),
        ApprovalKind.REMOVE: _("Remove signatures"),
        ApprovalKind.HIDE: _("Hide a name or a comment"),
        ApprovalKind.MAIL: _("Send mail to subscribers"),
        ApprovalKind.CLOSE: _("Close the campaign"),
        ApprovalKind.TRANSLATION: _("Add a translation"),
        ApprovalKind.DOMAINS: _("Change the domains"),
        ApprovalKind.EXPORT_NAMES: _("Export names"),
        ApprovalKind.NAMES_SOONER: _("Open names sooner"),
        ApprovalKind.LEGAL_TEXTS: _("Change the legal texts"),
        ApprovalKind.REMOVE_OWNER: _("Remove an owner"),
    }
)
"""The name of each act, for headings, the audit log, buttons and mails."""
