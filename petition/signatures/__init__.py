"""Signatures: redeeming a pass, changing one's mind, what may be seen, and what waits for the next epoch.

Guards the letter's side of the protocol: it knows signatures and never who was verified. It refuses what is not a
pass of this campaign, a pass spent before, and fields that a signer's choice does not need, so that nothing is kept
that nobody asked for. It keeps no moment of arrival.
"""

from petition.signatures.append_batch import Regrets, roll, take_regrets, waiting, withdrawn_while_waiting
from petition.signatures.redeem import (
    PassForeign,
    PassSpent,
    Receipt,
    Wish,
    WishFault,
    WishRefused,
    redeem,
)
from petition.signatures.status import Standing, standing, standing_of
from petition.signatures.tables import SignatureState
from petition.signatures.visibility import (
    NAMES_A_PAGE,
    NamedPage,
    NamedSigner,
    bodies,
    count_cells,
    count_hidden,
    enough,
    every_name,
    named,
    role_counts,
    team_counts,
    unveil,
)
from petition.signatures.withdrawal import (
    Concealed,
    SignatureUnknown,
    SignerUnknown,
    conceal,
    forget_bodies,
    hide,
    withdraw,
)

__all__ = [
    "NAMES_A_PAGE",
    "Concealed",
    "NamedPage",
    "NamedSigner",
    "PassForeign",
    "PassSpent",
    "Receipt",
    "Regrets",
    "SignatureState",
    "SignatureUnknown",
    "SignerUnknown",
    "Standing",
    "Wish",
    "WishFault",
    "WishRefused",
    "bodies",
    "conceal",
    "count_cells",
    "count_hidden",
    "enough",
    "every_name",
    "forget_bodies",
    "hide",
    "named",
    "redeem",
    "role_counts",
    "roll",
    "standing",
    "standing_of",
    "take_regrets",
    "team_counts",
    "unveil",
    "waiting",
    "withdraw",
    "withdrawn_while_waiting",
]
