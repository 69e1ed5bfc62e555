"""A site of our own making for the terminal's signer: honest until a test tells it which call to answer otherwise."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.wrappers import Request, Response

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import Pass
from petition.core.encoding import b64u, unb64u
from petition.ledger import checkpoint, merkle
from petition.ledger.entries import Body, SignEntry, Visibility, commitment
from tests.support.served import served

SLUG = "open-letter"
ORIGIN = f"letters.example.org/c/{SLUG}"
FIELDS = ("name", "role", "team", "comment")

one_key = cache(rsabssa.generate_key)
"""The issuer's key of these sites: found once a process."""

Told = dict[str, Any]
Turn = Callable[[Told], Any]


class FalseSite:
    """Answers the calls of docs/api.md for one campaign. `turns` changes the honest answer to a call by its name.

    A turn gets what was honestly told, and returns what is told in its place; a `Response` is passed on as it is.
    `heard` holds every call: its name, what was sent, and the headers.
    """

    def __init__(self) -> None:
        self.issuer, self.ledger = one_key(), Ed25519PrivateKey.generate()
        self.cid, self.used = secrets.token_bytes(16), 0
        self.turns: dict[str, Turn] = {}
        self.heard: list[tuple[str, Told, dict[str, str]]] = []
        self.url = ""

    @property
    def letter(self) -> str:
        """The address that a signer gives."""
        return f"{self.url}/c/{SLUG}"

    @property
    def vkey(self) -> str:
        """The ledger's verifier key."""
        return checkpoint.vkey(ORIGIN, checkpoint.public_bytes(self.ledger))

    def app(self, url: str) -> Callable[..., Any]:
        """The WSGI application, for `served`."""
        self.url = url
        return Request.application(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer one call."""
        parts = request.path.split("/")[4:]
        name = parts[0] if parts else "campaign"
        given = json.loads(request.data) if request.data else {}
        self.heard.append((name, given, dict(request.headers)))
        told = getattr(self, f"on_{name}")(given)
        told = self.turns[name](told) if name in self.turns else told
        return told if isinstance(told, Response) else Response(json.dumps(told), content_type="application/json")

    def sent(self, name: str) -> list[Told]:
        """What was sent to a call, in order."""
        return [given for heard, given, _ in self.heard if heard == name]

    def on_campaign(self, given: Told) -> Told:
        """The campaign, as far as the signer reads it."""
        group = {"id": "g1", "issuer": b64u(rsabssa.spki(self.issuer.public)), "domains": ["salesforce.example"]}
        return {
            "id": self.cid.hex(), "slug": SLUG, "origin": ORIGIN, "state": "open", "title": "Open letter",
            "addressee": "Ms Example", "count": None, "demands": [], "groups": [group], "k": 10, "interval": 3600,
            "roles": ["Engineer"], "ledger_key": self.vkey,
        }  # fmt: skip

    def on_verify(self, given: Told) -> Told:
        """A challenge for every address."""
        return {"challenge": b64u(secrets.token_bytes(16))}

    def on_pass(self, given: Told) -> Told:
        """A stamp for every code."""
        return {"stamp": b64u(rsabssa.blind_sign(self.issuer, unb64u(given["blinded"], 256)))}

    def on_sign(self, given: Told) -> Told:
        """The receipt of a signature."""
        shown = {name: given.get(name, "") for name in FIELDS}
        return {"receipt": self.receipt(Pass.decode(given["pass"]), Body(Visibility(given["show"]), **shown))}

    def receipt(self, held: Pass, body: Body, key: Ed25519PrivateKey | None = None) -> Told:
        """A receipt of an entry with this pass and body."""
        salt = secrets.token_bytes(32)
        entry = SignEntry(commitment(salt, body), held.hw, held.r, held.sig)
        due = checkpoint.NEXT_BATCH
        promise = checkpoint.sign_promise(key or self.ledger, self.cid, merkle.leaf_hash(entry.line()), due)
        told = {"entry": entry.line().decode(), "salt": b64u(salt), "body": body.fields(), "by_epoch": due}
        return {**told, "ticket": b64u(secrets.token_bytes(16)), "promise": b64u(promise)}

    def on_receipt(self, given: Told) -> Told:
        """The status of the only signature."""
        return {"state": "logged"} | ({"used": self.used} if self.used else {})

    def on_hide(self, given: Told) -> Told:
        """An act that is done, and uses a value."""
        self.used += 1
        return {"state": "logged"}

    def on_withdraw(self, given: Told) -> Told:
        """A withdrawal that is done."""
        self.used += 1
        return {"state": "withdrawn"}


def problem(status: int, kind: str, detail: str = "No.") -> Response:
    """A refusal, as RFC 9457 writes it."""
    told = {"type": f"urn:undersigned:problem:{kind}", "title": "No", "status": status, "detail": detail}
    return Response(json.dumps(told), status, content_type="application/problem+json")


def values(w0: str) -> list[str]:
    """The nine values of a signer's secret chain, in the order in which acts reveal them."""
    return [b64u(passes.reveal(unb64u(w0, 32), number)) for number in range(9)]


@contextmanager
def false_site() -> Iterator[FalseSite]:
    """Serve such a site."""
    site = FalseSite()
    with served(site.app):
        yield site
