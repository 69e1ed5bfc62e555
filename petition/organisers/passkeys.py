"""Passkeys: public keys that sign an organiser in (WebAuthn, W3C Recommendation level 2, sections 7.1 and 7.2).

A response counts once, within five minutes, for the purpose that it was requested for: the challenge is in Redis under
a hash that includes its purpose, and only the request that deletes it succeeds. The browser must have verified the
person (a finger, a face, a PIN). A signature counter that does not advance indicates a copy (section 6.1.1): the passkey
is refused, and its owner is told. The module says of no other invalid response why it is invalid, and it does not
remove an organiser's last way to sign in.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import webauthn
from cbor2 import CBORDecodeError
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from petition.core.errors import ExpectedError
from petition.core.ids import OrganiserId
from petition.core.redis_store import RedisStore
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.organisers.tables import Organiser, Passkey, RecoveryCode

CHALLENGE_SECONDS: Final = 300
CHALLENGE_BYTES: Final = 32
LONGEST_ANSWER: Final = 20_000
SIGN_IN: Final = b"sign-in"
CONFIRM: Final = b"confirm"
MAKE: Final = b"make"
TITLE: Final = "Undersigned"
# The parsers raise these errors for malformed responses. All of them become the same rejection.
BROKEN: Final = (WebAuthnException, CBORDecodeError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


class PasskeyRefused(ExpectedError):
    """The response is late, was used, is for another site, or has a wrong signature. All cases get the same error."""

    status = 403


class PasskeyCopied(PasskeyRefused):
    """The passkey signed, but its counter did not advance: it was copied, or its device was restored from a backup.

    Only somebody who has the private key learns this.
    """


class LastWayIn(ExpectedError):
    """Without this passkey, and without a recovery code, its owner could never sign in again."""

    status = 409


@dataclass(frozen=True, slots=True)
class Site:
    """The site for which passkeys are valid: its host name, and the origin that browsers must report."""

    host: str
    origin: str


def site_of(base_url: str) -> Site:
    """Returns the site of an installation's base URL."""
    return Site(urlsplit(base_url).hostname or "", base_url)


def challenge(redis_store: RedisStore, purpose: bytes) -> bytes:
    """Returns random bytes to be signed within five minutes, for one purpose. Raises RedisUnavailable."""
    made = secrets.token_bytes(CHALLENGE_BYTES)
    redis_store.remember(_key(purpose, made), CHALLENGE_SECONDS)
    return made


