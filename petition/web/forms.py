"""One form class a call, for the pages' form posts and the calls' JSON alike.

Guards the shape of what comes in: present, short enough, free of invisible characters, in the one spelling that its
kind of value has. Guards the processor: the length as it was sent is looked at before anything else is done with a text.
Refuses, by field and with a sentence that says how to mend it. What is allowed beyond shape (is the role on the list, is
the address the organisation's) is the domain's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, StringField, ValidationError
from wtforms.validators import StopValidation

from petition.core.encoding import MalformedEncoding, unb64u
from petition.core.errors import ExpectedError
from petition.core.i18n import LANGUAGES
from petition.core.i18n import marked as _
from petition.core.normalization import MOST_MARKS, TooManyMarks, nfc
from petition.ledger.entries import Visibility
from petition.mailing.subscribers import Frequency
from petition.signatures import DisplayChoice
from petition.web.language import gettext

LONGEST_ADDRESS: Final = 320
LONGEST_PASS: Final = 1_000
LONGEST_NAME: Final = 80
LONGEST_CHOICE: Final = 120
LONGEST_COMMENT: Final = 280
LONGEST_PUZZLE: Final = 2_000
LONGEST_VALUE: Final = 500
"""Of a field that has no limit of its own, because its value is checked otherwise."""
SENT: Final = 4
"""How many characters may be sent for each one that is kept: a letter may come in three parts, with spaces around it."""
CODE_DIGITS: Final = 8
BLINDED_BYTES: Final = 256
SECRET_BYTES: Final = 32
TAB_ID_BYTES: Final = 16

SPACES: Final = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
LINK: Final = re.compile(r"://|www\.|[@/\\]|\w\.[a-z]{2,}\b|(?i:\w\.(?:com|net|org|info|biz|io|co)\b)")
DIGITS: Final = re.compile(r"[0-9]{1,9}")
HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
NUMBERS: Final = {"publish_at", "sealed_until"}
"""Fields that a call may send as a number."""
JOINERS: Final = "\u200c\u200d"
YEARS: Final = range(2020, 2101)
"""Years in which something may be planned."""

Check = Callable[[Form, Field], None]


class FormRefused(ExpectedError, ValueError):
    """Some fields have the wrong shape; `errors` holds sentences by field, in the language of the request."""

    status = 422

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def present(_form: Form, field: Field) -> None:
    """Refuse an empty field."""
    if not field.data:
        raise ValidationError(gettext(_("Fill this in.")))


@dataclass(frozen=True, slots=True)
class Longest:
    """Refuse a text of more characters; and long before, in `TextField`, one that could never become so short."""

    longest: int

    def __call__(self, _form: Form, field: Field) -> None:
        """Check what the filters left."""
        if len(field.data) > self.longest:
            raise ValidationError(too_long(self.longest))


def at_most(longest: int) -> Longest:
    """Refuse a text of more characters."""
    return Longest(longest)


def too_long(longest: int) -> str:
    """The sentence for a text of more characters."""
    return gettext(_("Write %(n)s characters at most."), n=longest)


def is_sent_too_long(text: str, longest: int) -> bool:
    """Whether a text as it was sent could never become one of so many characters: to be asked before any other work."""
    return len(text) > SENT * longest


class TextField(StringField):
    """A field whose length is looked at as it was sent, before a filter sees it; a refused one is not checked further."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the text that was sent; raises ValueError for one that is far too long."""
        longest = min((each.longest for each in self.validators if isinstance(each, Longest)), default=LONGEST_VALUE)
        if valuelist and is_sent_too_long(valuelist[0], longest):
            raise ValueError(too_long(longest))
        super().process_formdata(valuelist)

    def pre_validate(self, form: Any) -> None:
        """Leave it at the first sentence when the text was not even read."""
        del form
        if self.process_errors:
            raise StopValidation


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
    if field.data not in set(Visibility):
        raise ValidationError(gettext(_("Choose what is shown: name, role or anonymous.")))


def one_of_rhythms(_form: Form, field: Field) -> None:
    """Refuse what is not a rhythm of mail."""
    if field.data not in set(Frequency):
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
    """In composed form (NFC), with single plain spaces. Raises ValueError with a sentence."""
    return SPACES.sub(" ", _composed(text)).strip(" ")


