#!/usr/bin/env python3
"""Sign a letter from a terminal, with Python 3.9 or later and nothing else: no browser, no script of the site.

    python3 sign.py sign https://letters.example.org/c/open-letter
    python3 sign.py receipt|hide|withdraw|amend receipt-open-letter.json

This program protects the signer. It makes the pass on this computer and blinds it before it is stamped (RSA blind
signatures, RFC 9474), so that the person who checked the address cannot recognise the signature. It shares no code with
the site. Read it before you run it. Use your own device and network; `torsocks python3 sign.py …` goes over Tor. The
program exits with 0, with 1 when the site refuses, and with 2 on bad input.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import io
import json
import math
import os
import re
import secrets
import sys
import time
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TextIO
from urllib.parse import urlsplit

LOCAL = {"localhost", "127.0.0.1", "::1"}
E = 65537
UNITS = {"hour": 3600, "minute": 60, "second": 1}
STEPS = 8
LONGEST = 10_000_000
OVERLOADED, WAITS, SECONDS = "overloaded", 5, re.compile("[0-9]{1,6}")
NEXT_BATCH = 2**64 - 1
SPKI = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")  # an RSA key of 2048 bits
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, P) % P)
ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
RECEIPT = ("entry", "salt", "body", "ticket", "promise", "by_epoch")
CHANGED = ("commitment", "salt", "body")
SHOWS = ("show", "name", "role", "team", "comment")
FORM = (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, RecursionError)
STRANGE = "The site does not answer as it should."
ELSEWHERE = (
    "If you changed your signature in a browser, or with another copy of the receipt, use the newest receipt or add"
    " --used {}: one more value is sent then. If you did not, the site may be collecting your secret: send nothing more,"
    " and tell the organisers."
)


# --- The connection to the site ---------------------------------------------------------------------------------------


class Refused(Exception):
    """The site refused the request; the message is its reason, and `kind` the last word of the problem's type."""

    def __init__(self, sentence: str, kind: str = "") -> None:
        super().__init__(sentence)
        self.kind = kind


