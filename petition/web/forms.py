"""One form class a call, for the pages' form posts and the calls' JSON alike.

Guards the shape of what comes in: present, short enough, free of invisible characters, in the one spelling that its
kind of value has. Refuses, by field and with a sentence that says how to mend it. What is allowed beyond shape (is
the role on the list, is the address the organisation's) is the domain's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Self

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, StringField, ValidationError

from petition.encoding import MalformedEncoding, unb64u
from petition.i18n import LANGUAGES
from petition.i18n import marked as _
from petition.ledger.entries import Show
from petition.signatures import Wish
from petition.subscribers import Rhythm
from petition.web.language import gettext

LONGEST_ADDRESS: Final = 320
LONGEST_PASS: Final = 1_000
LONGEST_NAME: Final = 80
LONGEST_CHOICE: Final = 120
LONGEST_COMMENT: Final = 280
LONGEST_PUZZLE: Final = 2_000
CODE_DIGITS: Final = 8
BLINDED_BYTES: Final = 256
SECRET_BYTES: Final = 32
TAB_ID_BYTES: Final = 16

SPACES: Final = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
LINK: Final = re.compile(r"://|www\.|[@/\\]|\w\.[a-z]{2,}\b|(?i:\w\.(?:com|net|org|info|biz|io|co)\b)")
DIGITS: Final = re.compile(r"[0-9]{1,9}")
HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
JOINERS: Final = "\u200c\u200d"
YEARS: Final = range(2020, 2101)
"""Years in which something may be planned."""

Check = Callable[[Form, Field], None]


class FormRefused(ValueError):
    """Some fields have the wrong shape; `errors` holds sentences by field, in the language of the request."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def present(_form: Form, field: Field) -> None:
    """Refuse an empty field."""
    if not field.data:
        raise ValidationError(gettext(_("Fill this in.")))


def at_most(longest: int) -> Check:
    """Refuse a text of more characters."""

    def check(_form: Form, field: Field) -> None:
        if len(field.data) > longest:
            raise ValidationError(gettext(_("Write %(n)s characters at most."), n=longest))

    return check


def visible(_form: Form, field: Field) -> None:
    """Refuse what cannot be seen: control, format and unassigned characters; lines may break in a comment."""
    text = field.data.replace("\n", " ") if field.short_name == "comment" else field.data
    if not text.isprintable() and not all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text):
        raise ValidationError(
            gettext(_("This text holds characters that cannot be seen. Type it instead of pasting it."))
        )


def is_seen(text: str) -> bool:
    """Whether all of a text of several lines can be seen, but for line breaks, tabs and what joins letters."""
    return not any(unicodedata.category(c) in HIDDEN and c not in "\n\t" + JOINERS for c in text)


def no_link(_form: Form, field: Field) -> None:
    """Refuse a link or an address where a name is wanted."""
    if LINK.search(field.data):
        raise ValidationError(gettext(_("Write a name, without a link or an address.")))


def eight_digits(_form: Form, field: Field) -> None:
    """Refuse what is not a code."""
    if len(field.data) != CODE_DIGITS or not DIGITS.fullmatch(field.data):
        raise ValidationError(gettext(_("A code has eight digits.")))


def one_of_shows(_form: Form, field: Field) -> None:
    """Refuse what is not a way to be shown."""
    if field.data not in set(Show):
        raise ValidationError(gettext(_("Choose what is shown: name, role or anonymous.")))


def one_of_rhythms(_form: Form, field: Field) -> None:
    """Refuse what is not a rhythm of mail."""
    if field.data not in set(Rhythm):
        raise ValidationError(gettext(_("Choose how often: milestones, weekly or daily.")))


def whole_number(_form: Form, field: Field) -> None:
    """Refuse what is not a whole number."""
    if not DIGITS.fullmatch(field.data):
        raise ValidationError(gettext(_("Write a whole number.")))


def spells(length: int) -> Check:
    """Refuse what is not the one base64url spelling of so many bytes."""

    def check(_form: Form, field: Field) -> None:
        try:
            unb64u(field.data, length)
        except MalformedEncoding:
            raise ValidationError(gettext(_("This is not whole, or was changed. Copy it again."))) from None

    return check


def stripped(text: str | None) -> str:
    """Without white space around it."""
    return (text or "").strip()


def one_line(text: str | None) -> str:
    """In composed form (NFC), with single plain spaces."""
    return SPACES.sub(" ", unicodedata.normalize("NFC", text or "")).strip(" ")


def lines(text: str | None) -> str:
    """In composed form (NFC), with plain line ends."""
    return unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def digits(text: str | None) -> str:
    """A code as somebody may write it, in any script's digits, without spaces and dashes."""
    kept = (c for c in text or "" if not c.isspace() and unicodedata.category(c) != "Pd")
    return "".join(str(unicodedata.decimal(c, c)) for c in kept)


