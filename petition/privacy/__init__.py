"""Handling of addresses and secrets: canonical addresses, keyed tags and encryption.

This package keeps the promise that an address exists in clear for one request only. It rejects every address that is
not plainly one person's mailbox at a listed domain. It never stores, logs or returns an address where a tag is enough.
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
    readings,
)
from petition.privacy.tags import (
    code_of_day,
    guesses_key,
    host_mails_key,
    identity_tag,
    long_code_of_day,
    mail_cap_key,
    subscriber_tag,
    suppression_tag,
)
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
    "guesses_key",
    "host_mails_key",
    "identity_tag",
    "long_code_of_day",
    "mail_cap_key",
    "personal_address",
    "readings",
    "seal_address",
    "subscriber_tag",
    "suppression_tag",
    "unseal_address",
]
