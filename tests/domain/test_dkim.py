"""DKIM: the vector of RFC 8463, what is signed, what is not, and that a repeat has the same bytes."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from petition.mail import Message, dkim
from petition.mail.dkim import DkimKeyWrong, Signer
from tests.support.dkim_verifier import accepts

# RFC 8463, appendix A: the key, the message and its signature.
RFC_KEY = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_HEAD = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>"
)
RFC_BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
RFC_VALUE = (
    "v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
)
RFC_SIGNATURE = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="

MAIL = Message(
    to="suzie@post.example",
    sender="Letters <letters@undersigned.example>",
    subject="Réponse",
    text="One line.  \n\n\n",
    html="<p>One line.</p>",
    lang="fr",
    message_id="<bcd@undersigned.example>",
    date=datetime(2026, 11, 24, tzinfo=UTC),
    headers={"List-Unsubscribe": "<https://letters.example/mail/unsubscribe/abc>"},
)


def test_the_vector_of_the_rfc_is_signed_alike() -> None:
    assert dkim.body_hash(RFC_BODY) == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    text = dkim.signing_input(dkim.split(RFC_HEAD), RFC_VALUE)
    key = Ed25519PrivateKey.from_private_bytes(b64decode(RFC_KEY))
    key.public_key().verify(b64decode(RFC_SIGNATURE), sha256(text).digest())


@pytest.mark.parametrize(
    ("body", "same"),
    [(b"a \t b  \r\n\r\n\r\n", b"a b\r\n"), (b"a b", b"a b\r\n"), (b"\r\n\r\n", b""), (b" \r\n", b"")],
)
def test_relaxed_bodies_are_the_same(body: bytes, same: bytes) -> None:
    assert dkim.body_hash(body) == dkim.body_hash(same)


DKIMPY = Path(__file__).parent / "data" / "dkim"
"""A mail of ours signed by dkimpy 1.1.8, with the public keys as in the DNS (decision 0049)."""
OURS = "23KAQSXdrAmL1eBhzOMJ6BMfe1TOmrraTxMImXDgU9dK6uVhrX0yZl28vQm6kcWQWcRynGbz1a4Sbvzx1cK8Dg=="
"""Our signature of that mail with the RFC's key, which dkimpy's verifier accepted."""


SIGNERS: dict[str, rsa.RSAPrivateKey | Ed25519PrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed25519": Ed25519PrivateKey.generate(),
}


def verify(record: bytes, signature: bytes, text: bytes) -> None:
    """Check a signature against the public key of a DNS record; raises InvalidSignature."""
    raw = b64decode(record.partition(b"p=")[2])
    if b"k=ed25519" in record:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, sha256(text).digest())
        return
    key = load_der_public_key(raw)
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, text, padding.PKCS1v15(), SHA256())


def parts(signed: bytes) -> tuple[bytes, bytes, dict[str, str]]:
    """The mail without its signature, what was signed, and the signature's tags."""
    header, _, mail = signed.partition(b"\r\nFrom:")
    mail = b"From:" + mail
    value = header.removeprefix(b"DKIM-Signature:").decode()
    tags = dict(re.findall(r"(\w+)=([^;]*)", value))
    wanted = [name.strip() for name in tags["h"].split(":")]
    fields = [field for field in dkim.split(mail.partition(b"\r\n\r\n")[0]) if field[0].decode().lower() in wanted]
    return mail, dkim.signing_input(fields, value[: value.rindex("b=") + 2]), tags


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_mail_is_signed_whole_and_the_same_each_time(kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else Ed25519PrivateKey.generate()
    signer = Signer("undersigned.example", "s1", key)
    signed = signer.signed(MAIL.as_bytes())
    assert signed == signer.signed(MAIL.as_bytes())
    mail, text, tags = parts(signed)
    assert mail == MAIL.as_bytes()
    assert tags["bh"] == dkim.body_hash(mail.partition(b"\r\n\r\n")[2])
    assert {"from", "subject", "date", "list-unsubscribe"} <= set(tags["h"].split(":"))
    signature = b64decode(re.sub(r"\s", "", tags["b"]))
    if isinstance(key, rsa.RSAPrivateKey):
        key.public_key().verify(signature, text, padding.PKCS1v15(), SHA256())
    else:
        key.public_key().verify(signature, sha256(text).digest())
    assert max(map(len, signed.split(b"\r\n"))) < 998


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_dkimpy_signs_the_same_text_as_we_do(kind: str) -> None:
    mail, text, tags = parts((DKIMPY / f"{kind}.eml").read_bytes())
    assert tags["bh"] == dkim.body_hash(mail.partition(b"\r\n\r\n")[2])
    signature = b64decode(re.sub(r"\s", "", tags["b"]))
    verify((DKIMPY / f"{kind}.txt").read_bytes(), signature, text)
    with pytest.raises(InvalidSignature):
        verify((DKIMPY / f"{kind}.txt").read_bytes(), signature, text.replace(b"letters", b"letterz"))


def test_our_signature_is_the_one_that_dkimpy_accepted() -> None:
    mail, _, _ = parts((DKIMPY / "rsa.eml").read_bytes())
    signer = Signer("undersigned.example", "s1", Ed25519PrivateKey.from_private_bytes(b64decode(RFC_KEY)))
    _, _, tags = parts(signer.signed(mail))
    assert re.sub(r"\s", "", tags["b"]) == OURS


ADDED = (
    "From: Mallory <mallory@evil.example>", "To: omar@post.example", "Cc: omar@post.example", "Sender: mallory@evil.example",
    "Reply-To: mallory@evil.example", "Subject: Pay now", "Date: Tue, 24 Nov 2026 00:00:01 +0000",
    "Message-ID: <other@evil.example>", "In-Reply-To: <other@evil.example>", "References: <other@evil.example>",
    "List-Id: <other.evil.example>", "List-Unsubscribe: <https://evil.example/>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    "MIME-Version: 1.0", "Content-Type: text/html", "Content-Transfer-Encoding: base64", "Content-Language: en",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize("field", ADDED)
def test_a_field_that_somebody_adds_breaks_the_signature(kind: str, field: str) -> None:
    """A mail program shows the topmost Subject, and a signature covers the last one, unless one more is signed."""
    key = SIGNERS[kind]
    public = key.public_key()
    mail = Signer("undersigned.example", "s1", key).signed(MAIL.as_bytes())
    assert accepts(mail, public)
    line = field.encode() + b"\r\n"
    signature, _, rest = mail.partition(b"\r\nFrom:")
    for altered in (
        line + mail,
        signature + b"\r\n" + line + b"From:" + rest,
        mail.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n", 1),
    ):
        assert not accepts(altered, public)
    for trace in (b"Received: from a by b\r\n", b"X-Spam: no\r\n", b"Return-Path: <a@b.example>\r\n"):
        assert accepts(trace + mail, public)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_the_verifier_of_these_tests_accepts_what_dkimpy_signed(kind: str) -> None:
    record, mail = ((DKIMPY / f"{kind}.{end}").read_bytes() for end in ("txt", "eml"))
    raw = b64decode(record.partition(b"p=")[2])
    key: Any = Ed25519PublicKey.from_public_bytes(raw) if kind == "ed25519" else load_der_public_key(raw)
    assert accepts(mail, key)
    assert not accepts(mail.replace(b"Subject:", b"Subject: x"), key)


def test_keys_are_read_from_files_and_weak_or_foreign_ones_refused(tmp_path: Path) -> None:
    keys = {"good": Ed25519PrivateKey.generate(), "weak": rsa.generate_private_key(65537, 1024)}
    keys["other"] = ec.generate_private_key(ec.SECP256R1())  # type: ignore[assignment]
    for name, key in keys.items():
        (tmp_path / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (signer,) = dkim.read(f"Undersigned.example:s1:{tmp_path}/good")
    assert (signer.domain, signer.selector) == ("undersigned.example", "s1")
    for name in ("weak", "other", "missing"):
        with pytest.raises(DkimKeyWrong):
            dkim.read(f"undersigned.example:s1:{tmp_path}/{name}")
