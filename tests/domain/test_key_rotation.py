"""What docs/key-rotation.md says of the master key, the pepper, DKIM and issuer keys."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.orm import Session

from petition import epochs, signatures, verification
from petition.campaigns import OpenCampaign
from petition.ledger import log
from petition.mail import dkim
from petition.privacy import SealBroken, Vault, identity_tag, keyring, seal_address, unseal_address
from petition.signatures import PassForeign, SignatureState
from petition.verification.tables import Issuer
from tests import make
from tests.support.services import MASTER_KEY

OLD, NEW = MASTER_KEY, base64.urlsafe_b64encode(bytes(range(200, 232))).decode()
LATER = make.NOW + timedelta(seconds=10)


def set_master_keys(*keys: str) -> None:
    """As after a start with these keys."""
    keyring.connect(keys)
    verification._keys.clear()
    log.private_key.cache_clear()


@pytest.fixture(autouse=True)
def the_keys_of_tests() -> Iterator[None]:
    """Put back what other tests use."""
    yield
    set_master_keys(MASTER_KEY)


def test_a_letter_goes_on_after_the_master_key_was_rotated(session: Session) -> None:
    """P37."""
    campaign = make.campaign(session)
    set_master_keys(NEW, OLD)
    receipt = make.signature(session, campaign)
    epochs.close_epoch(session, campaign, LATER)
    assert signatures.status(session, OpenCampaign.of(campaign), receipt.leaf).state is SignatureState.LOGGED
    assert epochs.audit(session, campaign).faults == []


def test_a_letter_of_before_stops_when_the_old_master_key_is_dropped(session: Session) -> None:
    campaign = make.campaign(session)
    held = make.a_pass(session, campaign).held
    make.signature(session, campaign)
    set_master_keys(NEW)
    with pytest.raises(SealBroken):
        make.a_pass(session, campaign)
    with pytest.raises(SealBroken), session.begin_nested():
        epochs.close_epoch(session, campaign, LATER)
    with pytest.raises(SealBroken), session.begin_nested():
        signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)


def test_a_letter_of_after_needs_the_new_master_key_alone(session: Session) -> None:
    set_master_keys(NEW, OLD)
    campaign = make.campaign(session)
    set_master_keys(NEW)
    make.signature(session, campaign)
    epochs.close_epoch(session, campaign, LATER)
    assert log.head_of(session, campaign.id).counted == 1


def test_a_code_that_waits_in_the_queue_is_mailed_after_the_master_key_was_rotated() -> None:
    waiting = seal_address(Vault([OLD]), "alice@corp.example", "en", make.NOW, code="12345678")
    assert unseal_address(Vault([NEW, OLD]), waiting, make.NOW).code == "12345678"
    with pytest.raises(SealBroken):
        unseal_address(Vault([NEW]), waiting, make.NOW)


def test_under_another_pepper_the_same_person_gets_a_second_pass(session: Session) -> None:
    campaign = OpenCampaign.of(make.campaign(session))
    for number, pepper in enumerate((b"p" * 32, b"q" * 32), 1):
        alice = verification.Proven("work_email", identity_tag(pepper, campaign.id, "alice@corp.example"))
        blinding = make.passes.begin(make.rsabssa.load_spki(campaign.issuer), campaign.id)
        verification.stamp(session, pepper, campaign, alice, blinding.blinded)
        assert verification.issued(session, campaign.id) == {"work_email": number}


def test_a_pass_of_another_issuer_key_is_refused(session: Session) -> None:
    campaign = make.campaign(session)
    held = make.a_pass(session, campaign).held
    session.delete(session.get_one(Issuer, campaign.id))
    session.flush()
    campaign.issuer = verification.start(session, campaign.id)
    verification._keys.clear()
    with pytest.raises(PassForeign):
        signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)


def test_mail_names_the_selector_of_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for selector in ("winter", "spring"):
        (signer,) = dkim.read(f"undersigned.example:{selector}:{file}")
        assert f"s={selector};".encode() in signer.signed(b"From: a@undersigned.example\r\n\r\nHello\r\n")
