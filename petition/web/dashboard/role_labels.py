"""Labels of the roles in a team, and what each role may do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from petition.core.i18n import marked as _
from petition.organisers import Role

ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {Role.OWNER: _("Owner"), Role.EDITOR: _("Editor"), Role.MODERATOR: _("Moderator"), Role.OBSERVER: _("Observer")}
)
"""The label of each role."""
DUTIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Role.OWNER: _("Everything: letter, signers, team, settings, exports"),
        Role.EDITOR: _("Letter, updates and milestones"),
        Role.MODERATOR: _("Signers and evidence"),
        Role.OBSERVER: _("Figures only"),
    }
)
"""What each role may do."""
