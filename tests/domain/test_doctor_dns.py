"""`doctor`: what the DNS says about the senders, against a real DNS server, also one that misbehaves."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from petition.core import clock
from petition.operation import CHECKS, Context, Dns, ResolverWrong, Verdict, run
from petition.operation.checks import sender_dns
from tests.support.dns_server import Names, Zone, dns_server, txt
from tests.support.doctor import bare, is_, look

DOMAIN = "letters.example"
CODES = "accounts.example"
RELAY = "smtp.relay.example"
ADDRESS = "203.0.114.7"  # a public address, not one of the examples: those are not global
ZONE: Zone = {
    (DOMAIN, "TXT"): txt("unrelated", "v=spf1 include:relay.example -all"),
    ("relay.example", "TXT"): txt(f"v=spf1 ip4:{ADDRESS}/32 ip6:2a00:1::/32 ~all"),
    ("open.example", "TXT"): txt("v=spf1 all"),
    (RELAY, "A"): [ADDRESS],
    (DOMAIN, "MX"): [f"10 mx.{DOMAIN}."],
    (f"mx.{DOMAIN}", "A"): [ADDRESS],
    (f"_dmarc.{DOMAIN}", "TXT"): txt("v=DMARC1; p=reject; rua=mailto:a@b.example"),
}


@pytest.fixture
def names() -> Names:
    return Names(dict(ZONE))


@pytest.fixture
def context(names: Names, tmp_path: Path) -> Iterator[Context]:
    """An installation whose resolver is the small server, and no other server is asked."""
    with dns_server(names) as resolver:
        yield Context(bare(tmp_path), clock.now, Dns(resolver, seconds=1))


OK, WARNING, FAULT = Verdict


def test_a_good_spf_record_names_where_mail_is_handed_over(context: Context) -> None:
    is_(look(context, "spf", DOMAIN), OK, "1 look-ups", "-all", "names the address")


@pytest.mark.parametrize(
    ("records", "verdict", "words"),
    [
        ([], FAULT, "has no SPF record"),
        (["v=spf1 -all", "v=spf1 ~all"], FAULT, "2 SPF records"),
        (["v=spf1 +all"], FAULT, "lets anybody"),
        (["v=spf1 all"], FAULT, "lets anybody"),
        (["v=spf1 ip4:0.0.0.0/0 -all"], FAULT, "lets anybody"),
        (["v=spf1 include:open.example -all"], FAULT, "lets anybody"),
        (["v=spf1 -include:open.example ip4:203.0.114.7 -all"], OK, "-all"),
        (["v=spf1 ip4:203.0.114.7 -all include:nowhere.example banana"], OK, "0 look-ups"),
        (["v=spf1 ip4:203.0.114.7 -all redirect=nowhere.example"], OK, "0 look-ups"),
        (["v=spf1 include:relay.example ?all"], WARNING, "forbids nobody"),
        (["v=spf1 include:relay.example"], WARNING, "forbids nobody"),
        (["v=spf1 ip4:8.8.8.8 -all"], WARNING, f"does not name {ADDRESS}"),
        (["v=spf1 -ip4:203.0.114.0/24 -all"], WARNING, f"does not name {ADDRESS}"),
        (["v=spf1 -include:relay.example -all"], WARNING, f"does not name {ADDRESS}"),
        (["v=spf1 ip4:203.0.114.0/24 -all"], OK, "0 look-ups"),
        (["V=SPF1 MX -ALL"], OK, "1 look-ups"),
        (["v=spf1 a:smtp.relay.example//64 -all"], OK, "1 look-ups"),
        (["v=spf1 a:smtp.relay.example/24//64 -all"], OK, "1 look-ups"),
        (["v=spf1 redirect=relay.example"], OK, "~all"),
        (["v=spf1 exists:%{i}.list.example -all"], OK, "cannot be seen here"),
        (["v=spf1 ip4:300.0.0.1 -all"], FAULT, "which is no network"),
        (["v=spf1 ip4 -all"], FAULT, "which is no network"),
        (["v=spf1 mx/banana -all"], FAULT, "which is no host"),
        (["v=spf1 a/99 -all"], FAULT, "which is no host"),
        (["v=spf1 includes:relay.example -all"], FAULT, "a term that is none"),
        (["v=spf1 include:nowhere.example -all"], FAULT, "which has none"),
        (["v=spf1 a:nowhere.example a:x.nowhere.example mx:y.nowhere.example -all"], WARNING, "lead nowhere"),
        (["v=spf1 include:letters.example -all"], FAULT, "more than 10 look-ups"),
        (["v=spf1 redirect=letters.example"], FAULT, "more than 10 look-ups"),
        (["v=spf1 " + "a:smtp.relay.example " * 11 + "-all"], FAULT, "more than 10 look-ups"),
        (["v=spf1 " + "ip4:203.0.114.7 " * 3000 + "-all"], FAULT, "more than receivers read"),
        (["v=spf1 \u202e\u0007\u2028 -all"], FAULT, "a term that is none"),
        (["v=spf1 include:" + "a" * 300 + " -all"], WARNING, "no usable answer"),
        (["v=spf1 include:..example -all"], WARNING, "no usable answer"),
        (["v=spf1 include: -all"], FAULT, "which has none"),
    ],
)  # fmt: skip
def test_what_an_spf_record_means(
    context: Context, names: Names, records: list[str], verdict: Verdict, words: str
) -> None:
    names.zone[DOMAIN, "TXT"] = txt(*records)
    if records and "mx" in records[0].lower():
        names.zone[f"mx.{DOMAIN}", "A"] = [ADDRESS]
    is_(look(context, "spf", DOMAIN), verdict, words)


def test_includes_that_lead_back_to_one_another_end_after_ten_questions(context: Context, names: Names) -> None:
    names.zone |= {(DOMAIN, "TXT"): txt("v=spf1 include:b.example include:b.example -all"), ("b.example", "TXT"): txt(f"v=spf1 include:{DOMAIN} -all")}  # fmt: skip
    is_(look(context, "spf", DOMAIN), FAULT, "more than 10 look-ups", "includes itself")
    assert len(names.asked) <= 12


@pytest.mark.parametrize("behaviour", ["silent", "garbage", "broken", "foreign"])
@pytest.mark.parametrize("name", ["spf", "dmarc"])
def test_a_dns_server_that_misbehaves_is_a_warning_within_its_time(
    context: Context, names: Names, behaviour: str, name: str
) -> None:
    """Never "there is no record", which nobody said."""
    names.behaviour = behaviour
    is_(look(context, name, DOMAIN), WARNING, "no usable answer")


def test_names_that_lead_to_one_another_in_a_circle_are_one_sentence(context: Context, names: Names) -> None:
    names.zone |= {(DOMAIN, "CNAME"): ["a.example."], ("a.example", "CNAME"): [f"{DOMAIN}."]}
    del names.zone[DOMAIN, "TXT"]
    is_(look(context, "spf", DOMAIN), WARNING, "no usable answer")


def test_a_machine_that_is_offline_gets_a_sentence_for_each_line(tmp_path: Path) -> None:
    """Nothing listens at this port."""
    context = Context(bare(tmp_path), clock.now, Dns("127.0.0.1:9"))
    found = [each for each in CHECKS if each.name in {"reception", "spf", "dmarc", "mta-sts", "ptr"}]
    for finding in run(context, found):
        is_(finding, WARNING, "no usable answer", "--resolver")


@pytest.mark.parametrize(
    "text",
    ["x", "", "1.2.3", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "dns.example:53", "[::1]:x", "127.0.0.1:٣"],
)
def test_a_resolver_that_is_no_address_is_refused(text: str) -> None:
    if not text:
        return
    with pytest.raises(ResolverWrong):
        Dns(text)


@pytest.mark.parametrize("text", ["9.9.9.9", "::1", "[::1]", "[::1]:5353", "127.0.0.1:5353"])
def test_a_resolver_is_an_address_with_a_port_or_without(text: str) -> None:
    Dns(text)


RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def public(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, form: PublicFormat) -> str:
    encoding = Encoding.Raw if form is PublicFormat.Raw else Encoding.DER
    return b64encode(key.public_key().public_bytes(encoding, form)).decode()


SPKI = public(RSA, PublicFormat.SubjectPublicKeyInfo)


def signing(context: Context, folder: Path, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> Context:
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return replace(context, config=replace(context.config, dkim=f"{DOMAIN}:s1:{file}"))


@pytest.mark.parametrize(
    ("key", "records", "verdict", "words"),
    [
        (RSA, [f"v=DKIM1; k=rsa; p={SPKI}"], OK, "holds the public key"),
        (RSA, [f"p={SPKI[:40]} {SPKI[40:]}"], OK, "holds the public key"),
        (RSA, [f"v=DKIM1; p={public(RSA, PublicFormat.PKCS1)};"], OK, "holds the public key"),
        (EDWARDS, [f"v=DKIM1; k=ed25519; p={public(EDWARDS, PublicFormat.Raw)}"], OK, "holds the public key"),
        (EDWARDS, [f"v=DKIM1; p={public(EDWARDS, PublicFormat.Raw)}"], FAULT, "another key"),
        (EDWARDS, [f"v=DKIM1; k=ed25519; p={SPKI}"], FAULT, "another key"),
        (RSA, [f"v=DKIM1; p={SPKI[:-8]}AAAAAAAA"], FAULT, "another key"),
        (RSA, ["v=DKIM1; p="], FAULT, "revoked"),
        (RSA, ["v=DKIM1; k=rsa"], FAULT, "holds no DKIM key"),
        (RSA, [f"v=DKIM2; p={SPKI}"], FAULT, "holds no DKIM key"),
        (RSA, ["\u0000\u009b;;;=;p"], FAULT, "holds no DKIM key"),
        (RSA, [f"p={SPKI}" + " " * 30_000], FAULT, "holds no DKIM key"),
        (RSA, [], FAULT, "has no TXT record"),
        (RSA, [f"p={SPKI}", f"p={SPKI} "], FAULT, "2 TXT records"),
        (RSA, [f"v=DKIM1; h=sha1; p={SPKI}"], FAULT, "does not allow"),
        (RSA, [f"v=DKIM1; s=other; p={SPKI}"], FAULT, "does not allow"),
        (RSA, [f"v=DKIM1; t=y; p={SPKI}"], WARNING, "testing"),
    ],
)  # fmt: skip
def test_the_key_of_signatures_is_compared_with_its_record(
    context: Context,
    names: Names,
    tmp_path: Path,
    key: rsa.RSAPrivateKey,
    records: list[str],
    verdict: Verdict,
    words: str,
) -> None:
    if records:
        names.zone[f"s1._domainkey.{DOMAIN}", "TXT"] = txt(*records)
    is_(look(signing(context, tmp_path, key), "dkim", DOMAIN), verdict, words)


def test_a_domain_that_nothing_here_signs_for_is_a_warning(context: Context, tmp_path: Path) -> None:
    is_(look(signing(context, tmp_path, RSA), "dkim", CODES), WARNING, "No key of PETITION_DKIM")


@pytest.mark.parametrize(
    ("records", "verdict", "words"),
    [
        (["v=DMARC1; p=reject"], OK, "is reject"),
        (["v=DMARC1;p=quarantine;pct=50"], OK, "is quarantine"),
        (["v = DMARC1 ; p = Reject"], OK, "is reject"),
        (["v=DMARC1; p=none; rua=mailto:x@y.example"], WARNING, "is none"),
        (["v=DMARC1; p=banana"], FAULT, "no policy"),
        (["v=DMARC1"], FAULT, "no policy"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], FAULT, "2 DMARC records"),
        (["v=DMARC2; p=reject"], WARNING, "has no DMARC record"),
        (["something else"], WARNING, "has no DMARC record"),
        ([], WARNING, "has no DMARC record"),
    ],
)  # fmt: skip
def test_what_a_dmarc_policy_means(
    context: Context, names: Names, tmp_path: Path, records: list[str], verdict: Verdict, words: str
) -> None:
    names.zone[f"_dmarc.{DOMAIN}", "TXT"] = txt(*records)
    is_(look(signing(context, tmp_path, RSA), "dmarc", DOMAIN), verdict, words)


def test_without_a_signature_a_strict_policy_is_a_warning(context: Context) -> None:
    is_(look(context, "dmarc", DOMAIN), WARNING, "is reject", "nothing here signs")


def test_a_domain_without_a_policy_has_that_of_the_domain_above_it(
    context: Context, names: Names, tmp_path: Path
) -> None:
    below = replace(context.config, mail_from=f"hello@news.{DOMAIN}")
    names.zone[f"_dmarc.{DOMAIN}", "TXT"] = txt("v=DMARC1; p=reject; sp=none")
    is_(look(replace(context, config=below), "dmarc", f"news.{DOMAIN}"), WARNING, "is none")


@pytest.mark.parametrize(
    ("zone", "verdict", "words"),
    [
        ({}, OK, f"mx.{DOMAIN}"),
        ({(DOMAIN, "MX"): ["0 ."]}, FAULT, "null MX"),
        ({(DOMAIN, "MX"): [], (DOMAIN, "A"): [ADDRESS]}, WARNING, "has no MX record"),
        ({(DOMAIN, "MX"): []}, FAULT, "neither MX nor address"),
        ({(DOMAIN, "MX"): ["10 gone.example."]}, FAULT, "has an address"),
    ],
)  # fmt: skip
def test_a_sender_s_domain_takes_mail(context: Context, names: Names, zone: Zone, verdict: Verdict, words: str) -> None:
    names.zone |= zone
    is_(look(context, "reception", DOMAIN), verdict, words)


REVERSE = "7.114.0.203.in-addr.arpa"


@pytest.mark.parametrize(
    ("zone", "verdict", "words"),
    [
        ({}, FAULT, "has no name"),
        ({(REVERSE, "PTR"): ["host-7.provider.example."]}, FAULT, "does not lead back"),
        ({(REVERSE, "PTR"): ["mail.letters.example."]}, OK, "lead back"),
        ({(REVERSE, "PTR"): ["host-7.provider.example.", "mail.letters.example."]}, OK, "lead back"),
    ],
)  # fmt: skip
def test_our_own_mail_server_has_a_name_that_leads_back(
    context: Context, names: Names, zone: Zone, verdict: Verdict, words: str
) -> None:
    names.zone |= {(f"mail.{DOMAIN}", "A"): [ADDRESS], **zone}
    ours = replace(context, config=replace(context.config, smtp_url=f"smtp://mail.{DOMAIN}:25"))
    is_(look(ours, "ptr", ""), verdict, words)


def test_the_names_of_another_s_mail_server_are_not_ours_to_set(context: Context) -> None:
    is_(look(context, "ptr", ""), OK, "not ours")


@pytest.mark.parametrize(
    ("letters", "codes", "verdict"),
    [
        (f"hello@{DOMAIN}", f"no-reply@{CODES}", OK),
        (f"hello@{DOMAIN}", f"no-reply@{DOMAIN}", WARNING),
        (f"hello@{DOMAIN}", f"no-reply@codes.{DOMAIN}", WARNING),
        (f"hello@news.{CODES}", f"no-reply@{CODES}", WARNING),
        (f"hello@{DOMAIN}", "no-reply@open.example", WARNING),
        (f"hello@{DOMAIN}", "no-reply@x.open.example", WARNING),
    ],
)  # fmt: skip
def test_the_sender_of_codes_must_not_hint_at_the_letter(
    tmp_path: Path, letters: str, codes: str, verdict: Verdict
) -> None:
    context = Context(bare(tmp_path, mail_from=letters, code_mail_from=codes), clock.now, Dns("127.0.0.1:9"))
    assert sender_dns.senders(context, "").verdict is verdict


def test_without_a_mail_server_no_domain_is_asked_about(tmp_path: Path) -> None:
    context = Context(bare(tmp_path, smtp_url=None), clock.now, Dns("127.0.0.1:9"))
    assert [check.name for check in CHECKS if check.subjects(context) == ()] == [
        "mail", "reception", "spf", "dkim", "dmarc", "mta-sts",
    ]  # fmt: skip
