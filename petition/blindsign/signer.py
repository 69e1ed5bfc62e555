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
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from typing import Any, NoReturn
from urllib.parse import urlsplit

LOCAL = {"localhost", "127.0.0.1", "::1"}
E = 65537
UNITS = {"hour": 3600, "minute": 60, "second": 1}
STEPS = 8
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


def call(url: str, document: dict[str, Any] | None = None, ticket: str = "") -> Any:
    """Send GET, or POST with JSON. Raises Refused with the site's own sentence."""
    data = None if document is None else json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "sign.py"}
    headers.update({"Petition-Ticket": ticket} if ticket else {})
    request = urllib.request.Request(url, data, headers)  # noqa: S310 (checked in site_of)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (checked in site_of)
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise refusal(error.read()) from None
    except (OSError, ValueError):
        raise Refused("The site cannot be reached, or does not answer as it should. Try again.") from None


def refusal(body: bytes) -> Refused:
    """Returns the sentences of a problem document (RFC 9457)."""
    try:
        problem = json.loads(body)
        fields = [f"{name}: {sentence}" for name, several in problem.get("errors", {}).items() for sentence in several]
        return Refused("\n".join([problem["detail"], *fields]), str(problem.get("type", "")).rpartition(":")[2])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refused("The site refused, and did not say why.")


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


class Blinding:
    """A pass that is not stamped yet. Only `blinded` leaves this computer."""

    def __init__(self, issuer: str, cid: str) -> None:
        self.n = int.from_bytes(unb64u(issuer)[33:289], "big")  # the modulus in an RSA-2048 SubjectPublicKeyInfo
        self.w0, self.r = secrets.token_bytes(32), secrets.token_bytes(32)
        self.hw = hashlib.sha256(b"petition/withdraw/v1\0" + reveal(self.w0, 0)).digest()
        self.encoded = pss_encode(self.r + b"petition/pass/v2\0" + bytes.fromhex(cid) + self.hw)
        self.factor = secrets.randbelow(self.n - 2) + 2
        self.blinded = b64u((self.encoded * pow(self.factor, E, self.n) % self.n).to_bytes(256, "big"))

    def complete(self, stamp: str) -> str:
        """Returns the pass, a dot and its secret. A stamp of another key is rejected: it might mark this signer."""
        signature = int.from_bytes(unb64u(stamp), "big") * pow(self.factor, -1, self.n) % self.n
        if pow(signature, E, self.n) != self.encoded:
            raise Refused("The stamp is not of this campaign's key. Tell the organisers; do not sign.")
        return "P2." + b64u(self.hw + self.r + signature.to_bytes(256, "big")) + "." + b64u(self.w0)


def pss_encode(message: bytes) -> int:
    """EMSA-PSS with SHA-384 and 48 bytes of salt for a modulus of 2048 bits (RFC 8017, section 9.1.1)."""
    salt = secrets.token_bytes(48)
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(158) + b"\1" + salt
    mask = b"".join(hashlib.sha384(digest + bytes((0, 0, 0, i))).digest() for i in range(5))[:207]
    masked = (int.from_bytes(block, "big") ^ int.from_bytes(mask, "big")) & ((1 << 8 * 207 - 1) - 1)
    return int.from_bytes(masked.to_bytes(207, "big") + digest + b"\xbc", "big")


# --- The dialogue -------------------------------------------------------------------------------------------------