class Shape(Form):
    """What every form here can do; no CSRF token, for there is no cookie whose authority could be borrowed."""

    class Meta:
        """Sentences are translated by us."""

        csrf = False
        locales = False

    @classmethod
    def read(cls, posted: MultiDict[str, str]) -> Self:
        """The form of a page as posted; raises FormRefused."""
        form = cls(posted)
        if not form.validate():
            raise FormRefused(
                {form[name].short_name: [str(each) for each in form[name].errors] for name in form.errors}
            )
        return form

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The same from a call's JSON object; a field that is null is one that is not there. Raises FormRefused."""
        known = field_names(cls)
        given = {name: value for name, value in document.items() if name in known and value is not None}
        wrong = {name for name, value in given.items() if not _is_text(name, value)}
        if wrong:
            raise FormRefused({name: [gettext(_("This must be a text."))] for name in sorted(wrong)})
        return cls.read(MultiDict({name: str(value) for name, value in given.items()}))


@cache
def field_names(shape: type[Shape]) -> frozenset[str]:
    """Names of a form's fields as they are posted."""
    return frozenset(each.short_name for each in shape())


class VerifyForm(Shape):
    """Ask for a code."""

    address = StringField(filters=[stripped], validators=[present, at_most(LONGEST_ADDRESS)])
    altcha = StringField(filters=[stripped], validators=[at_most(LONGEST_PUZZLE)])
    lang = StringField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])


class CodeForm(Shape):
    """Answer a challenge with its code; the pages' own half, where the server makes the blinded value."""

    challenge = StringField(filters=[stripped], validators=[present, at_most(LONGEST_CHOICE)])
    code = StringField(filters=[digits], validators=[eight_digits])


class PassForm(CodeForm):
    """Answer a challenge and ask for a stamp."""

    blinded = StringField(filters=[stripped], validators=[spells(BLINDED_BYTES)])

    def blinded_bytes(self) -> bytes:
        """The 256 bytes to be stamped."""
        return unb64u(str(self.blinded.data), BLINDED_BYTES)


class SignForm(Shape):
    """Redeem a pass for a signature."""

    pass_ = StringField(name="pass", filters=[stripped], validators=[present, at_most(LONGEST_PASS)])
    show = StringField(filters=[stripped], validators=[one_of_shows])
    name = StringField(filters=[one_line], validators=[at_most(LONGEST_NAME), visible, no_link])
    role = StringField(default="", validators=[at_most(LONGEST_CHOICE)])
    team = StringField(default="", validators=[at_most(LONGEST_CHOICE)])
    comment = StringField(filters=[lines], validators=[at_most(LONGEST_COMMENT), visible])
    publish_at = StringField(filters=[lambda text: stripped(text) or "0"], validators=[whole_number])

    def wish(self) -> Wish:
        """What the signer wants to be seen."""
        return Wish(
            show=Show(str(self.show.data)),
            name=str(self.name.data),
            role=self.role.data or "",
            team=self.team.data or "",
            comment=str(self.comment.data),
            publish_at=int(str(self.publish_at.data)),
        )


class TabForm(Shape):
    """Name what a tab keeps, by the random id that it chose."""

    id = StringField(filters=[stripped], validators=[spells(TAB_ID_BYTES)])

    def id_bytes(self) -> bytes:
        """The 16 bytes."""
        return unb64u(str(self.id.data), TAB_ID_BYTES)


class TabKeyForm(TabForm):
    """Keep the key to what a tab keeps."""

    key = StringField(filters=[stripped], validators=[spells(SECRET_BYTES)])

    def key_bytes(self) -> bytes:
        """The 32 bytes."""
        return unb64u(str(self.key.data), SECRET_BYTES)


class WithdrawForm(Shape):
    """Withdraw, or take the name off, with the secret of the receipt."""

    withdraw = StringField(filters=[stripped], validators=[spells(SECRET_BYTES)])

    def secret(self) -> bytes:
        """The 32 bytes w."""
        return unb64u(str(self.withdraw.data), SECRET_BYTES)


class MailForm(Shape):
    """Choose a rhythm and a language of mail."""

    rhythm = StringField(filters=[stripped], validators=[one_of_rhythms])
    lang = StringField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])

    def chosen(self) -> Rhythm:
        """How often."""
        return Rhythm(str(self.rhythm.data))

    def language(self, languages: Sequence[str]) -> str:
        """The language asked for if the campaign or the interface speaks it, else the campaign's first."""
        asked = str(self.lang.data)
        return asked if asked in languages or asked in LANGUAGES else languages[0]


class SubscribeForm(MailForm):
    """Ask for mail."""

    address = StringField(filters=[stripped], validators=[present, at_most(LONGEST_ADDRESS)])


def _is_text(name: str, value: object) -> bool:
    if name == "publish_at" and isinstance(value, int) and not isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # half a surrogate pair is no text, and JSON can carry one
    except UnicodeEncodeError:
        return False
    return True
