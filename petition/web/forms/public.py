"""The forms of the public pages and of the API. Both use the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wtforms.validators import DataRequired, Length, Optional

from petition.core.i18n import LANGUAGES
from petition.ledger.entries import Visibility
from petition.mailing.subscribers import Frequency
from petition.signatures import DisplayChoice
from petition.signatures.redeem import TICKET_LENGTH
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import (
    AddressField,
    Base64Field,
    CodeField,
    IntegerField,
    LineField,
    RadioField,
    StringField,
    TextAreaField,
)
from petition.web.forms.filters import stripped
from petition.web.forms.validators import no_link, visible
from petition.web.language import lazy_gettext as _

LONGEST_ADDRESS: Final = 320
LONGEST_PASTED: Final = 400
"""A code may be pasted with the sentences around it."""
LONGEST_PASS: Final = 1_000
LONGEST_NAME: Final = 80
LONGEST_CHOICE: Final = 120
LONGEST_COMMENT: Final = 280
LONGEST_PUZZLE: Final = 2_000
LONGEST_RECEIPT: Final = 64_000
BLINDED_BYTES: Final = 256
SECRET_BYTES: Final = 32
TAB_ID_BYTES: Final = 16
HASH_BYTES: Final = 32
NO_CORRECTION: Final = {"autocapitalize": "off", "spellcheck": "false"}


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A request for a code. `puzzle` is a solved ALTCHA challenge or empty; `lang` may be an unknown language."""

    address: str = field(repr=False)
    puzzle: str = field(repr=False)
    lang: str


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """The code for a challenge, and the 256 blinded bytes to be stamped."""

    challenge: str
    code: str = field(repr=False)
    blinded: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailChoice:
    """The frequency and the language of somebody's mail. `lang` may be an unknown language."""

    frequency: Frequency
    lang: str

    def language(self, languages: Sequence[str]) -> str:
        """Returns the requested language if the campaign or the interface has it.

        Otherwise it returns the campaign's first language.
        """
        return self.lang if self.lang in languages or self.lang in LANGUAGES else languages[0]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A personal address, and the mail that it is to get."""

    address: str = field(repr=False)
    choice: MailChoice


@dataclass(frozen=True, slots=True)
class Signing:
    """A pass as it was typed, and what its signer chose to show."""

    held: str = field(repr=False)
    choice: DisplayChoice


@dataclass(frozen=True, slots=True)
class Amending:
    """A value of a signer's secret chain, 32 bytes, and what the signature is to show from now on."""

    value: bytes = field(repr=False)
    choice: DisplayChoice


class VerifyForm(BaseForm):
    """Asks for a code."""

    address = AddressField(
        _("Work address"),
        [DataRequired(_("Enter your work email address.")), Length(max=LONGEST_ADDRESS)],
        render_kw={"type": "email", "autocomplete": "off", **NO_CORRECTION},
    )
    altcha = StringField(validators=[Length(max=LONGEST_PUZZLE)])
    lang = StringField(validators=[Length(max=LONGEST_CHOICE)])

    def code_request(self) -> CodeRequest:
        """Returns the address, the solved puzzle and the language."""
        return CodeRequest(self.address.data, self.altcha.data, self.lang.data)


class AddressForm(VerifyForm):
    """Asks for a code on a page. It also carries the seed of the pass to be made."""

    seed = StringField()


class PassForm(BaseForm):
    """Answers a challenge with its code, and asks for a stamp."""

    challenge = StringField(validators=[DataRequired(), Length(max=LONGEST_CHOICE)])
    code = CodeField(
        _("Code"),
        description=_("Eight digits, in a mail with a neutral subject. Check your spam folder."),
        render_kw={
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "maxlength": LONGEST_PASTED,
            **NO_CORRECTION,
        },
    )
    blinded = Base64Field(length=BLINDED_BYTES)

    def answer(self) -> CodeAnswer:
        """Returns the challenge, the code and the blinded bytes."""
        return CodeAnswer(self.challenge.data, self.code.data, self.blinded.data)


class CodeForm(PassForm):
    """Answers a challenge on a page. It also carries the seed of the pass to be made.

    `address` and `start`, the seed of the page that asked, are for the same page sent again: it leads to the same pass.
    """

    seed = StringField()
    start = StringField()
    address = StringField()


