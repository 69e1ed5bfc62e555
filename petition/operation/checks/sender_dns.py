"""Checks of the DNS of the senders' domains: SPF, DKIM, DMARC, MX and the names of our own addresses."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from petition.mail import dkim
from petition.mail.dkim import Signer
from petition.operation import sending_addresses, spf
from petition.operation.context import Context
from petition.operation.findings import Finding, fault, ok, warning
from petition.operation.spf import Spf, SpfBroken

LONGEST: Final = 4_000
MOST_LABELS: Final = 8
"""The tree of DMARC is walked from a name of so many labels at most."""


def sender_policy(context: Context, domain: str) -> Finding:
    """Looks whether the SPF record is one that receivers can read, and names the address that mail leaves from."""
    try:
        found = spf.read(context.dns, domain)
    except SpfBroken as broken:
        return fault(str(broken))
    if found.lets_everybody:
        return fault(
            f"The SPF record of {domain} lets anybody send in its name: name your mail server, and end it with -all."
        )
    if found.void > spf.MOST_VOID:
        return warning(
            f"{found.void} terms of the SPF record of {domain} lead nowhere; some receivers then refuse it: take them out."
        )
    if found.ends in {"", "?all"}:
        return warning(f"The SPF record of {domain} forbids nobody to send in its name: end it with ~all or -all.")
    return _sending(context, domain, found)


def _sending(context: Context, domain: str, found: Spf) -> Finding:
    """Returns whether a good record names the address that mail is handed over to, or leaves from."""
    sending = sending_addresses.find(context).addresses
    missing = [address for address in sending if not found.names(address)]
    good = f"One record, {found.lookups} look-ups, ends with {found.ends}"
    if missing and not found.depends:
        return warning(
            f"The SPF record of {domain} does not name {missing[0]}, where mail is handed over. If the mail server sends from "
            "other addresses, that is right; else add it."
        )
    if missing or not sending:
        return ok(f"{good}; whether it names the address that mail leaves from cannot be seen here.")
    return ok(f"{good}, and names the address where mail is handed over.")


def signing_key(context: Context, domain: str) -> Finding:
    """Looks whether the public key in the DNS is that of the private key that signs mail of this domain."""
    signers = [each for each in dkim.read(context.config.dkim) if each.domain == domain]
    if not signers:
        return warning(
            f"No key of PETITION_DKIM signs mail of {domain}. If the mail server signs with this domain, that is right; else "
            "many receivers refuse the mail."
        )
    signer = signers[-1]  # the postbox signs with the last one, too
    name = f"{signer.selector}._domainkey.{domain}"
    records = context.dns.texts(name)
    if not records:
        return fault(f"{name} has no TXT record, so every signature fails: publish v=DKIM1; p=… with the public key.")
    if len(records) > 1:
        return fault(f"{name} has {len(records)} TXT records, and receivers read any of them: leave one.")
    return _compared(signer, name, records[0])


def _compared(signer: Signer, name: str, record: str) -> Finding:
    tags = _tags(record)
    kind = "rsa" if isinstance(signer.key, RSAPrivateKey) else "ed25519"
    if len(record) > LONGEST or tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        return fault(f"{name} holds no DKIM key: publish v=DKIM1; k={kind}; p=… with the public key.")
    if not tags["p"]:
        return fault(f"{name} says that the key was revoked: publish the new key, or sign with another selector.")
    if tags.get("k", "rsa") != kind or tags["p"] not in public_forms(signer):
        return fault(
            f"{name} holds another key than PETITION_DKIM signs with, so every signature fails: publish its public key."
        )
    if "sha256" not in tags.get("h", "sha256").split(":") or not {"*", "email"} & set(tags.get("s", "*").split(":")):
        return fault(f"{name} does not allow the key for mail with SHA-256: take out its tags h= and s=.")
    if "y" in tags.get("t", "").split(":"):
        return warning(f"{name} says t=y (testing), so receivers ignore signatures: take it out.")
    return ok(f"{name} holds the public key that mail is signed with.")


def public_forms(signer: Signer) -> frozenset[str]:
    """Returns the values of `p=` that fit a signer's key (RFC 6376 §3.6.1 with its errata, RFC 8463 §4), in base64."""
    public = signer.key.public_key()
    if isinstance(signer.key, RSAPrivateKey):
        kinds = (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)
        forms = [public.public_bytes(Encoding.DER, kind) for kind in kinds]
    else:
        forms = [public.public_bytes(Encoding.Raw, PublicFormat.Raw)]
    return frozenset(b64encode(form).decode() for form in forms)


def _tags(record: str) -> dict[str, str]:
    """Returns the tags of a record `a=b; c=d` without white space (RFC 6376 §3.2). The first one of a name counts."""
    found: dict[str, str] = {}
    for each in record[: LONGEST + 1].split(";"):
        name, sign, value = each.partition("=")
        if sign:
            found.setdefault(name.strip(), "".join(value.split()))
    return found


