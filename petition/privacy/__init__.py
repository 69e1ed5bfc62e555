"""What the house does with addresses and secrets: one spelling, one keyed tag, one sealed box.

Guards the promise that an address exists in clear for one request only. It refuses every address that is not
plainly one person's mailbox at a listed domain, and it never stores, logs or returns an address where a tag
would do.
"""

from __future__ import annotations

from petition.privacy.addresses import (
    AddressFault,
    AddressRefused,
    DomainPolicy,
    Mailbox,
    WorkAddress,
    canonical_address,
    canonical_domain,
    personal_address,
)
from petition.privacy.tags import code_of_day, identity_tag, mail_cap_key, subscriber_tag, suppression_tag
from petition.privacy.vault import Recipient, SealBroken, Vault, seal_address, unseal_address

__all__ = [
    "AddressFault",
    "AddressRefused",
    "DomainPolicy",
    "Mailbox",
    "Recipient",
    "SealBroken",
    "Vault",
    "WorkAddress",
    "canonical_address",
    "canonical_domain",
    "code_of_day",
    "identity_tag",
    "mail_cap_key",
    "personal_address",
    "seal_address",
    "subscriber_tag",
    "suppression_tag",
    "unseal_address",
]
