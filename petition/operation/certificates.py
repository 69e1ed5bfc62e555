"""What is wrong with a certificate, and how long a good one lasts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from petition.operation.findings import Finding, fault, ok, warning

SOON: Final = timedelta(days=14)
SHARE: Final = 4
"""A certificate is renewed late if less than a quarter of its life is left: some live for six days only."""
EXPIRED: Final = frozenset({10})
NOT_YET: Final = frozenset({9})
OTHER_HOST: Final = frozenset({62, 64})
"""Codes of OpenSSL (X509_V_ERR_…)."""


def reason(error: BaseException | None) -> str:
    """Returns why a handshake failed, as a sentence without its subject: it follows "the certificate of … "."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in EXPIRED:
            return "has expired: renew it"
        if error.verify_code in NOT_YET:
            return "is not valid yet: look at this machine’s clock"
        if error.verify_code in OTHER_HOST:
            return "is for another host: use a name that it holds, or get one for this host"
        return "is vouched for by nobody whom this machine trusts: get one from a public authority, with its chain"
    return "could not be read, because the server does not speak TLS there"


def life(certificate: Mapping[str, Any] | None, now: datetime, whose: str, good: str) -> Finding:
    """Returns what is left of a certificate that was accepted. `good` is the sentence for one that lasts."""
    if not certificate:
        return fault(f"{whose} has no certificate.")
    end, start = (_moment(str(certificate[key])) for key in ("notAfter", "notBefore"))
    left = end - now
    if left < min(SOON, (end - start) / SHARE):
        days = max(left.days, 0)
        return warning(f"The certificate of {whose} ends in {days} days: look why it was not renewed.")
    return ok(f"{good}; its certificate is good for {left.days} days.")


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