def policy(context: Context, domain: str) -> Finding:
    """Looks what DMARC tells receivers to do with mail that neither SPF nor DKIM proves to be ours."""
    where, records = _policy_records(context, domain)
    if not records:
        return warning(
            f"{domain} has no DMARC record, so large receivers distrust its mail: publish v=DMARC1; p=reject at _dmarc.{domain}."
        )
    if len(records) > 1:
        return fault(f"_dmarc.{where} has {len(records)} DMARC records, which receivers ignore: leave one.")
    tags = _tags(records[0])
    wanted = tags.get("p", "")
    chosen = tags.get("sp", wanted) if where != domain else wanted
    if wanted.lower() not in {"none", "quarantine", "reject"} or chosen.lower() not in {"none", "quarantine", "reject"}:
        return fault(f"_dmarc.{where} has no policy that receivers know: write p=none, p=quarantine or p=reject.")
    signed = any(each.domain == domain for each in dkim.read(context.config.dkim))
    if chosen.lower() == "none":
        return warning(
            f"The DMARC policy of {domain} is none: anybody can send in its name. Once reports show no fault, write p=reject."
        )
    if not signed:
        return warning(
            f"The DMARC policy of {domain} is {chosen.lower()}, and nothing here signs with this domain: forwarded mail fails. Add "
            "a key to PETITION_DKIM, or have the mail server sign."
        )
    return ok(f"The DMARC policy of {domain} is {chosen.lower()}; sender, envelope and signature have the same domain.")


def _policy_records(context: Context, domain: str) -> tuple[str, list[str]]:
    """Returns the nearest domain with DMARC records, and these: that of the sender first, then those above it."""
    labels = domain.split(".")[-MOST_LABELS:]
    for place in range(max(len(labels) - 1, 1)):
        where = domain if place == 0 else ".".join(labels[place:])
        records = [
            each for each in context.dns.texts(f"_dmarc.{where}") if "".join(each.split())[:8].rstrip(";") == "v=DMARC1"
        ]
        if records:
            return where, records
    return domain, []


def reception(context: Context, domain: str) -> Finding:
    """Looks whether a domain takes mail. Delivery reports come back to it, and receivers refuse senders who take none."""
    hosts = context.dns.mail_hosts(domain)
    if any(not each.name for each in hosts):
        return fault(
            f"{domain} says that it takes no mail (null MX), so receivers refuse its mail: name a mail server."
        )
    if not hosts and not context.dns.addresses(domain):
        return fault(f"{domain} has neither MX nor address, so receivers refuse its mail: add an MX record.")
    if not hosts:
        return warning(f"{domain} has no MX record, only an address: add one, because some receivers look for it.")
    if not any(context.dns.addresses(each.name) for each in hosts[:MOST_LABELS]):
        return fault(
            f"No mail server of {domain} has an address, so no delivery report comes back: correct its MX record."
        )
    return ok(f"{domain} takes mail at {hosts[0].name}.")


def reverse_names(context: Context, _about: str) -> Finding:
    """Looks whether our own sending addresses have a name that leads back to them, which receivers ask for."""
    if not context.config.smtp_url:
        return ok("No mail is really sent, because SMTP_URL is not set.")
    sending = sending_addresses.find(context)
    if not sending.ours:
        return ok("Mail leaves from the addresses of another mail server, whose names are not ours to set.")
    if not sending.addresses:
        return warning(
            "The address that mail leaves from is not known here: look that it has a name (PTR) that leads back to it."
        )
    for address in sending.addresses:
        names = context.dns.names(address)
        if not names:
            return fault(
                f"{address} has no name in the DNS (PTR), so receivers refuse mail from it: have its provider set one."
            )
        if not any(address in context.dns.addresses(name) for name in names[:MOST_LABELS]):
            return fault(
                f"{address} is called {names[0]}, which does not lead back to it: give that name this address."
            )
    return ok("The addresses that mail leaves from have names that lead back to them.")


def senders(context: Context, _about: str) -> Finding:
    """Looks whether the sender of codes hints at the letter: the addressee's mail log shows it."""
    codes = context.sender_domains()[-1]
    letters = (context.host, context.sender_domains()[0])
    if len(context.sender_domains()) == 1:
        return warning(
            "Codes and campaign mail have senders of one domain, so the mail log of the addressee shows who asked for a code of "
            "this letter: use another domain for CODE_MAIL_FROM."
        )
    if any(codes == each or codes.endswith(f".{each}") or each.endswith(f".{codes}") for each in letters):
        return warning(
            "The domain of CODE_MAIL_FROM belongs to the letter’s, which the mail log of the addressee then shows: use another one."
        )
    return ok("The domain of the sender of codes is neither that of the site nor that of campaign mail.")
