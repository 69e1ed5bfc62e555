"""Two editors of one form: nothing that one of them typed is lost, and nobody overwrites what they have not seen.

A form carries a short digest of each value that it was drawn from. When it is saved, each field has three versions: the
one that the form was drawn from, the one that is stored now, and the posted one. A field that only one editor changed
takes that change. A field that both changed is contested, and the person is asked (`ChangedMeanwhile`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from werkzeug.datastructures import MultiDict
from wtforms import Field
from wtforms.fields.choices import SelectFieldBase

from petition.web.forms.base import BaseForm
from petition.web.forms.fields import BooleanField, FieldList, TranslatedField, leaves
from petition.web.language import gettext
from petition.web.language import lazy_gettext as _

DRAWN: Final = "drawn"
"""The hidden field with the digests of the values that a form was drawn from."""
KEEP: Final = "keep"
"""The button of the page that asks: `mine` or `theirs`. Without it, the texts in the fields count."""
MINE: Final = "mine."
"""What the name of a hidden field begins with that holds somebody's own version of a contested field."""
BUTTONS: Final = frozenset({"go", "act", "preview", "templates"})
"""What a button adds to its form. It is not pressed again after somebody chose between two versions."""
NOT_TYPED: Final = BUTTONS | {"token", DRAWN, KEEP, "once", "of", "do", "sent_again"}
"""The fields of a form that nobody types: what the page knows, and the button that was pressed."""
DIGEST_LETTERS: Final = 12


@dataclass(frozen=True, slots=True)
class Contested:
    """One field that two people changed: both texts, and the field to be edited, which holds the proposed result."""

    label: str
    lang: str
    mine: str
    theirs: str
    result: Field = field(repr=False)

    def shown(self, text: str) -> str:
        """Return a value in words."""
        if isinstance(self.result, BooleanField):
            return gettext(_("Yes")) if text else gettext(_("No"))
        if isinstance(self.result, SelectFieldBase):
            return str({str(value): words for value, words, *_rest in self.result.iter_choices()}.get(text, text))
        return text


class ChangedMeanwhile(Exception):
    """Somebody else changed fields that this form changes, too. Nothing was saved.

    `rest` holds the other posted fields with the changes of both, and `drawn` the digests of what is stored now.
    """

    def __init__(self, contested: list[Contested], rest: list[tuple[str, str]], drawn: str) -> None:
        super().__init__(", ".join(each.result.name for each in contested))
        self.contested, self.rest, self.drawn = contested, rest, drawn


def drawn(form: BaseForm) -> str:
    """Return the digests of the values that a form was drawn from. A posted form keeps those that it came with."""
    posted = form.formdata.get(DRAWN) if form.formdata is not None else None
    return _digests(form) if posted is None else str(posted)


def merged(posted: MultiDict[str, str], stored: BaseForm, *, is_act: bool = False) -> MultiDict[str, str]:
    """Return the posted fields with what others changed meanwhile. Raises ChangedMeanwhile.

    `stored` is drawn from the row as it is now, which the caller has locked. `is_act` means that others see the words
    at once: then nothing is merged that the person did not have on the screen. A form whose fields belong together
    (`merges_fields`) is not merged either. A post without digests is taken as it is.
    """
    if DRAWN not in posted:
        return posted
    here, theirs = _chosen(posted, stored), _values(stored)
    mine, by_me, by_them = _changes(here, stored, theirs)
    differing = {name for name in mine if _plain(mine[name]) != _plain(theirs.get(name, ""))}
    if is_act:
        contested = by_them & differing
    elif stored.merges_fields:
        contested = by_them & by_me & differing
    else:
        contested = differing if by_them & differing and by_me else set()
    if not contested or stored.merges_fields:
        for name in by_them - by_me:
            here[name] = theirs.get(name, "")
    if contested:
        raise _conflict(here, stored, contested, mine)
    return here


def is_changed(posted: MultiDict[str, str], name: str) -> bool:
    """Return whether a posted field differs from what its form was drawn from. Without digests it counts as changed."""
    return DRAWN not in posted or _digest(posted.get(name, "")) != _base(posted).get(name, _digest(""))


def _base(posted: MultiDict[str, str]) -> dict[str, str]:
    return {name: digest for name, _, digest in (each.rpartition("=") for each in posted[DRAWN].split())}


def _changes(
    here: MultiDict[str, str], stored: BaseForm, theirs: dict[str, str]
) -> tuple[dict[str, str], set[str], set[str]]:
    """Return the posted values, and the names of those that were changed here and by somebody else."""
    base = _base(here)
    boxes = {each.name for each in leaves(stored) if isinstance(each, BooleanField)}
    names = [name for name in {*theirs, *base, *here} - NOT_TYPED if name in here or name in boxes]
    mine = {name: here.get(name, "") for name in names}
    unchanged = {name: base.get(name, _digest("")) for name in names}
    by_me = {name for name in names if _digest(mine[name]) != unchanged[name]}
    by_them = {name for name in names if _digest(theirs.get(name, "")) != unchanged[name]}
    return mine, by_me, by_them


def _chosen(posted: MultiDict[str, str], stored: BaseForm) -> MultiDict[str, str]:
    """Return the posted fields after the choice between two versions, if the page that asks sent them."""
    here, choice, theirs = MultiDict(posted), posted.get(KEEP, ""), _values(stored)
    for name in [name for name in here if name.startswith(MINE)]:
        own, this = here.pop(name), name.removeprefix(MINE)
        if choice:
            here[this] = own if choice == "mine" else theirs.get(this, "")
    return here


def _conflict(
    here: MultiDict[str, str], stored: BaseForm, contested: set[str], mine: dict[str, str]
) -> ChangedMeanwhile:
    theirs, result = _values(stored), type(stored)(here, meta=stored.own_meta)
    asked = [
        Contested(label, lang, mine[each.name], theirs.get(each.name, ""), each)
        for each, label, lang in _labelled(result)
        if each.name in contested
    ]
    left_out = contested | {"token", DRAWN, KEEP, "sent_again"} | BUTTONS
    rest = [(name, text) for name, text in here.items(multi=True) if name not in left_out]
    return ChangedMeanwhile(asked, rest, _digests(stored))


def _labelled(fields: Iterable[Field], label: str = "", lang: str = "") -> Iterator[tuple[Field, str, str]]:
    """Yield the single fields of a form, each with a label and the language of its text."""
    for each in fields:
        words = str(each.label.text) or label
        if isinstance(each, TranslatedField):
            for code, inner in each.by_language.items():
                yield from _labelled([inner], words, code)
        elif isinstance(each, FieldList):
            for row in each:
                number = row.index + each.FIRST
                yield from ((leaf, f"{its} {number}", code) for leaf, its, code in _labelled([row], words, lang))
        else:
            yield each, words, lang


def _digests(form: BaseForm) -> str:
    return " ".join(f"{name}={_digest(text)}" for name, text in _values(form).items() if text.strip())


def _values(form: BaseForm) -> dict[str, str]:
    return {each.name: form.typed(each.name) for each in leaves(form) if form.is_stored(each)}


def _digest(text: str) -> str:
    return sha256(_plain(text).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LETTERS]


def _plain(text: str) -> str:
    """Return a text as it was before a browser changed its line endings."""
    return text.replace("\r\n", "\n").strip()