class SameSite(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to another site: ticket and secret would go there."""

    def redirect_request(self, *given: Any) -> Any:
        """Returns the request that follows. `given`: request, answer, code, reason, headers, new address."""
        asked, target = urlsplit(given[0].full_url), urlsplit(given[5])
        if (asked.scheme, asked.netloc) != (target.scheme, target.netloc):
            raise Refused(f"The site leads to another site, {plain(target.netloc)}. Nothing was sent there.")
        return super().redirect_request(*given)


OPENER = urllib.request.build_opener(SameSite)


def call(url: str, document: dict[str, Any] | None = None, ticket: str = "") -> Any:
    """Send GET, or POST with JSON. Raises Refused with the site's own sentence.

    A site with too many visitors does nothing and says when to try again; then this waits, a few times.
    """
    data = None if document is None else json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "sign.py"}
    headers.update({"Petition-Ticket": ticket} if ticket else {})
    for waits in range(WAITS + 1):
        try:
            seconds, body = fetch(urllib.request.Request(url, data, headers))  # noqa: S310 (checked in site_of)
            if seconds is None:
                return json.loads(body)
        except (OSError, ValueError, http.client.HTTPException, RecursionError):
            raise Refused("The site cannot be reached, or does not answer as it should. Try again.") from None
        refused = refusal(body)
        if refused.kind != OVERLOADED or waits == WAITS:
            break
        time.sleep(seconds)
    raise refused


def fetch(request: urllib.request.Request) -> tuple[int | None, bytes]:
    """Returns the site's answer, cut off after 10 MB, and None if it did what was asked.

    Otherwise the number is that of the seconds after which to try again: those that it names, 60 at most.
    """
    try:
        with OPENER.open(request, timeout=30) as answer:
            return None, answer.read(LONGEST)
    except urllib.error.HTTPError as error:
        with error:
            named = error.headers.get("Retry-After", "")
            return min(int(named), 60) if SECONDS.fullmatch(named) else 5, error.read(LONGEST)


def refusal(body: bytes) -> Refused:
    """Returns the sentences of a problem document (RFC 9457)."""
    try:
        problem = json.loads(body)
        fields = [f"{name}: {sentence}" for name, several in problem.get("errors", {}).items() for sentence in several]
        sentences = [plain(sentence) for sentence in (problem["detail"], *fields)]
        return Refused("\n".join(sentences), str(problem.get("type", "")).rpartition(":")[2])
    except FORM:
        return Refused("The site refused, and did not say why.")


def plain(text: str) -> str:
    """Returns a text of the site as it may reach the terminal: what is not printed is written as an escape."""
    shown = (
        c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode() for c in text
    )
    return "".join(shown)


def output(text: str, to: TextIO | None = None) -> None:
    """Print lines of this program."""
    print("\n".join(map(plain, text.split("\n"))), file=to or sys.stdout, flush=True)


def site_of(url: str) -> str:
    """Returns the address of the campaign's API from the letter's address.

    It requires https, except on this computer.
    """
    parts = urlsplit(url)
    words = [word for word in parts.path.split("/") if word]
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)
    if not safe or not parts.hostname or len(words) < 2 or words[0] != "c":
        give_up(f"{url} is not the address of a letter: it must be like https://letters.example.org/c/open-letter")
    return f"{parts.scheme}://{parts.netloc}/api/campaigns/{words[1]}"


# --- The pass: docs/protocol.md §3, RFC 9474 (RSABSSA-SHA384-PSS-Randomized) ------------------------------------------


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64u(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def reveal(w0: bytes, number: int) -> bytes:
    """Returns the value of the signer's secret chain that the act with this number reveals: 0 for the first act."""
    value = w0
    for _ in range(STEPS - number):
        value = hashlib.sha256(b"petition/step/v2\0" + value).digest()
    return value


def public_hash(w0: bytes) -> bytes:
    """Returns the hash of the end of the chain, which the ledger shows."""
    return hashlib.sha256(b"petition/withdraw/v1\0" + reveal(w0, 0)).digest()


class Blinding:
    """A pass that is not stamped yet. Only `blinded` leaves this computer."""

    def __init__(self, issuer: str, cid: str) -> None:
        self.n = modulus_of(issuer)
        self.w0, self.r = secrets.token_bytes(32), secrets.token_bytes(32)
        self.hw = public_hash(self.w0)
        message = self.r + b"petition/pass/v2\0" + bytes.fromhex(cid) + self.hw
        self.encoded = pss_encode(message, secrets.token_bytes(48))
        if math.gcd(self.encoded, self.n) != 1:  # RFC 9474, section 4.2: such a key would mark this signer
            raise Refused("The campaign's key is not one. Tell the organisers; do not sign.")
        self.factor = secrets.randbelow(self.n - 2) + 2
        self.blinded = b64u((self.encoded * pow(self.factor, E, self.n) % self.n).to_bytes(256, "big"))

    def complete(self, stamp: str) -> str:
        """Returns the pass, a dot and its secret. A stamp of another key is rejected: it might mark this signer."""
        signature = int.from_bytes(unb64u(stamp), "big") * pow(self.factor, -1, self.n) % self.n
        if pow(signature, E, self.n) != self.encoded:
            raise Refused("The stamp is not of this campaign's key. Tell the organisers; do not sign.")
        return "P2." + b64u(self.hw + self.r + signature.to_bytes(256, "big")) + "." + b64u(self.w0)


def pss_encode(message: bytes, salt: bytes) -> int:
    """EMSA-PSS with SHA-384 and 48 bytes of salt for a modulus of 2048 bits (RFC 8017, section 9.1.1)."""
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(158) + b"\1" + salt
    masked = (int.from_bytes(block, "big") ^ int.from_bytes(mask_of(digest), "big")) & ((1 << 8 * 207 - 1) - 1)
    return int.from_bytes(masked.to_bytes(207, "big") + digest + b"\xbc", "big")


def mask_of(digest: bytes) -> bytes:
    """MGF1 with SHA-384 (RFC 8017, appendix B.2.1): 207 bytes."""
    return b"".join(hashlib.sha384(digest + bytes((0, 0, 0, i))).digest() for i in range(5))[:207]


def require_pass(held: str, campaign: dict[str, Any]) -> None:
    """Stop unless this is a pass of the campaign's key, with its own secret."""
    shown, _, secret = held.rpartition(".")
    try:
        raw, w0 = unb64u(shown[3:]), unb64u(secret)
    except ValueError:
        raw, w0 = b"", b""
    if not shown.startswith("P2.") or len(raw) != 320 or len(w0) != 32 or public_hash(w0) != raw[:32]:
        give_up("This is not a pass: it starts with P2. and ends with a dot and its secret.")
    message = raw[32:64] + b"petition/pass/v2\0" + bytes.fromhex(campaign["id"]) + raw[:32]
    if not pss_fits(modulus_of(campaign["groups"][0]["issuer"]), message, raw[64:]):
        raise Refused(
            "This pass is of another letter, or the site shows another key than when it was made. It was not sent."
        )


def pss_fits(n: int, message: bytes, signature: bytes) -> bool:
    """RSASSA-PSS-VERIFY with SHA-384 and 48 bytes of salt (RFC 8017, sections 8.1.2 and 9.1.2)."""
    encoded = pow(int.from_bytes(signature, "big"), E, n).to_bytes(256, "big")
    digest = encoded[207:255]
    block = int.from_bytes(encoded[:207], "big") ^ int.from_bytes(mask_of(digest), "big")
    salt = (block & (1 << 8 * 48) - 1).to_bytes(48, "big")
    return int.from_bytes(encoded, "big") == pss_encode(message, salt) and int.from_bytes(signature, "big") < n


def modulus_of(issuer: str) -> int:
    """Returns the modulus of an issuer's key, which is RSA-2048 with exponent 65537. Raises ValueError."""
    spki = unb64u(issuer)
    n = int.from_bytes(spki[33:289], "big")
    if spki[:33] + spki[289:] != SPKI + bytes.fromhex("0203010001") or n.bit_length() != 2048:
        raise ValueError
    return n


def ledger_key(vkey: str) -> tuple[str, bytes]:
    """Returns name and raw Ed25519 key of C2SP's `name+hex8+base64`. Raises ValueError."""
    name, hashed, key = vkey.split("+", 2)
    typed = base64.b64decode(key)
    if len(typed) != 33 or typed[:1] != b"\1" or hashlib.sha256(f"{name}\n".encode() + typed).hexdigest()[:8] != hashed:
        raise ValueError
    return name, typed[1:]


def fingerprint(campaign: dict[str, Any]) -> str:
    """Returns what two people compare: 40 hexadecimal digits of a hash over the ledger's and the issuers' keys."""
    keys = "\n".join([campaign["ledger_key"], *(group["issuer"] for group in campaign["groups"])])
    hashed = hashlib.sha256(b"petition/keys/v1\0" + bytes.fromhex(campaign["id"]) + keys.encode()).hexdigest()
    return " ".join(hashed[at : at + 4] for at in range(0, 40, 4))


# --- Ed25519 (RFC 8032), as in verify.py ----------------------------------------------------------------------------


def ed25519_fits(key: bytes, message: bytes, signature: bytes) -> bool:
    """Verify (section 5.1.7, without the cofactor): S·B - k·A, encoded, is R."""
    number, point = int.from_bytes(signature[32:], "little"), decode_point(key)
    if len(signature) != 64 or number >= L or point is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y = add(times(number, BASE), times(challenge, (-point[0], point[1])))
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def decode_point(data: bytes) -> tuple[int, int] | None:
    """Returns the point with this y and this parity of x (section 5.1.3)."""
    y, odd = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    x = root if root * root % P == square else root * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and odd):
        return None
    return (x if x & 1 == odd else P - x), y