def sign(given: argparse.Namespace) -> None:
    """Prove where you work, choose what is shown, and sign."""
    site = site_of(given.url)
    campaign = call(site)
    introduce(campaign)
    held = read_file(given.use_pass).strip() if given.use_pass else get_pass(site, campaign, given)
    if given.keep_pass:
        write_file(given.keep_pass, held + "\n")
        print(
            f"Your pass is in {given.keep_pass}. Sign later, from another network: sign.py sign URL --use-pass {given.keep_pass}"
        )
        return
    choices = choose(campaign, given)
    shown, _, secret = held.rpartition(".")
    if not shown.startswith("P2."):
        give_up("This is not a pass: it starts with P2. and ends with a dot and its secret.")
    try:
        receipt = call(site + "/sign", {"pass": shown, **choices})["receipt"]
    except Refused:
        rescue = f"pass-{campaign['slug']}.txt"
        write_file(rescue, held + "\n")
        print(f"Your pass is kept in {rescue}: it can still sign, with --use-pass.", file=sys.stderr)
        raise
    name = given.receipt or f"receipt-{campaign['slug']}.json"
    kept = {"campaign": campaign["id"], "origin": campaign["origin"], "site": site, **receipt, "w0": secret}
    write_file(name, json.dumps(kept, ensure_ascii=False) + "\n")
    print(f"Signed. It is counted with the next batch of at least {campaign['k']} signatures, at fixed times")
    print(f"{every(campaign['interval'])}. Only the last batch, when the letter closes, may hold fewer.")
    print(f"Your receipt is in {name}. Anybody who has it can withdraw your signature: keep it to yourself.")


def every(seconds: int) -> str:
    """Returns how often something happens, in words."""
    name, unit = next((name, unit) for name, unit in UNITS.items() if seconds % unit == 0)
    return f"every {name}" if seconds == unit else f"every {seconds // unit} {name}s"


def introduce(campaign: dict[str, Any]) -> None:
    """Show what is being signed, and what to consider first."""
    if campaign["state"] != "open":
        raise Refused("This letter is not open for signatures.")
    count = f"{campaign['count']} people signed so far." if campaign["count"] else "The count is not public yet."
    print(f"\n{campaign['title']}\nTo {campaign['addressee']}. {count}\n")
    for demand in campaign["demands"]:
        print(f"  {demand['id']}  {demand['text']}")
    print("\nUse your own device and your own network: an employer sees what its own carry.\n")


def get_pass(site: str, campaign: dict[str, Any], given: argparse.Namespace) -> str:
    """Send a code to the work address, then get a blinded stamp."""
    group = campaign["groups"][0]
    domains = " or ".join("@" + domain for domain in group["domains"])
    address = given.address or ask(f"Work address ({domains}): ")
    challenge = call(site + "/verify", {"address": address})["challenge"]
    print("If it can get one, a code is on its way. The mail says nothing of this letter.")
    blinding = Blinding(group["issuer"], campaign["id"])
    while True:
        try:
            answer = call(site + "/pass", {"challenge": challenge, "code": ask("Code: "), "blinded": blinding.blinded})
            return blinding.complete(answer["stamp"])
        except Refused as no:
            if "code" not in str(no):
                raise
            print(no)


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
    print(
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
    said = f"Nothing was changed. The site says that value {number + 1} of your secret was used before."
    if number == STEPS:
        return said + " It was the last one."
    return f"{said} No other one was sent. {ELSEWHERE.format(number + 1)}"


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
    campaign = call(kept["site"])
    receipt = act(kept, given, choose(campaign, given))["receipt"]
    name = given.receipt or f"receipt-{campaign['slug']}-changed.json"
    write_file(name, json.dumps({**json.loads(read_file(given.file)), **receipt}, ensure_ascii=False) + "\n")
    print("Changed. What was shown before is gone from the pages; the change follows with all changes of this week,")
    print(f"once your signature is in the ledger. The new receipt is in {name}.")


def look(given: argparse.Namespace) -> None:
    """Print the signature's status and, once it is in the ledger, its entry, its batch and the size of its proof."""
    kept = read_receipt(given.file)
    status = status_of(kept)
    print(f"state: {status['state']}")
    if "index" in status:
        proof = [unb64u(each) for each in status["proof"]]
        print(f"entry: {status['index']}, batch {status['epoch']}, proven by {len(proof)} hashes")
        print("Check it offline: python3 verify.py bundle.zip --receipt " + given.file)


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
            answer = input(question).strip()
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
        print(text)
        give_up(f"{name} cannot be written ({error.strerror}): keep the lines above yourself.")


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
    print(sentence, file=sys.stderr)
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
    try:
        {"sign": sign, "receipt": look, "amend": amend}.get(given.act, change_mind)(given)
    except Refused as no:
        print(no, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
