"""What people do with an earlier version and go on with after an upgrade: signatures, passes, links, sessions."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode

from petition.config.addresses import PROJECT
from petition.publication.bundle_file import bundle_path
from tests.support.earlier import Earlier, said
from tests.support.foreign_client import (
    SLUG,
    Applicant,
    api,
    b64u,
    call,
    chain,
    emsa_pss,
    leaf_hash,
    modulus,
    unb64u,
    verified,
)
from tests.support.inbox import link, mail_to
from tests.support.installation import Running
from tests.support.waiting import until

TEXTS: Final = {"en": "We met the board.", "fr": "Nous avons vu la direction."}


class Browser:
    """Somebody's browser: cookies, and what a page answers."""

    def __init__(self) -> None:
        # Browsers send a secure cookie to localhost without TLS, too.
        jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def opens(self, url: str, **form: str) -> tuple[int, str]:
        """Status and text of a page; with fields it is a form that is sent."""
        data = urlencode(form).encode() if form else None
        try:
            with self._opener.open(url, data, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def presses(self, url: str) -> tuple[int, str]:
        """Press the only button of a page."""
        return self.opens(url, pressed="yes")


@dataclass
class Before:
    """What people hold when the earlier code stops."""

    count: int
    checkpoint: str
    receipt: dict[str, Any]
    receipt_file: str
    w0: bytes
    unused: str
    confirm: str
    invitation: str
    owner: Browser = field(default_factory=Browser)


def in_a_batch(running: Running, leaf: str) -> None:
    """Wait until a batch has taken a signature."""
    until("the batch", lambda: call(api(running, f"/receipt/{leaf}")).body, lambda found: found["state"] == "logged")


def publishes_an_update(old: Earlier, running: Running, folder: Path) -> None:
    """Publish an update with the old code."""
    texts = []
    for lang, text in TEXTS.items():
        (folder / lang).write_text(text, encoding="utf-8")
        texts += ["--text", f"{lang}={folder / lang}"]
    old.command(running, "update", "publish", SLUG, *texts)


def asks_for_mail(running: Running) -> str:
    """The link that confirms a subscription, of a mail that nobody has answered yet."""
    form = {"address": "mallory@post.example", "rhythm": "weekly", "lang": "en"}
    assert Browser().opens(f"{running.url}/c/{SLUG}/subscribe", **form)[0] == 200
    return link(mail_to(running, form["address"], ""), "confirm")


def lives(old: Earlier, running: Running, folder: Path) -> Before:
    """People sign, keep a pass for later, ask for mail; organisers sign in, publish an update and invite somebody."""
    owner = Browser()
    assert owner.presses(running.sign_in)[0] == 200
    applicant, held = verified(running, "suzie@salesforce.example")
    answer = call(api(running, "/sign"), {"pass": held, "show": "name", "name": "Suzie Quux"})
    assert answer.status == 201
    receipt = answer.body["receipt"]
    in_a_batch(running, b64u(leaf_hash(receipt["entry"])))
    invited = old.command(running, "organiser", "invite", "--campaign", SLUG, "--role", "editor")
    publishes_an_update(old, running, folder)
    return Before(
        count=call(api(running, "/count")).body["count"],
        checkpoint=call(f"{running.url}/c/{SLUG}/checkpoint").body.decode(),
        receipt=receipt,
        receipt_file=json.dumps(receipt),
        w0=applicant.w0,
        unused=verified(running, "alice@salesforce.example")[1],
        confirm=asks_for_mail(running),
        invitation=re.search(r"http\S+", invited)[0],  # type: ignore[index]
        owner=owner,
    )


def recounts(running: Running, before: Before, folder: Path) -> str:
    """What the new verify.py says of the new bundle, the old checkpoint and the old receipt."""
    (folder / "bundle.zip").write_bytes(urllib.request.urlopen(f"{running.url}/c/{SLUG}/bundle.zip").read())
    (folder / "verify.py").write_bytes(urllib.request.urlopen(f"{running.url}/verify.py").read())
    (folder / "old").write_text(before.checkpoint)
    (folder / "receipt").write_text(before.receipt_file)
    argv = [sys.executable, "-I", "verify.py", "bundle.zip", "--old", "old", "--receipt", "receipt"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def goes_on(running: Running, before: Before, folder: Path) -> None:
    """Everybody goes on with what they hold."""
    assert call(api(running, "/count")).body["count"] == before.count
    assert ", counted" in recounts(running, before, folder)
    page = Browser().opens(f"{running.url}/c/{SLUG}")[1]
    assert TEXTS["en"] in page
    assert [each["name"] for each in call(api(running, "/signers?q=quux")).body["named"]] == ["Suzie Quux"]
    status, dashboard = before.owner.opens(f"{running.url}/organise")
    assert (status, "/organise/sign-out" in dashboard) == (200, True), "the session ended"
    answer = call(api(running, "/sign"), {"pass": before.unused, "show": "anonymous"})
    assert answer.status == 201, answer.body
    in_a_batch(running, b64u(leaf_hash(answer.body["receipt"]["entry"])))
    assert "You are subscribed" in Browser().presses(before.confirm)[1]
    editor = Browser()
    assert editor.opens(before.invitation, name="Rita")[0] == 200
    assert "/organise/sign-out" in editor.opens(f"{running.url}/organise/c/{SLUG}")[1]
    hidden = call(api(running, "/hide"), {"withdraw": b64u(chain(before.w0, 8))})
    assert hidden.body == {"state": "logged"}
    assert call(api(running, "/withdraw"), {"withdraw": b64u(chain(before.w0, 7))}).body == {"state": "withdrawn"}
    said(sys.executable, PROJECT, running, "ledger", "verify")


class OldApplicant(Applicant):
    """The client's half in version 1 of the protocol."""

    def __post_init__(self) -> None:
        """Blind a value whose message is the one of version 1."""
        super().__post_init__()
        self.w = self.w0
        self.hw = hashlib.sha256(b"petition/withdraw/v1\0" + self.w).digest()
        self.encoded = emsa_pss(self.r + b"petition/pass/v1\0" + self.cid + self.hw, self.n.bit_length() - 1)
        self.blinded = b64u((self.encoded * pow(self.factor, 65537, self.n) % self.n).to_bytes(256))

    def complete(self, stamp: str) -> str:
        """The pass, as version 1 writes it."""
        raw = unb64u(super().complete(stamp).removeprefix("P2."))
        return "P1." + b64u(self.w + raw[32:])


def signs_in_version_1(running: Running) -> str:
    """The file of the receipt of a signature that a batch has taken."""
    letter, address = call(api(running)).body, "suzie@salesforce.example"
    asked = call(api(running, "/verify"), {"address": address, "lang": "en"})
    assert asked.status == 202
    applicant = OldApplicant(modulus(unb64u(letter["issuer"])), bytes.fromhex(letter["id"]))
    given = {"challenge": asked.body["challenge"], "code": running.code_for(address), "blinded": applicant.blinded}
    held = applicant.complete(call(api(running, "/pass"), given).body["stamp"])
    answer = call(api(running, "/sign"), {"pass": held, "show": "name", "name": "Suzie Quux"})
    assert answer.status == 201, answer.body
    in_a_batch(running, b64u(leaf_hash(answer.body["receipt"]["entry"])))
    return json.dumps(answer.body["receipt"])


def published(running: Running, count: int) -> bytes:
    """The bundle on the disk once it has so many signatures."""
    program = Path(tempfile.mkdtemp()) / "verify.py"
    program.write_bytes(urllib.request.urlopen(f"{running.url}/verify.py").read())
    path = bundle_path(running.home, SLUG)

    def counted() -> list[str]:
        argv = [sys.executable, "-I", program, path]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()

    until("the bundle of the last batch", counted, lambda words: words[:2] == ["counted", str(count)])
    shutil.rmtree(program.parent)
    return path.read_bytes()


def recounts_there(told: str, receipt: str) -> Path:
    """The folder of the public record that a command named: its own verify.py recounts it and finds the receipt."""
    record = Path(re.search(r"is in (\S+)\.$", told, re.MULTILINE)[1])  # type: ignore[index]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(receipt)
        file.flush()
        argv = [sys.executable, "-I", "verify.py", "bundle.zip", "--receipt", file.name]
        done = subprocess.run(argv, cwd=record, capture_output=True, text=True, check=False)
    assert (done.returncode, ", counted" in done.stdout) == (0, True), done.stdout + done.stderr
    return record
