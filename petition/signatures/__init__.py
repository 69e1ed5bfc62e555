"""Signatures: redeeming a pass, withdrawing and hiding, visibility, and what waits for the next epoch.

This package is the letter's side of the protocol: it knows signatures and never who was verified. It rejects passes of
other campaigns, passes that were spent before, and fields that a signer's choice does not need, so that nothing is
stored without a reason. It stores no time of arrival.
"""

from petition.signatures.append_batch import (
    Withdrawals,
    append_batch,
    count_redeemed,
    take_withdrawals,
    waiting,
    withdrawn_while_waiting,
)
from petition.signatures.redeem import (
    DisplayChoice,
    DisplayFault,
    DisplayRefused,
    PassForeign,
    PassSpent,
    Receipt,
    redeem,
)
from petition.signatures.status import SignatureStatus, status, status_of
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
    update_visibility,
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
    "DisplayChoice",
    "DisplayFault",
    "DisplayRefused",
    "NamedPage",
    "NamedSigner",
    "PassForeign",
    "PassSpent",
    "Receipt",
    "SignatureState",
    "SignatureStatus",
    "SignatureUnknown",
    "SignerUnknown",
    "Withdrawals",
    "append_batch",
    "bodies",
    "conceal",
    "count_cells",
    "count_hidden",
    "count_redeemed",
    "enough",
    "every_name",
    "forget_bodies",
    "hide",
    "named",
    "redeem",
    "role_counts",
    "status",
    "status_of",
    "take_withdrawals",
    "team_counts",
    "update_visibility",
    "waiting",
    "withdraw",
    "withdrawn_while_waiting",
]
