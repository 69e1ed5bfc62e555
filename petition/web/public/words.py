"""Sentences of the signing pages that both the views and the scripts use.

So a page says the same with and without JavaScript. The code that shows a sentence fills in the names in braces.
"""

from __future__ import annotations

from typing import Final

from petition.core.i18n import gettext_for
from petition.core.i18n import marked as _
from petition.ledger.entries import Visibility
from petition.publication import Snapshot
from petition.signatures import DisplayChoice

WORDS: Final = {
    "away": _("The site cannot be reached right now. Your text is still here. Wait a moment and try again."),
    "busy": _("Many people are here at this moment. Your browser tries again by itself; leave this page open."),
    "stamp": _(
        "The stamp that came back is not the one of this campaign, so your browser refused it and you have no pass."
        " Write to the organisers."
    ),
    "not-a-pass": _("This pass is incomplete. It starts with P2. and has 474 characters."),
    "not-a-receipt": _(
        "This is not a receipt of this letter. Paste the whole text that you saved after signing, or open its file."
    ),
    "another-receipt": _(
        "What came back is not a receipt of your signature: it holds another one, or shows something else than you chose."
        " Save your pass, because its secret can withdraw, and write to the organisers."
    ),
    "another-change": _(
        "What came back is not a receipt of your change: it shows something else than you chose. Keep the receipt that you"
        " have, because its secret can still change and withdraw, and write to the organisers."
    ),
    "unknown": _("No signature of this letter fits this receipt."),
    "copied": _("Copied"),
    "shown-anonymous": _("What the public sees: nothing."),
    "shown-role": _("What the public sees: your role, “{role}”."),
    "shown-name": _("What the public sees: your name, “{name}”."),
    "shown-sealed": _("What the public sees: your name, “{name}”, once at least {n} names are public."),
    "public-anonymous": _("One more verified employee is counted. The public sees nothing about you."),
    "public-role": _(
        "One more verified employee is counted, and “{role}” appears among the roles as soon as ten signers show it."
    ),
    "public-name": _("One more verified employee is counted, and “{name}” appears in the list of signers."),
    "public-sealed": _(
        "One more verified employee is counted. “{name}” joins the list of signers once at least {n} names are public."
    ),
}

WHILE_NAMES_WAIT: Final = WORDS | {
    "shown-name": _("What the public sees: your name, “{name}”, once a milestone opens the names."),
    "shown-sealed": _(
        "What the public sees: your name, “{name}”, once a milestone opens the names and at least {n} names are public."
    ),
    "public-name": _(
        "One more verified employee is counted. “{name}” joins the list of signers once a milestone opens the names."
    ),
    "public-sealed": _(
        "One more verified employee is counted. “{name}” joins the list of signers once a milestone opens the names and"
        " at least {n} names are public."
    ),
}
"""The sentences for a letter whose names become public only with a milestone."""


def words_of(snapshot: Snapshot) -> dict[str, str]:
    """Returns the sentences for one campaign."""
    return WORDS if snapshot.names_from is None else WHILE_NAMES_WAIT


def sentence(name: str, lang: str) -> str:
    """Returns one of the sentences in a language."""
    return gettext_for(lang)(WORDS[name])


def shown_words(choice: DisplayChoice, role: str, lang: str, snapshot: Snapshot) -> str:
    """Returns what the public sees of a signature with this choice. `role` is the role's label in that language."""
    return _worded("shown", choice, role, lang, snapshot)


def public_words(choice: DisplayChoice, role: str, lang: str, snapshot: Snapshot) -> str:
    """Returns what the next batch publishes about a signature. `role` is the role's label in that language."""
    return _worded("public", choice, role, lang, snapshot)


def _worded(what: str, choice: DisplayChoice, role: str, lang: str, snapshot: Snapshot) -> str:
    sealed = choice.show is Visibility.NAME and choice.publish_at > 0
    sentence = gettext_for(lang)(words_of(snapshot)[f"{what}-{'sealed' if sealed else choice.show}"])
    return sentence.format(name=choice.name, role=role, n=choice.publish_at)