def lines(text: str | None) -> str:
    """In composed form (NFC), with plain line ends. Raises ValueError with a sentence."""
    return _composed(text).replace("\r\n", "\n").replace("\r", "\n").strip()


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

    address = TextField(filters=[stripped], validators=[present, at_most(LONGEST_ADDRESS)])
    altcha = TextField(filters=[stripped], validators=[at_most(LONGEST_PUZZLE)])
    lang = TextField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])


class CodeForm(Shape):
    """Answer a challenge with its code; the pages' own half, where the server makes the blinded value."""

    challenge = TextField(filters=[stripped], validators=[present, at_most(LONGEST_CHOICE)])
    code = TextField(filters=[digits], validators=[eight_digits])


class PassForm(CodeForm):
    """Answer a challenge and ask for a stamp."""

    blinded = TextField(filters=[stripped], validators=[spells(BLINDED_BYTES)])

    def blinded_bytes(self) -> bytes:
        """The 256 bytes to be stamped."""
        return unb64u(str(self.blinded.data), BLINDED_BYTES)


class SignForm(Shape):
    """Redeem a pass for a signature."""

    pass_ = TextField(name="pass", filters=[stripped], validators=[present, at_most(LONGEST_PASS)])
    show = TextField(filters=[stripped], validators=[one_of_shows])
    name = TextField(filters=[one_line], validators=[at_most(LONGEST_NAME), visible, no_link])
    role = TextField(default="", validators=[at_most(LONGEST_CHOICE)])
    team = TextField(default="", validators=[at_most(LONGEST_CHOICE)])
    comment = TextField(filters=[lines], validators=[at_most(LONGEST_COMMENT), visible])
    publish_at = TextField(filters=[lambda text: stripped(text) or "0"], validators=[whole_number])
    sealed_until = TextField(filters=[lambda text: stripped(text) or "0"], validators=[whole_number])

    def wish(self) -> DisplayChoice:
        """What the signer wants to be seen."""
        return DisplayChoice(
            sealed_until=int(str(self.sealed_until.data)),
            show=Visibility(str(self.show.data)),
            name=str(self.name.data),
            role=self.role.data or "",
            team=self.team.data or "",
            comment=str(self.comment.data),
            publish_at=int(str(self.publish_at.data)),
        )


class TabForm(Shape):
    """Name what a tab keeps, by the random id that it chose."""

    id = TextField(filters=[stripped], validators=[spells(TAB_ID_BYTES)])

    def id_bytes(self) -> bytes:
        """The 16 bytes."""
        return unb64u(str(self.id.data), TAB_ID_BYTES)


class TabKeyForm(TabForm):
    """Keep the key to what a tab keeps."""

    key = TextField(filters=[stripped], validators=[spells(SECRET_BYTES)])

    def key_bytes(self) -> bytes:
        """The 32 bytes."""
        return unb64u(str(self.key.data), SECRET_BYTES)


class WithdrawForm(Shape):
    """Withdraw, or take the name off, with the secret of the receipt."""

    withdraw = TextField(filters=[stripped], validators=[spells(SECRET_BYTES)])

    def secret(self) -> bytes:
        """The 32 bytes w."""
        return unb64u(str(self.withdraw.data), SECRET_BYTES)


class MailForm(Shape):
    """Choose a rhythm and a language of mail."""

    rhythm = TextField(filters=[stripped], validators=[one_of_rhythms])
    lang = TextField(filters=[stripped], validators=[at_most(LONGEST_CHOICE)])

    def chosen(self) -> Frequency:
        """How often."""
        return Frequency(str(self.rhythm.data))

    def language(self, languages: Sequence[str]) -> str:
        """The language asked for if the campaign or the interface speaks it, else the campaign's first."""
        asked = str(self.lang.data)
        return asked if asked in languages or asked in LANGUAGES else languages[0]


class SubscribeForm(MailForm):
    """Ask for mail."""

    address = TextField(filters=[stripped], validators=[present, at_most(LONGEST_ADDRESS)])


def _composed(text: str | None) -> str:
    try:
        return nfc(text or "")
    except TooManyMarks:
        sentence = _("More than %(n)s accents or other marks stand on one letter. Take some of them away.")
        raise ValueError(gettext(sentence, n=MOST_MARKS)) from None


def _is_text(name: str, value: object) -> bool:
    if name in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return False
    try:
        value.encode()  # half a surrogate pair is no text, and JSON can carry one
    except UnicodeEncodeError:
        return False
    return True
