"""The browser's half of a pass, in a real browser under the site's content policy."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error as BrowserError

from petition.blindsign import passes, rsabssa
from petition.blindsign.passes import KeptPass, PassMalformed
from petition.core.encoding import b64u, unb64u

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


ROOT = Path(__file__).parents[2]
STATIC = ROOT / "petition" / "static"
DATA = ROOT / "tests" / "domain" / "data" / "rfc9474-vectors.json"
VECTORS = {vector["name"]: vector for vector in json.loads(DATA.read_text())}
WITH_SALT = [name for name, vector in VECTORS.items() if vector["salt"]]
CID = bytes(range(16))


@pytest.fixture(scope="module")
def issuer() -> rsabssa.PrivateKey:
    return rsabssa.generate_key()


def vector_spki(vector: dict[str, str]) -> str:
    public = rsabssa.PublicKey(int(vector["n"], 16), int(vector["e"], 16))
    return rsabssa.spki(public).hex()


BLIND = """async ([spki, message, prefix, salt, inverse]) => {
    const { blind } = await import("/js/rsabssa.js");
    const { hex, unhex } = await import("/js/encoding.js");
    const known = { prefix: unhex(prefix), salt: unhex(salt), rInverse: BigInt("0x" + inverse) };
    const made = await blind(unhex(spki), unhex(message), known);
    return { blinded: hex(made.blinded), prepared: hex(made.prepared), inverse: made.inverse.toString(16) };
}"""

FINALIZE = """async ([spki, prepared, stamp, inverse]) => {
    const { finalize } = await import("/js/rsabssa.js");
    const { hex, unhex } = await import("/js/encoding.js");
    return hex(await finalize(unhex(spki), unhex(prepared), unhex(stamp), BigInt("0x" + inverse)));
}"""


@pytest.mark.parametrize("name", VECTORS)
def test_browser_blinds_every_vector_to_the_byte(tab: Page, name: str) -> None:
    vector = VECTORS[name]
    made = tab.evaluate(
        BLIND, [vector_spki(vector), vector["msg"], vector["msg_prefix"], vector["salt"], vector["inv"]]
    )
    assert made["blinded"] == vector["blinded_msg"]
    assert made["prepared"] == vector["prepared_msg"]
    assert int(made["inverse"], 16) == int(vector["inv"], 16)


def finalized(tab: Page, vector: dict[str, str], stamp: str) -> str:
    signature: str = tab.evaluate(FINALIZE, [vector_spki(vector), vector["prepared_msg"], stamp, vector["inv"]])
    return signature


@pytest.mark.parametrize("name", VECTORS)
def test_browser_finalizes_the_vectors_of_our_salt_length_and_no_other(tab: Page, name: str) -> None:
    vector = VECTORS[name]
    if name in WITH_SALT:
        assert finalized(tab, vector, vector["blind_sig"]) == vector["sig"]
        return
    with pytest.raises(BrowserError, match="StampInvalid"):
        finalized(tab, vector, vector["blind_sig"])


@pytest.mark.parametrize("spoilt", ["00", "", "ff"])
def test_browser_refuses_a_stamp_of_another_value_or_length(tab: Page, spoilt: str) -> None:
    vector = VECTORS[WITH_SALT[0]]
    stamp = vector["blind_sig"]
    for wrong in (stamp[:-2] + spoilt, spoilt + stamp[2:] + spoilt, spoilt):
        with pytest.raises(BrowserError, match="StampInvalid"):
            finalized(tab, vector, wrong)


BEGIN = """async ([issuer, campaign]) => {
    const { begin } = await import("/js/pass.js");
    const started = performance.now();
    globalThis.applying = await begin(issuer, campaign);
    return { blinded: applying.blinded, milliseconds: performance.now() - started };
}"""


def applied(tab: Page, issuer: rsabssa.PrivateKey) -> bytes:
    """The blinded value of a pass begun in the page."""
    begun: dict[str, Any] = tab.evaluate(BEGIN, [b64u(rsabssa.spki(issuer.public)), CID.hex()])
    return unb64u(begun["blinded"], issuer.public.length)


def completed(tab: Page, issuer: rsabssa.PrivateKey) -> str:
    """A pass made in the page, with the server's stamp."""
    stamp = rsabssa.blind_sign(issuer, applied(tab, issuer))
    return str(tab.evaluate("async (stamp) => await applying.complete(stamp)", b64u(stamp)))


