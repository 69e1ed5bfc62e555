"""Certificates that a test may trust: a good one for localhost, and others with one thing wrong."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Files = tuple[Path, Path]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A self-signed certificate for localhost: the files of certificate and key."""
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Files]:
    """Makes certificates in a folder that ends with the module; takes what `made` takes after the folder."""
    return lambda *hosts, **times: made(tmp_path_factory.mktemp("tls"), *hosts, **times)


def made(folder: Path, *hosts: str, start: timedelta = -DAY, end: timedelta = DAY) -> Files:
    """A self-signed certificate for some hosts, from `start` to `end` counted from now: the files of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = hosts or ("localhost",)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today + start)
        .not_valid_after(today + end)
        .add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def server_side(files: Files) -> ssl.SSLContext:
    """What a server needs to speak TLS with a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    return context