class ChoiceForm(BaseForm):
    """Chooses what a signature shows. The page knows the roles and the teams."""

    show = RadioField(
        _("What everybody can see of you"),
        choices=[Visibility.ANONYMOUS, Visibility.ROLE, Visibility.NAME],
        coerce=Visibility,
        labels={
            Visibility.ANONYMOUS: _("Nothing: anonymous"),
            Visibility.ROLE: _("My role only"),
            Visibility.NAME: _("My full name"),
        },
        hints={
            Visibility.ANONYMOUS: _("You are counted as one verified employee. No name, no role."),
            Visibility.ROLE: _(
                "Your role is added to a number such as “15+ engineers” when ten signers show the same role. Until "
                "then you appear as an anonymous signer."
            ),
            Visibility.NAME: _(
                "Your name is in the list of signers. Everybody can read it, copy it and search for it, including "
                "your employer."
            ),
        },
        invalid_value_message=_("Choose what is shown: name, role or anonymous."),
    )
    name = LineField(
        _("Full name"),
        [Length(max=LONGEST_NAME), visible, no_link],
        render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": LONGEST_NAME},
    )
    role = StringField(
        _("Role"),
        [Length(max=LONGEST_CHOICE)],
        filters=(),
        default="",
        description=_("From the organisers’ list. Optional if you show your full name."),
    )
    team = StringField(_("Team (optional)"), [Length(max=LONGEST_CHOICE)], filters=(), default="")
    comment = TextAreaField(
        _("Comment (optional)"),
        [Length(max=LONGEST_COMMENT), visible],
        description=_("Up to 280 characters, shown beside your name."),
        render_kw={"rows": 3, "maxlength": LONGEST_COMMENT},
    )
    publish_at = IntegerField(
        _("When your name appears"),
        [Optional()],
        default=0,
        description=_(
            "You are counted at once in any case. Until there are enough names you appear as an anonymous signer, "
            "and your name waits, unpublished, in our database. Names that wait for the same number appear together."
        ),
    )
    sealed_until = IntegerField(default=0, validators=[Optional()])

    def display_choice(self) -> DisplayChoice:
        """Returns the choice."""
        return DisplayChoice(
            sealed_until=self.sealed_until.data,
            show=self.show.data,
            name=self.name.data,
            role=self.role.data,
            team=self.team.data,
            comment=self.comment.data,
            publish_at=self.publish_at.data,
        )


class SignForm(ChoiceForm):
    """Redeems a pass for a signature."""

    pass_ = TextAreaField(
        _("Your pass"),
        [DataRequired(_("Enter your pass.")), Length(max=LONGEST_PASS)],
        name="pass",
        filters=(stripped,),
        render_kw={"class": "code", "rows": 5, "autocomplete": "off", "spellcheck": "false"},
    )

    def signing(self) -> Signing:
        """Returns the pass and the choice."""
        return Signing(self.pass_.data, self.display_choice())


class ReceiptForm(BaseForm):
    """A receipt as text, and the number of names that its signer's name waits for."""

    receipt = TextAreaField(
        _("Receipt"),
        [Length(max=LONGEST_RECEIPT)],
        filters=(),
        render_kw={"class": "code", "rows": 6, "autocomplete": "off", "spellcheck": "false"},
    )
    file = StringField(_("Or open the file"), render_kw={"type": "file", "accept": ".json,application/json,text/plain"})
    publish_at = IntegerField(default=0, validators=[Optional()])


class ChangeForm(ChoiceForm):
    """Changes what a signature shows, on a page that carries its receipt."""

    receipt = TextAreaField(_("Receipt"), [Length(max=LONGEST_RECEIPT)], filters=())


class TicketForm(BaseForm):
    """Finds a signature by its leaf hash and the ticket of its receipt, for a script that keeps the secret."""

    leaf = Base64Field(length=HASH_BYTES)
    ticket = Base64Field(length=TICKET_LENGTH)


class HashForm(BaseForm):
    """Finds a signature by the public hash of its secret chain, for a script whose signer kept no receipt."""

    hw = Base64Field(length=HASH_BYTES)


class TabForm(BaseForm):
    """Identifies what a tab stores, by the random id that the tab chose."""

    id = Base64Field(length=TAB_ID_BYTES)


class TabKeyForm(TabForm):
    """Stores the key to what a tab stores."""

    key = Base64Field(length=SECRET_BYTES)


class WithdrawForm(BaseForm):
    """Withdraws a signature or removes its name, with the next value of its secret chain."""

    withdraw = Base64Field(length=SECRET_BYTES)


class AmendForm(ChoiceForm):
    """Changes what a signature shows, with the next value of its secret chain."""

    withdraw = Base64Field(length=SECRET_BYTES)

    def amending(self) -> Amending:
        """Returns the value and the choice."""
        return Amending(self.withdraw.data, self.display_choice())


class MailForm(BaseForm):
    """Chooses the frequency and the language of mail."""

    frequency = RadioField(
        _("How often"),
        name="rhythm",
        choices=Frequency,
        labels={
            Frequency.MILESTONES: _("As it happens"),
            Frequency.WEEKLY: _("Once a week"),
            Frequency.DAILY: _("Once a day"),
        },
        hints={
            Frequency.MILESTONES: _("One mail for each milestone, and for each piece of news from the organisers."),
            Frequency.WEEKLY: _(
                "The count and how it grew, milestones, news and the state of the demands, in one mail. No mail in "
                "a week without news."
            ),
            Frequency.DAILY: _("The same, once a day. No mail on a day without news."),
        },
        invalid_value_message=_("Choose how often: milestones, weekly or daily."),
    )
    lang = StringField(_("Language of the mails"), [Length(max=LONGEST_CHOICE)])

    def mail_choice(self) -> MailChoice:
        """Returns the frequency and the language."""
        return MailChoice(self.frequency.data, self.lang.data)


class SubscribeForm(MailForm):
    """Asks for mail."""

    address = AddressField(
        _("Personal address"),
        [DataRequired(_("Enter your email address.")), Length(max=LONGEST_ADDRESS)],
        render_kw={"type": "email", "autocomplete": "off", **NO_CORRECTION},
    )

    def subscription(self) -> Subscription:
        """Returns the address, the frequency and the language."""
        return Subscription(self.address.data, self.mail_choice())
