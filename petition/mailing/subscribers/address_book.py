"""The address book: addresses sealed with HPKE (RFC 9180), to a key whose private half only the mail worker opens.

Guards against a stolen disk: a row holds a sealed address of one length, whatever the address, and a keyed hash.
The web may seal and never imports `opened`; an import contract holds it to that.
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
    """The sealed address was altered, or sealed to another campaign's key."""


def start(session: Session, campaign_id: CampaignId) -> Contact:
    """The campaign's key pair, made when it has none."""
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
    """Seal an address for its campaign."""
    public = X25519PublicKey.from_public_bytes(start(session, campaign_id).public_key)
    return SUITE.encrypt(address.encode().ljust(ADDRESS_BYTES, b"\0"), public, INFO + campaign_id)


def opened(session: Session, subscriber: Subscriber) -> str:
    """The address of a subscriber, for the moment of sending; raises AddressUnreadable."""
    return unsealed(session.get_one(Contact, subscriber.campaign_id), subscriber)


def unsealed(contact: Contact, subscriber: Subscriber) -> str:
    """The same with the campaign's key at hand; raises AddressUnreadable."""
    try:
        padded = SUITE.decrypt(subscriber.sealed, _private(contact.sealed_key), INFO + subscriber.campaign_id)
    except (InvalidTag, ValueError):
        raise AddressUnreadable from None
    return padded.rstrip(b"\0").decode()


def readers(session: Session, ids: Collection[bytes]) -> dict[bytes, Subscriber]:
    """Whoever is still on a list, by number."""
    return {each.id: each for each in session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)))}


def contacts(session: Session, campaigns: Collection[bytes]) -> dict[bytes, Contact]:
    """The keys of campaigns, by campaign."""
    return {
        each.campaign_id: each for each in session.scalars(select(Contact).where(Contact.campaign_id.in_(campaigns)))
    }


def destroy(session: Session, campaign_id: CampaignId) -> None:
    """Forget a campaign's list and the key that opened it."""
    session.execute(delete(Subscriber).where(Subscriber.campaign_id == campaign_id))
    session.execute(delete(Contact).where(Contact.campaign_id == campaign_id))
    _private.cache_clear()


@lru_cache(maxsize=64)
def _private(sealed_key: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(keyring.unsealed(sealed_key))
