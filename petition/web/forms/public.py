"""The forms of the public pages and of the calls: one class for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wtforms.validators import DataRequired, Length, Optional

from petition.core.i18n import LANGUAGES
from petition.core.i18n import marked as _
from petition.ledger.entries import Visibility
from petition.mailing.subscribers import Frequency
from petition.signatures import DisplayChoice
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import (
    Base64Field,
    CodeField,
    IntegerField,
    LineField,
    RadioField,
    StringField,
    TextAreaField,
)
from petition.web.forms.validators import no_link, visible
from petition.web.language import lazy_gettext

LONGEST_ADDRESS: Final = 320
LONGEST_PASS: Final = 1_000
LONGEST_NAME: Final = 80
LONGEST_CHOICE: Final = 120
LONGEST_COMMENT: Final = 280
LONGEST_PUZZLE: Final = 2_000
BLINDED_BYTES: Final = 256
SECRET_BYTES: Final = 32
TAB_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What somebody sends to get a code; `puzzle` is a solved ALTCHA challenge or nothing, `lang` may be unknown here."""

    address: str = field(repr=False)
    puzzle: str = field(repr=False)
    lang: str


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """The code of a challenge, and the 256 blinded bytes to be stamped."""

    challenge: str
    code: str = field(repr=False)
    blinded: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailChoice:
    """How often somebody wants mail, and in which language; `lang` may be unknown here."""

    frequency: Frequency
    lang: str

    def language(self, languages: Sequence[str]) -> str:
        """The language asked for if the campaign or the interface speaks it, else the campaign's first."""
        return self.lang if self.lang in languages or self.lang in LANGUAGES else languages[0]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A personal address, and what it is to get."""

    address: str = field(repr=False)
    choice: MailChoice


@dataclass(frozen=True, slots=True)
class Signing:
    """A pass as it was typed, and what its signer wants to be seen."""

    held: str = field(repr=False)
    choice: DisplayChoice


class VerifyForm(BaseForm):
    """Ask for a code."""

    address = StringField(validators=[DataRequired(), Length(max=LONGEST_ADDRESS)])
    altcha = StringField(validators=[Length(max=LONGEST_PUZZLE)])
    lang = StringField(validators=[Length(max=LONGEST_CHOICE)])

    def code_request(self) -> CodeRequest:
        """All three."""
        return CodeRequest(self.address.data, self.altcha.data, self.lang.data)


class PassForm(BaseForm):
    """Answer a challenge with its code, and ask for a stamp."""

    challenge = StringField(validators=[DataRequired(), Length(max=LONGEST_CHOICE)])
    code = CodeField()
    blinded = Base64Field(length=BLINDED_BYTES)

    def answer(self) -> CodeAnswer:
        """All three."""
        return CodeAnswer(self.challenge.data, self.code.data, self.blinded.data)


class SignForm(BaseForm):
    """Redeem a pass for a signature."""

    pass_ = StringField(name="pass", validators=[DataRequired(), Length(max=LONGEST_PASS)])
    show = RadioField(
        choices=Visibility, invalid_value_message=lazy_gettext(_("Choose what is shown: name, role or anonymous."))
    )
    name = LineField(validators=[Length(max=LONGEST_NAME), visible, no_link])
    role = StringField(default="", filters=(), validators=[Length(max=LONGEST_CHOICE)])
    team = StringField(default="", filters=(), validators=[Length(max=LONGEST_CHOICE)])
    comment = TextAreaField(validators=[Length(max=LONGEST_COMMENT), visible])
    publish_at = IntegerField(default=0, validators=[Optional()])
    sealed_until = IntegerField(default=0, validators=[Optional()])

    def signing(self) -> Signing:
        """All of it."""
        choice = DisplayChoice(
            sealed_until=self.sealed_until.data,
            show=self.show.data,
            name=self.name.data,
            role=self.role.data,
            team=self.team.data,
            comment=self.comment.data,
            publish_at=self.publish_at.data,
        )
        return Signing(self.pass_.data, choice)


class TabForm(BaseForm):
    """Name what a tab keeps, by the random id that it chose."""

    id = Base64Field(length=TAB_ID_BYTES)


class TabKeyForm(TabForm):
    """Keep the key to what a tab keeps."""

    key = Base64Field(length=SECRET_BYTES)


class WithdrawForm(BaseForm):
    """Withdraw, or take the name off, with the secret of the receipt."""

    withdraw = Base64Field(length=SECRET_BYTES)


class MailForm(BaseForm):
    """Choose how often mail comes and its language."""

    rhythm = RadioField(
        choices=Frequency, invalid_value_message=lazy_gettext(_("Choose how often: milestones, weekly or daily."))
    )
    lang = StringField(validators=[Length(max=LONGEST_CHOICE)])

    def mail_choice(self) -> MailChoice:
        """Both."""
        return MailChoice(self.rhythm.data, self.lang.data)


class SubscribeForm(MailForm):
    """Ask for mail."""

    address = StringField(validators=[DataRequired(), Length(max=LONGEST_ADDRESS)])

    def subscription(self) -> Subscription:
        """All three."""
        return Subscription(self.address.data, self.mail_choice())
