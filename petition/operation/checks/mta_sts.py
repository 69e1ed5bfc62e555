"""The check of MTA-STS (RFC 8461): whether mail to a sender's domain, such as delivery reports, must come over TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from petition.operation import outside
from petition.operation.context import Context
from petition.operation.findings import Finding, fault, ok, warning
from petition.operation.outside import OutsideError

PATH: Final = "/.well-known/mta-sts.txt"
MODES: Final = frozenset({"enforce", "testing", "none"})


def transport_policy(context: Context, domain: str) -> Finding:
    """Looks whether the record and the policy file exist, fit one another, and name the domain's mail servers."""
    records = [each for each in context.dns.texts(f"_mta-sts.{domain}") if each.startswith("v=STSv1")]
    if not records:
        return warning(
            f"{domain} has no MTA-STS policy, so mail to it (delivery reports, replies) can be read on the way: publish one, unless "
            "nobody answers to this address."
        )
    if len(records) > 1:
        return fault(f"_mta-sts.{domain} has {len(records)} records, which senders ignore: leave one.")
    try:
        reply = outside.get(context, f"https://mta-sts.{domain}{PATH}")
    except OutsideError as error:
        return fault(f"The MTA-STS policy of {domain} cannot be fetched: {error}")
    return _judge(context, domain, _read(reply.body.decode("utf-8", "replace")) if reply.status == 200 else {})


def _judge(context: Context, domain: str, policy: Mapping[str, list[str]]) -> Finding:
    """Returns what a policy file means for the domain's mail servers."""
    mode = "".join(policy.get("mode", [])[:1])
    if policy.get("version") != ["STSv1"] or mode not in MODES:
        return fault(f"https://mta-sts.{domain}{PATH} holds no policy of version STSv1: publish one.")
    if mode != "enforce":
        return warning(
            f"The MTA-STS policy of {domain} is in mode {mode}, which protects nothing: once reports show no fault, write enforce."
        )
    hosts = [each.name.lower() for each in context.dns.mail_hosts(domain)]
    patterns = [each.lower() for each in policy.get("mx", [])]
    missing = [host for host in hosts if not any(_fits(pattern, host) for pattern in patterns)]
    if missing:
        return fault(
            f"The MTA-STS policy of {domain} does not name its mail server {missing[0]}, so mail to it is not delivered: add it."
        )
    return ok(f"Mail to {domain} must come over TLS (MTA-STS, enforce).")


def _read(text: str) -> dict[str, list[str]]:
    """Returns the values of each key of a policy file."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, sign, value = line.partition(":")
        if sign:
            found.setdefault(name.strip(), []).append(value.strip())
    return found


def _fits(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern
