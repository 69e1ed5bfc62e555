"""Interprets a mail server's response: this very address does not exist, another refusal, or a temporary failure.

This protects subscribers: a response about the sender, the content, a policy, a full mailbox or a temporary state never
counts as one about the address. All sources are interpreted alike: responses while sending, delivery reports (RFC 3464)
and webhooks of relays. If the status (RFC 3463) and the text contradict each other, the subscriber is kept.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

MOST_READ: Final = 2_000
MOST_QUOTED: Final = 200
NO_DETAIL: Final = "5.0.0"
ADDRESS_STATUSES: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"})
STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
# A status is at the beginning of a line, after a reply code, or in brackets; elsewhere it may be a version or an IP
# address.
STATUS_IN_TEXT: Final = re.compile(
    r"(?:^|(?<![0-9])[245][0-9]{2}[ -]|[#(])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![.]?[0-9])", re.ASCII | re.MULTILINE
)
TEMPORARY_CODE: Final = re.compile(r"(?<![0-9.])4[0-9]{2}(?=[ -][4a-z])", re.ASCII)

_WHO: Final = r"(?:user|mailbox|recipient|account|address|e-?mail address|addressee|customer)"
_MISSING: Final = (
    r"(?:unknown|not found|not known|(?:does|do|did) not exist|(?:doesn|don)'?t exist|no longer exists?|"
    r"(?:is |has been |was )?(?:invalid|disabled|deactivated|closed|deleted|terminated))"
)
_FRENCH_WHO: Final = r"\b(?:utilisateur|destinataire|adresse|compte|bo[iî]te(?: aux lettres)?)(?: e-?mail)? "
_GERMAN_WHO: Final = r"\b(?:benutzer|empf[äa]e?nger|adresse|postfach|mailbox|konto) "
NO_SUCH_ADDRESS_WORDS: Final = re.compile(
    "|".join(
        (
            rf"\b(?:no such|unknown|invalid|nonexistent|non-existent) (?:local |virtual )?{_WHO}",
            rf"\b{_WHO}(?: [^\s@]*@[^\s]*| name)? (?:is |are |was )?{_MISSING}",
            r"\bemail account that you tried to reach (?:does not exist|is disabled|is inactive)",
            r"\bdoes(?: not|n't) have an? [^\s]+ account\b",
            r"\bno mailbox (?:here )?by that name",
            r"\b(?:user|recipient) not listed in [^\s]+ directory",
            r"\buser [^\s()]{1,320} \([^()]{1,320}\) not listed in (?:domino directory|public name & address book)",
            r"\bmailbox unavailable[ ,;:-]+(?:no such|unknown|does not exist)",
            r"\bnot our customer\b",
            rf"{_FRENCH_WHO}(?:est )?(?:inconnue?|inexistante?|invalide|introuvable|d[ée]sactiv[ée]e?|n'existe pas)",
            rf"{_GERMAN_WHO}(?:ist )?(?:unbekannt|nicht (?:bekannt|gefunden|vorhanden)|existiert nicht|deaktiviert)",
            r"\b(?:usuario|destinatario|cuenta) (?:desconocid[oa]|no existe|inexistente)",
            r"\b(?:utente|destinatario|casella(?: di posta)?) (?:sconosciut[oa]|non esiste|inesistente)",
        )
    )
)
CONTRARY_WORDS: Final = re.compile(
    r"block|black ?list|deny ?list|(?<!not )\blisted\b|dnsbl|\brbl\b|spam|barracuda|junk|\bbulk\b|unsolicited|abuse|"
    r"suspicious|virus|malware|phish|\bspf\b|dkim|dmarc|authenti|polic(?:y|ies)|reputation|sender|access denied|"
    r"relaying|relay access|unable to relay|quota|\bfull\b|storage|too (?:many|large|big|fast|often)|\blimit|"
    r"\brate\b|throttl|gr[ea]y-?list|try again|\blater\b|temporar|defer|content|your (?:account|domain|server|ip|plan)\b|banned|prohibited"
)
CONTROL: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
ADDRESS_LIKE: Final = re.compile(r"\S*(?:@|%40|=40|\+40)\S*", re.IGNORECASE)
MASK: Final = "[…]"


class Meaning(StrEnum):
    """What a response means for the address that it was given for."""

    NO_SUCH_ADDRESS = "no such address"
    REFUSED = "refused"
    TEMPORARY = "temporary"


def read(text: str, status: str = "", code: int = 0) -> Meaning:
    """Interpret a response. `status` and `code` are given if they come with the text. Unclear responses are REFUSED."""
    words = _plain(text)
    given = STATUS.match(status.strip())
    statuses = {*([given[0]] if given else []), *STATUS_IN_TEXT.findall(words)}
    if code // 100 == 4 or TEMPORARY_CODE.search(words) or any(each.startswith("4") for each in statuses):
        return Meaning.TEMPORARY
    if CONTRARY_WORDS.search(words):
        return Meaning.REFUSED
    if detailed := statuses - {NO_DETAIL}:
        return Meaning.NO_SUCH_ADDRESS if detailed <= ADDRESS_STATUSES else Meaning.REFUSED
    return Meaning.NO_SUCH_ADDRESS if NO_SUCH_ADDRESS_WORDS.search(words) else Meaning.REFUSED


def quoted(text: str, recipient: str = "") -> str:
    """Returns a server's text for organisers: one line, 200 characters, addresses and the recipient's name masked."""
    seen = (" " if unicodedata.category(each) in CONTROL else each for each in text[:MOST_READ])
    line = " ".join("".join(seen).split())
    line = ADDRESS_LIKE.sub(MASK, line)
    for part in recipient.split("@"):
        if part:
            line = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", MASK, line, flags=re.IGNORECASE)
    return line if len(line) <= MOST_QUOTED else line[: MOST_QUOTED - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """Returns the text in lower case, with straight apostrophes and single spaces. Folded lines are joined."""
    straight = unicodedata.normalize("NFKC", text[:MOST_READ]).replace("’", "'").casefold()
    unfolded = re.sub(r"\r?\n[ \t]+", " ", straight)
    return "\n".join(" ".join(line.split()) for line in unfolded.splitlines())