def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    t = D * p[0] * q[0] * p[1] * q[1]
    x, y = p[0] * q[1] + p[1] * q[0], p[1] * q[1] + p[0] * q[0]
    return x * pow(1 + t, -1, P) % P, y * pow(1 - t, -1, P) % P


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    while number:
        total = add(total, point) if number & 1 else total
        point, number = add(point, point), number >> 1
    return total


# --- The dialogue -------------------------------------------------------------------------------------------------


def sign(given: argparse.Namespace) -> None:
    """Prove where you work, choose what is shown, and sign."""
    site = site_of(given.url)
    campaign = campaign_at(site)
    introduce(campaign, given.keys)
    name = new_file(given.receipt, "receipt", site)
    held, safe = keep_pass(site, campaign, given)
    if given.keep_pass:
        output(f"Your pass is in {safe}. Sign later, from another network: sign.py sign URL --use-pass {safe}")
        return
    try:
        redeem(site, campaign, given, held, name)
    except BaseException:
        output(f"Your pass is kept in {safe}: unless it was used, it can still sign, with --use-pass.", sys.stderr)
        raise
    output(f"Signed. It is counted with the next batch of at least {campaign['k']} signatures, at fixed times")
    output(f"{every(campaign['interval'])}. Only the last batch, when the letter closes, may hold fewer.")
    output(f"Your receipt is in {name}. Anybody who has it can withdraw your signature: keep it to yourself.")
    if safe != given.use_pass:
        os.remove(safe)  # noqa: PTH107