def test_pass_made_in_the_browser_is_accepted_by_the_server(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    text = completed(tab, issuer)
    kept = KeptPass.decode(text)
    assert kept.encode() == text
    assert passes.check(issuer.public, CID, kept.held)
    assert not passes.check(issuer.public, bytes(16), kept.held)
    parts = tab.evaluate("async (text) => (await import('/js/pass.js')).decode(text)", text)
    assert parts == {"pass": kept.held.encode(), "w0": b64u(kept.w0)}
    values = tab.evaluate(
        "async (w0) => { const { reveal } = await import('/js/pass.js');"
        " return Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8].map((number) => reveal(w0, number))); }",
        b64u(kept.w0),
    )
    assert values == [b64u(passes.reveal(kept.w0, number)) for number in range(9)]


def test_a_pass_begun_again_with_its_secrets_asks_for_the_same_stamp(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    first = applied(tab, issuer)
    again = tab.evaluate(
        """async ([issuer, campaign]) => {
            const { begin } = await import("/js/pass.js");
            globalThis.applying = await begin(issuer, campaign, JSON.parse(JSON.stringify(applying.secrets)));
            return applying.blinded;
        }""",
        [b64u(rsabssa.spki(issuer.public)), CID.hex()],
    )
    assert unb64u(again, 256) == first
    stamp = rsabssa.blind_sign(issuer, first)
    kept = KeptPass.decode(tab.evaluate("async (stamp) => await applying.complete(stamp)", b64u(stamp)))
    assert passes.check(issuer.public, CID, kept.held)


def test_two_passes_of_one_page_share_nothing(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    one, two = (KeptPass.decode(completed(tab, issuer)) for _ in range(2))
    assert one.w0 != two.w0
    assert one.held.r != two.held.r
    assert one.held.sig != two.held.sig


def test_stamp_of_another_issuer_is_refused_in_the_browser(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    blinded = int.from_bytes(applied(tab, issuer))
    other = rsabssa.generate_key()
    stamp = rsabssa.blind_sign(other, (blinded % other.public.n).to_bytes(256))
    with pytest.raises(BrowserError, match="StampInvalid"):
        tab.evaluate("async (stamp) => await applying.complete(stamp)", b64u(stamp))


VERDICTS = """async (texts) => {
    const { decode } = await import("/js/pass.js");
    return Promise.all(texts.map((text) => decode(text).then(() => true, (error) => error.name)));
}"""


def test_browser_and_server_agree_on_what_is_a_pass(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    blinding = passes.begin(issuer.public, CID)
    text = passes.complete(blinding, rsabssa.blind_sign(issuer, blinding.blinded)).encode()
    draw = random.Random(474)
    texts = [text, f" {text}\n", "", "P2.", text + "=", text[3:]] + [changed(text, draw) for _ in range(2000)]
    assert tab.evaluate(VERDICTS, texts) == [verdict(one) for one in texts]


def changed(text: str, draw: random.Random) -> str:
    at, char = draw.randrange(len(text) + 1), chr(draw.randrange(33, 0x250))
    return text[:at] + char + text[at + draw.randrange(3) :]


def verdict(text: str) -> bool | str:
    try:
        KeptPass.decode(text)
    except PassMalformed:
        return "PassMalformed"
    return True


def test_malformed_key_or_campaign_is_refused_in_the_browser(tab: Page, issuer: rsabssa.PrivateKey) -> None:
    key = b64u(rsabssa.spki(issuer.public))
    for arguments in (
        [key + "=", CID.hex()],
        [key, CID.hex()[2:]],
        [key, CID.hex().replace("0a", "0A")],
        [key, "x"],
    ):
        with pytest.raises(BrowserError, match="MalformedEncoding"):
            tab.evaluate(BEGIN, arguments)


def test_page_without_https_says_why_it_cannot_make_a_pass(browser: Browser, issuer: rsabssa.PrivateKey) -> None:
    context = browser.new_context()
    page = context.new_page()
    for name in ("encoding", "rsabssa", "pass"):
        page.route(f"http://undersigned.test/js/{name}.js", fulfilled(STATIC / "js" / f"{name}.js"))
    page.route("http://undersigned.test/", lambda route: route.fulfill(content_type="text/html", body="<p>Empty"))
    page.goto("http://undersigned.test/")
    with pytest.raises(BrowserError, match="InsecureContext"):
        page.evaluate(BEGIN, [b64u(rsabssa.spki(issuer.public)), CID.hex()])
    context.close()


def fulfilled(path: Path) -> Any:
    return lambda route: route.fulfill(path=path, content_type="text/javascript")
