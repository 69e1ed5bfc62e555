"""Sentences of the signing pages that both the views and the scripts use.

So a page says the same with and without JavaScript. The code that shows a sentence fills in the names in braces.
"""

from __future__ import annotations

from typing import Final

from petition.core.i18n import gettext_for
from petition.core.i18n import marked as _
from petition.ledger.entries import Visibility
from petition.publication import Choice, Snapshot
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
    "counted": _("{n} verified employees have signed."),
    "again": _("You can send it again in {n} seconds."),
    "name-missing": _("Enter your full name, or choose to show less."),
    "role-missing": _("Choose your role, or choose to stay anonymous."),
    "term-you": _("About you"),
    "term-name": _("Name"),
    "term-role": _("Role"),
    "term-team": _("Team"),
    "term-comment": _("Comment"),
    "term-when": _("When"),
    "nothing": _("Nothing. One more verified employee is counted."),
    "when-role": _("As soon as ten signers show the same role. Until then you appear as an anonymous signer."),
    "when-role-team": _(
        "The role as soon as ten signers show it, the team as soon as ten show it with the same role. Until then you appear"
        " as an anonymous signer."
    ),
    "when-name": _("As soon as a batch writes it"),
    "when-sealed": _("Once at least {n} names are public. Until then you appear as an anonymous signer."),
}

WHILE_NAMES_WAIT: Final = WORDS | {
    "when-name": _("Once a milestone opens the names. Until then you appear as an anonymous signer."),
    "when-sealed": _(
        "Once a milestone opens the names and at least {n} names are public. Until then you appear as an anonymous signer."
    ),
}
"""The sentences for a letter whose names become public only with a milestone."""


def words_of(snapshot: Snapshot) -> dict[str, str]:
    """Returns the sentences for one campaign."""
    return WORDS if snapshot.names_from is None else WHILE_NAMES_WAIT


def sentence(name: str, lang: str) -> str:
    """Returns one of the sentences in a language."""
    return gettext_for(lang)(WORDS[name])


def summary(choice: DisplayChoice, lang: str, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Returns everything that becomes public of a signature with this choice, and when: pairs of a term and its value."""
    sentences, translated = words_of(snapshot), gettext_for(lang)
    if choice.show is Visibility.ANONYMOUS:
        return [(translated(sentences["term-you"]), translated(sentences["nothing"]))]
    role, team = _label(snapshot.roles, choice.role, lang), _label(snapshot.teams, choice.team, lang)
    values = {"name": choice.name, "role": role, "team": team, "comment": choice.comment}
    values["when"] = translated(sentences[f"when-{_when(choice)}"]).format(n=choice.publish_at)
    return [(translated(sentences[f"term-{name}"]), value) for name, value in values.items() if value]


def _when(choice: DisplayChoice) -> str:
    if choice.show is Visibility.ROLE:
        return "role-team" if choice.team else "role"
    return "sealed" if choice.publish_at > 0 else "name"


def _label(choices: tuple[Choice, ...], value: str, lang: str) -> str:
    return next((each.labels.get(lang) or value for each in choices if each.value == value), value)