def redeem(site: str, campaign: dict[str, Any], given: argparse.Namespace, held: str, name: str) -> None:
    """Sign with a pass, and write the receipt if it is one."""
    choices = choose(campaign, given)
    shown, _, secret = held.rpartition(".")
    answer = call(site + "/sign", {"pass": shown, **choices})
    found = {"campaign": campaign["id"], "origin": campaign["origin"], "site": site, "w0": secret}
    faults = problems(lambda: receipt_faults(answer["receipt"], campaign, shown, choices))
    if faults:
        keep_answer({**found, "pass": shown, "answer": answer}, site, faults)
    text = json.dumps({**found, **{part: answer["receipt"][part] for part in RECEIPT}}, ensure_ascii=False)
    write_file(name, text + "\n")


def keep_pass(site: str, campaign: dict[str, Any], given: argparse.Namespace) -> tuple[str, str]:
    """Returns a pass with its secret, and the file that holds it before it is used."""
    if given.use_pass:
        held = read_file(given.use_pass).strip()
        require_pass(held, campaign)
        return held, given.use_pass
    safe = new_file(given.keep_pass, "pass", site, ".txt")
    held = get_pass(site, campaign, given)
    write_file(safe, held + "\n")
    return held, safe


def every(seconds: int) -> str:
    """Returns how often something happens, in words."""
    name, unit = next((name, unit) for name, unit in UNITS.items() if seconds % unit == 0)
    return f"every {name}" if seconds == unit else f"every {seconds // unit} {name}s"


def campaign_at(site: str) -> dict[str, Any]:
    """Returns what the site says of the campaign, once it has the form that it should have."""
    answer = call(site)
    try:
        names = ("id", "origin", "state", "title", "addressee", "ledger_key")
        groups = [{"id": str(each["id"]), "issuer": str(each["issuer"])} for each in answer["groups"]]
        demands = [{"id": str(each["id"]), "text": str(each["text"])} for each in answer["demands"]]
        domains = [str(domain) for domain in answer["groups"][0]["domains"]]
        numbers = {"k": int(answer["k"]), "interval": int(answer["interval"]), "count": int(answer["count"] or 0)}
        campaign: dict[str, Any] = {**{name: str(answer[name]) for name in names}, **numbers}
        modulus_of(groups[0]["issuer"])
        if ledger_key(campaign["ledger_key"])[0] != campaign["origin"] or len(bytes.fromhex(campaign["id"])) != 16:
            raise ValueError
        roles = [str(role) for role in answer["roles"]]
    except FORM:
        raise Refused(STRANGE) from None
    return {**campaign, "groups": groups, "demands": demands, "domains": domains, "roles": roles}


def introduce(campaign: dict[str, Any], keys: str) -> None:
    """Show what is being signed, and what to consider first. Stops if the signer expects other keys."""
    seen = fingerprint(campaign)
    if keys and "".join(keys.split()).lower() != seen.replace(" ", ""):
        raise Refused(f"The site shows other keys to you: {seen}. Do not sign, and tell others.")
    if campaign["state"] != "open":
        raise Refused("This letter is not open for signatures.")
    count = f"{campaign['count']} people signed so far." if campaign["count"] else "The count is not public yet."
    output(f"\n{plain(campaign['title'])}\nTo {plain(campaign['addressee'])}. {count}\n")
    for demand in campaign["demands"]:
        output(f"  {plain(demand['id'])}  {plain(demand['text'])}")
    output(f"\nKeys of this letter: {seen}")
    output(
        "They must be the same for everybody: whoever is shown keys of their own can be recognised. Compare them with"
    )
    output("others, or with what verify.py prints of a bundle. With --keys and this number, other keys are refused.")
    output("\nUse your own device and your own network: an employer sees what its own carry.\n")