def to_ask(site: Site, challenged: bytes) -> str:
    """Returns the options with which a browser asks for any passkey of this site, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenged, timeout=CHALLENGE_SECONDS * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return webauthn.options_to_json(options)


def to_make(session: Session, site: Site, organiser_id: OrganiserId, challenged: bytes) -> str:
    """Returns the options with which a browser makes a passkey, on a device that has none yet, as JSON."""
    someone = session.get_one(Organiser, organiser_id)
    known = [PublicKeyCredentialDescriptor(id=each.id) for each in every(session, organiser_id)]
    options = webauthn.generate_registration_options(
        rp_id=site.host, rp_name=TITLE, user_id=someone.id, user_name=someone.name, user_display_name=someone.name,
        challenge=challenged, timeout=CHALLENGE_SECONDS * 1000, exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )  # fmt: skip
    return webauthn.options_to_json(options)


def add(
    session: Session, redis_store: RedisStore, site: Site, organiser_id: OrganiserId, purpose: bytes, name: str, answer: str,
    now: datetime,
) -> Passkey:  # fmt: skip
    """Store the public key that a browser made. Raises PasskeyRefused, RedisUnavailable."""
    challenged = _taken(redis_store, purpose, answer)
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenged, expected_rp_id=site.host, expected_origin=site.origin,
            require_user_verification=True,
        )  # fmt: skip
    except BROKEN:
        raise PasskeyRefused from None
    if session.get(Passkey, made.credential_id) is not None:
        raise PasskeyRefused
    passkey = Passkey(
        id=made.credential_id, organiser_id=organiser_id, name=name, public_key=made.credential_public_key,
        sign_count=made.sign_count, since=now.date(), used=None,
    )  # fmt: skip
    session.add(passkey)
    session.flush()
    audit_log.write(session, None, Actor(organiser_id, now), Action.PASSKEY_ADDED, {"name": name})
    return passkey


def recognise(
    session: Session, redis_store: RedisStore, site: Site, purpose: bytes, answer: str, now: datetime
) -> OrganiserId:
    """Returns the organiser whose passkey signed the challenge. Raises PasskeyRefused, PasskeyCopied, RedisUnavailable."""
    challenged = _taken(redis_store, purpose, answer)
    passkey = _named_in(session, answer)
    proven = _verified(site, passkey, answer, challenged)
    passkey.sign_count, passkey.used = proven.new_sign_count, now.date()
    return passkey.organiser_id


def every(session: Session, organiser_id: OrganiserId) -> Sequence[Passkey]:
    """Returns the passkeys of an organiser, oldest first."""
    query = select(Passkey).where(Passkey.organiser_id == organiser_id)
    return session.scalars(query.order_by(Passkey.since, Passkey.name, Passkey.id)).all()


def remove(session: Session, organiser_id: OrganiserId, passkey_id: bytes, now: datetime) -> None:
    """Delete a passkey if another way to sign in is left. A missing passkey is no error. Raises LastWayIn."""
    # The lock keeps two concurrent removals from deleting the last two ways to sign in.
    session.get_one(Organiser, organiser_id, with_for_update=True)
    mine = every(session, organiser_id)
    found = next((each for each in mine if each.id == passkey_id), None)
    if found is None:
        return
    codes = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.organiser_id == organiser_id)
    if len(mine) == 1 and not session.scalar(codes):
        raise LastWayIn
    session.delete(found)
    audit_log.write(session, None, Actor(organiser_id, now), Action.PASSKEY_REMOVED, {"name": found.name})


def _named_in(session: Session, answer: str) -> Passkey:
    """Returns the passkey that a response names, locked, if its organiser may sign in."""
    try:
        wanted = base64url_to_bytes(json.loads(answer)["rawId"])
        handle = json.loads(answer)["response"].get("userHandle")
        whose = base64url_to_bytes(handle) if handle else None
    except BROKEN:
        raise PasskeyRefused from None
    query = select(Passkey).join(Organiser, Organiser.id == Passkey.organiser_id)
    query = query.where(Passkey.id == wanted, Organiser.disabled.is_(False)).with_for_update(of=Passkey)
    found = session.scalar(query)
    if found is None or whose not in {None, found.organiser_id}:
        raise PasskeyRefused
    return found


def _verified(site: Site, passkey: Passkey, answer: str, challenged: bytes) -> VerifiedAuthentication:
    try:
        proven = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=challenged, expected_rp_id=site.host, expected_origin=site.origin,
            credential_public_key=passkey.public_key, credential_current_sign_count=0, require_user_verification=True,
        )  # fmt: skip
    except BROKEN:
        raise PasskeyRefused from None
    # The library compares counters before it checks the signature, so the comparison is here.
    if passkey.sign_count and proven.new_sign_count <= passkey.sign_count:
        raise PasskeyCopied
    return proven


def _taken(redis_store: RedisStore, purpose: bytes, answer: str) -> bytes:
    """Returns the challenge that a response claims to have signed, if it is waiting, and deletes it."""
    if len(answer) > LONGEST_ANSWER:
        raise PasskeyRefused
    try:
        client_data = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
        signed = base64url_to_bytes(json.loads(client_data)["challenge"])
    except BROKEN:
        raise PasskeyRefused from None
    if not redis_store.forget(_key(purpose, signed)):
        raise PasskeyRefused
    return signed


def _key(purpose: bytes, challenged: bytes) -> bytes:
    return sha256(b"undersigned/passkey/v1\0" + purpose + b"\0" + challenged).digest()
