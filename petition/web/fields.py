"""A form as somebody left it: what was typed, and what there is to mend.

Guards that no error costs anybody their text, and that an error says where it belongs. The macros of
templates/fields.html draw it. Refuses nothing: shapes are checked by `petition.web.forms`, rules by the domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FIRST_OF: Final = {"show": "show-anonymous", "rhythm": "rhythm-milestones"}
"""Where the link of a summary leads for a group of radio buttons, which has no element of its own."""


@dataclass(frozen=True, slots=True)
class Filled:
    """Typed texts and sentences by field name; sentences under the name "" belong to the form as a whole."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def typed(self, name: str) -> str:
        """What was typed into a field, or nothing."""
        return self.values.get(name, "")

    def anchor(self, name: str) -> str:
        """The id of the element to go to for a field."""
        return FIRST_OF.get(name, name)


EMPTY: Final = Filled()