def get_pass(site: str, campaign: dict[str, Any], given: argparse.Namespace) -> str:
    """Send a code to the work address, then get a blinded stamp."""
    group = campaign["groups"][0]
    domains = " or ".join("@" + domain for domain in campaign["domains"])
    address = given.address or ask(f"Work address ({domains}): ")
    challenge = call(site + "/verify", {"address": address})["challenge"]
    output("If it can get one, a code is on its way. The mail says nothing of this letter.")
    blinding = Blinding(group["issuer"], campaign["id"])
    while True:
        try:
            answer = call(site + "/pass", {"challenge": challenge, "code": ask("Code: "), "blinded": blinding.blinded})
            return blinding.complete(answer["stamp"])
        except Refused as no:
            if "code" not in str(no):
                raise
            output(str(no))


def problems(find: Callable[[], Iterator[str]]) -> list[str]:
    """Returns the faults of an answer. One that has not even the form of an answer is a fault."""
    try:
        return [*find()]
    except FORM:
        return ["It has not the form of a receipt."]


def receipt_faults(
    receipt: dict[str, Any], campaign: dict[str, Any], shown: str, choices: dict[str, str]
) -> Iterator[str]:
    """Yields what is wrong with the receipt of a signature with this pass and these choices (docs/protocol.md §5.6)."""
    raw = unb64u(shown[3:])
    w, r, s = (b64u(raw[start:end]) for start, end in ((0, 32), (32, 64), (64, 320)))
    yield from body_faults(receipt["body"], choices)
    c = commitment(receipt["salt"], receipt["body"])
    line = {"c": c, "d": ["*"], "g": campaign["groups"][0]["id"], "r": r, "s": s, "t": "sign", "v": 2, "w": w}
    if receipt["entry"] != ENCODE(line):
        yield "Its entry is not the one of your pass, with what you chose."
    leaf = hashlib.sha256(b"\0" + receipt["entry"].encode()).digest()
    promise = b"petition/promise/v2\0" + bytes.fromhex(campaign["id"]) + leaf + NEXT_BATCH.to_bytes(8, "big")
    if receipt["by_epoch"] != NEXT_BATCH:
        yield "It does not promise the next batch."
    if not ed25519_fits(ledger_key(campaign["ledger_key"])[1], promise, unb64u(receipt["promise"])):
        yield "Its promise was not signed by the ledger's key."
    if len(unb64u(receipt["ticket"])) != 16:
        yield "It has no ticket."


def change_faults(receipt: dict[str, Any], choices: dict[str, str]) -> Iterator[str]:
    """Yields what is wrong with the receipt of a change to these choices."""
    yield from body_faults(receipt["body"], choices)
    if receipt["commitment"] != commitment(receipt["salt"], receipt["body"]):
        yield "Its commitment is not to what it shows."


def body_faults(body: dict[str, str], choices: dict[str, str]) -> Iterator[str]:
    """Yields what a body shows otherwise than it was chosen. The site composes letters and drops needless spaces."""
    if {*body} != {*SHOWS}:
        yield "It has not the form of a receipt."
    for name in SHOWS:
        if tidy(body[name]) != tidy(choices.get(name, "")):
            yield f"You chose {name}: {plain(choices.get(name, '')) or 'nothing'}. It has: {plain(body[name]) or 'nothing'}."


def tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def commitment(salt: str, body: dict[str, str]) -> str:
    """Returns the `c` of an entry: the salted hash of what the signature shows."""
    return b64u(hashlib.sha256(b"petition/body/v2\0" + unb64u(salt) + ENCODE(body).encode()).digest())


def keep_answer(document: dict[str, Any], site: str, faults: list[str]) -> NoReturn:
    """Write an answer that is not what it should be, and say what is wrong with it."""
    name = new_file("", "answer", site)
    write_file(name, json.dumps(document) + "\n")
    sentence = "\n".join(["The site's answer is no receipt of your signature:", *faults])
    raise Refused(
        f"{sentence}\nThe site may have used your pass all the same. Its answer and your secret are in {name}: show nobody the secret."
    )


def choose(campaign: dict[str, Any], given: argparse.Namespace) -> dict[str, str]:
    """Ask what the public sees. The default is anonymous."""
    show = given.show or ask("Shown as: anonymous, role or name [anonymous]: ", "anonymous")
    choices = {"show": show, "role": given.role, "team": given.team, "name": given.name, "comment": given.comment}
    if show in {"role", "name"} and not choices["role"] and campaign["roles"]:
        choices["role"] = ask(f"Role ({', '.join(campaign['roles'])}){'' if show == 'role' else ', or nothing'}: ", "")
    if show == "name" and not choices["name"]:
        choices["name"] = ask("Full name: ")
    if given.at_least:
        choices["publish_at"] = given.at_least
    return {name: value for name, value in choices.items() if value}


