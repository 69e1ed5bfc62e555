"""The address book: addresses encrypted with HPKE (RFC 9180) to a key that only the mail worker can use.

This protects against a stolen disk: a row holds an encrypted address, of the same length for all addresses, and a keyed
hash. The web process only encrypts and never imports `opened`; an import contract enforces this.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing.subscribers.tables import Contact, Subscriber
from petition.privacy import keyring

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
INFO: Final = b"petition/contact/v1\0"
ADDRESS_BYTES: Final = 256


class AddressUnreadable(ValueError):
    """The encrypted address was altered, or belongs to another campaign's key."""


def start(session: Session, campaign_id: CampaignId) -> Contact:
    """Returns the campaign's key pair, which is created if it has none."""
    found = session.get(Contact, campaign_id)
    if found is not None:
        return found
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    made = Contact(campaign_id=campaign_id, public_key=public, sealed_key=keyring.seal(private.private_bytes_raw()))
    session.add(made)
    session.flush()
    return made


def sealed(session: Session, campaign_id: CampaignId, address: str) -> bytes:
    """Encrypt an address for its campaign."""
    public = X25519PublicKey.from_public_bytes(start(session, campaign_id).public_key)
    return SUITE.encrypt(address.encode().ljust(ADDRESS_BYTES, b"\0"), public, INFO + campaign_id)


def opened(session: Session, subscriber: Subscriber) -> str:
    """Decrypt the address of a subscriber, at the moment of sending. Raises AddressUnreadable."""
    return unsealed(session.get_one(Contact, subscriber.campaign_id), subscriber)


def unsealed(contact: Contact, subscriber: Subscriber) -> str:
    """Decrypt with a campaign's key that was already read. Raises AddressUnreadable."""
    try:
        padded = SUITE.decrypt(subscriber.sealed, _private(contact.sealed_key), INFO + subscriber.campaign_id)
    except (InvalidTag, ValueError):
        raise AddressUnreadable from None
    return padded.rstrip(b"\0").decode()


def subscribers_by_id(session: Session, ids: Collection[bytes]) -> dict[bytes, Subscriber]:
    """Returns the subscribers that still exist, by id."""
    return {each.id: each for each in session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)))}


def contacts(session: Session, campaigns: Collection[bytes]) -> dict[bytes, Contact]:
    """Returns the keys of campaigns, by campaign."""
    return {
        each.campaign_id: each for each in session.scalars(select(Contact).where(Contact.campaign_id.in_(campaigns)))
    }


def destroy(session: Session, campaign_id: CampaignId) -> None:
    """Delete a campaign's subscribers and the key that decrypts their addresses."""
    session.execute(delete(Subscriber).where(Subscriber.campaign_id == campaign_id))
    session.execute(delete(Contact).where(Contact.campaign_id == campaign_id))
    _private.cache_clear()


@lru_cache(maxsize=64)
def _private(sealed_key: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(keyring.unsealed(sealed_key))
