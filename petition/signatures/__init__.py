"""Signatures: redeeming a pass, withdrawing, hiding and changing, visibility, and what waits for the next epoch.

This package is the letter's side of the protocol: it knows signatures and never who was verified. It rejects passes of
other campaigns, passes that were spent before, and fields that a signer's choice does not need, so that nothing is
stored without a reason. It stores no time of arrival.
"""

from petition.signatures.amendment import AmendReceipt, SignatureEnded, amend
from petition.signatures.append_batch import (
    Acts,
    acted_while_waiting,
    append_batch,
    count_redeemed,
    take_acts,
    waiting,
)
from petition.signatures.redeem import (
    DisplayChoice,
    DisplayFault,
    DisplayRefused,
    PassForeign,
    PassSpent,
    Receipt,
    redeem,
    refuse_faults,
)
from petition.signatures.revealed import SignatureUnknown, ValueUsed
from petition.signatures.status import SignatureStatus, status, status_by_hash, status_of
from petition.signatures.tables import SignatureState
from petition.signatures.visibility import (
    NAMES_A_PAGE,
    NamedPage,
    NamedSigner,
    bodies,
    count_cells,
    enough,
    every_name,
    named,
    names_digest,
    role_counts,
    team_counts,
    update_visibility,
)
from petition.signatures.withdrawal import (
    Concealed,
    SignerUnknown,
    conceal,
    forget_bodies,
    hide,
    withdraw,
)

__all__ = [
    "NAMES_A_PAGE",
    "Acts",
    "AmendReceipt",
    "Concealed",
    "DisplayChoice",
    "DisplayFault",
    "DisplayRefused",
    "NamedPage",
    "NamedSigner",
    "PassForeign",
    "PassSpent",
    "Receipt",
    "SignatureEnded",
    "SignatureState",
    "SignatureStatus",
    "SignatureUnknown",
    "SignerUnknown",
    "ValueUsed",
    "acted_while_waiting",
    "amend",
    "append_batch",
    "bodies",
    "conceal",
    "count_cells",
    "count_redeemed",
    "enough",
    "every_name",
    "forget_bodies",
    "hide",
    "named",
    "names_digest",
    "redeem",
    "refuse_faults",
    "role_counts",
    "status",
    "status_by_hash",
    "status_of",
    "take_acts",
    "team_counts",
    "update_visibility",
    "waiting",
    "withdraw",
]