def change_mind(given: argparse.Namespace) -> None:
    """Withdraw the signature, or hide the name."""
    state = act(read_receipt(given.file), given, {})["state"]
    output(
        {"withdrawn": "Withdrawn: it no longer counts.", "removed": "It was removed before."}.get(
            state, "Hidden: it counts, and nothing is shown of it."
        )
    )


def act(kept: dict[str, Any], given: argparse.Namespace, more: dict[str, Any]) -> Any:
    """Withdraw, hide or amend with one value of the secret chain. The file says that it was sent before it is."""
    status = status_of(kept)
    if given.act == "withdraw" and status["state"] in {"withdrawn", "removed"}:
        return status
    number = next_value(kept["used"], status, given.used)
    remember(given.file, max(kept["used"], number + 1))
    try:
        value = b64u(reveal(unb64u(kept["w0"]), number))
        return call(f"{kept['site']}/{given.act}", {"withdraw": value, **more})
    except Refused as no:
        raise Refused(used_before(number)) if no.kind == "value-used" else no from None


def next_value(sent: int, status: dict[str, Any], asked: int | None) -> int:
    """Returns the number of the only value that may be sent now: 0 for the first act.

    The site knows how many were used, but is not believed when it says more than this file: each value also gives away
    all values before it, and the last one is the secret itself. Then only the signer can say which one is next.
    """
    if asked is not None:
        return asked
    used = status.get("used", 0)
    if type(used) is not int or used < 0:
        raise Refused(STRANGE)
    if sent > STEPS or used > STEPS:
        raise Refused("This signature was changed nine times; that is as often as it can be.")
    if used > sent:
        raise Refused(
            f"Nothing was sent. The site says that values used: {used}; this file says: {sent}. {ELSEWHERE.format(used)}"
        )
    if used == STEPS:
        raise Refused("Nothing was sent. Only the last value is left: the secret itself. To send it, add --used 8.")
    return used


def used_before(number: int) -> str:
    """Returns what to say when the site refuses a value as used."""
    sentence = f"Nothing was changed. The site says that value {number + 1} of your secret was used before."
    if number == STEPS:
        return sentence + " It was the last one."
    return f"{sentence} No other one was sent. {ELSEWHERE.format(number + 1)}"


def status_of(kept: dict[str, Any]) -> dict[str, Any]:
    """Returns what the site says of the signature to whoever has the receipt's ticket."""
    leaf = hashlib.sha256(b"\0" + kept["entry"].encode()).digest()
    status = call(f"{kept['site']}/receipt/{b64u(leaf)}", ticket=kept["ticket"])
    if not isinstance(status, dict) or not isinstance(status.get("state"), str):
        raise Refused(STRANGE)
    return status


def amend(given: argparse.Namespace) -> None:
    """Change what the signature shows, and write a receipt that has the change."""
    kept = read_receipt(given.file)
    choices = choose(campaign_at(kept["site"]), given)
    name = new_file(given.receipt, "receipt", kept["site"], "-changed.json")
    answer = act(kept, given, choices)
    faults = problems(lambda: change_faults(answer["receipt"], choices))
    if faults:
        keep_answer({"answer": answer}, kept["site"], faults)
    changed = {part: answer["receipt"][part] for part in CHANGED}
    write_file(name, json.dumps({**json.loads(read_file(given.file)), **changed}, ensure_ascii=False) + "\n")
    output("Changed. What was shown before is gone from the pages; the change follows with all changes of this week,")
    output(f"once your signature is in the ledger. The new receipt is in {name}.")


def look(given: argparse.Namespace) -> None:
    """Print the signature's status and, once it is in the ledger, its entry, its batch and the size of its proof."""
    kept = read_receipt(given.file)
    status = status_of(kept)
    output(f"state: {plain(status['state'])}")
    if "index" in status:
        proof = [unb64u(each) for each in status["proof"]]
        output(f"entry: {status['index']}, batch {status['epoch']}, proven by {len(proof)} hashes")
        output("Check it offline: python3 verify.py bundle.zip --receipt " + given.file)


