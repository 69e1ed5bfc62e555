"""The table of figures: every number that somebody can see, who sees it, when it changes and how coarse it is.

An employer who has the mail log needs one number that moves a moment after a code mail. Therefore every number that
leaves the program is declared here, and says when it changes. A test finds the numbers in the code (templates,
sentences, calls, mails, metrics, logs, exported files) and fails if one is missing here, or if `docs/figures.md` is not
what `document` writes.
"""

from __future__ import annotations

from typing import Final

from petition.privacy.figures.figure import Changes, Figure, Seen, document
from petition.privacy.figures.inside import INSIDE
from petition.privacy.figures.outside import OUTSIDE

__all__ = ["FIGURES", "Changes", "Figure", "Seen", "document"]

FIGURES: Final[tuple[Figure, ...]] = (*OUTSIDE, *INSIDE)