def read_receipt(name: str) -> dict[str, Any]:
    """Returns what acts need of a receipt. `used`: how many values of the secret were sent with this file."""
    try:
        kept = json.loads(read_file(name))
        site_of(kept["site"].replace("/api/campaigns/", "/c/"))
        return {**{key: str(kept[key]) for key in ("site", "entry", "w0", "ticket")}, "used": int(kept.get("used", 0))}
    except (ValueError, KeyError, TypeError, AttributeError):
        give_up(f"{name} is not a receipt that sign.py wrote.")


def ask(question: str, otherwise: str | None = None) -> str:
    """Ask for one line in the terminal, and ask again while an answer is required."""
    while True:
        try:
            answer = input(plain(question)).strip()
        except EOFError:
            give_up("The answer ended before the questions did.")
        if answer or otherwise is not None:
            return answer or otherwise or ""


def read_file(name: str) -> str:
    try:
        with open(name, encoding="utf-8") as file:  # noqa: PTH123 (one file, no more imports than needed)
            return file.read(20_000)
    except (OSError, ValueError) as error:
        give_up(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.")


def write_file(name: str, text: str) -> None:
    """Write a file that only its owner can read. An existing file is never overwritten."""
    try:
        with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
    except OSError as error:
        output(text)
        give_up(f"{name} cannot be written ({error.strerror}): keep the lines above yourself.")


def new_file(given: str, kind: str, site: str, end: str = ".json") -> str:
    """Returns the name of a file that does not exist: the given one, or one made of the letter's name."""
    letter = re.sub("[^A-Za-z0-9_-]", "-", site.rpartition("/")[2])[:60]
    names = (
        [given] if given else [f"{kind}-{letter}{number}{end}" for number in ("", *map("-{}".format, range(2, 100)))]
    )
    free = [name for name in names if not os.path.lexists(name)]
    return free[0] if free else give_up(f"{names[0]} exists already, and is not overwritten. Nothing was sent.")


def remember(name: str, used: int) -> None:
    """Write into a receipt how many values of its secret were sent. The file is whole at every moment."""
    try:
        text = json.dumps({**json.loads(read_file(name)), "used": used}, ensure_ascii=False)
        with open(os.open(name + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name + ".new", name)  # noqa: PTH105
    except OSError as error:
        give_up(f"{name} cannot be written ({error.strerror}). Nothing was sent.")


def give_up(sentence: str) -> NoReturn:
    output(sentence, sys.stderr)
    sys.exit(2)


SHOWN = (
    ("--show", "anonymous, role or name"), ("--name", "full name"), ("--role", "role"), ("--team", "team"),
    ("--comment", "a comment"), ("--at-least", "publish the name only when so many names are public"),
)  # fmt: skip
CHANGES = (
    ("withdraw", "take the signature back"), ("hide", "take the name off"), ("amend", "change what the signature shows"),
)  # fmt: skip


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sign.py", description="Sign a letter from a terminal.")
    acts = parser.add_subparsers(dest="act", required=True)
    signing = acts.add_parser("sign", help="prove where you work, choose what is shown, sign")
    signing.add_argument("url", help="the letter's address")
    for name, text in (
        ("--address", "work address"), *SHOWN,
        ("--keys", "the fingerprint of the letter's keys, as you got it elsewhere"),
        ("--keep-pass", "only get a pass, and keep it in this file"), ("--use-pass", "sign with a pass that was kept"),
        ("--receipt", "file for the receipt"),
    ):  # fmt: skip
        signing.add_argument(name, default="", help=text, metavar=name[2:].upper())
    looking = acts.add_parser("receipt", help="where it stands")
    looking.add_argument("file", help="the receipt's file")
    changing = [acts.add_parser(name, help=text) for name, text in CHANGES]
    for each in changing:
        each.add_argument("file", help="the receipt's file")
        each.add_argument("--used", type=int, choices=range(STEPS + 1), help="so many values of the secret were used")
    for name, text in SHOWN:
        changing[-1].add_argument(name, default="", help=text, metavar=name[2:].upper())
    changing[-1].add_argument("--receipt", default="", help="file for the changed receipt", metavar="RECEIPT")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    given = arguments(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        {"sign": sign, "receipt": look, "amend": amend}.get(given.act, change_mind)(given)
    except Refused as no:
        output(str(no), sys.stderr)
        return 1
    except FORM:
        output(STRANGE, sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
