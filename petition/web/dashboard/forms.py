"""Forms of signing in, the account and the team: shape only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wtforms.validators import DataRequired, Length

from petition.core.i18n import LANGUAGES
from petition.core.ids import OrganiserId
from petition.organisers import Role
from petition.organisers.invitations import LONGEST_NAME
from petition.organisers.passkeys import LONGEST_ANSWER
from petition.organisers.recovery import LONGEST_TYPED
from petition.web.dashboard.words import DUTIES, ROLES
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import HexField, LineField, RadioField, SelectField, StringField
from petition.web.forms.validators import no_link, visible
from petition.web.language import lazy_gettext as _

LONGEST_ID: Final = 2_048
LONGEST_TEXT: Final = 20_000
"""Of what organisers publish in one language."""
PREVIEW: Final = "preview"
"""The button that shows what a text will look like; it is posted as `do`."""
UNWATCHED: Final = {"autocapitalize": "none", "spellcheck": "false"}
NOT_A_ROLE: Final = _("Choose a role from the list.")


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser made: its name, and the browser's answer in JSON."""

    name: str
    credential: str


@dataclass(frozen=True, slots=True)
class NewRole:
    """A member, by id, and the role to give them."""

    member: OrganiserId
    role: Role


class CodeForm(BaseForm):
    """Prove who it is with a recovery code."""

    code = StringField(
        _("Recovery code"),
        [DataRequired(), Length(max=LONGEST_TYPED), visible],
        description=_("One of the ten codes that you saved. Each works once."),
        render_kw={"autocomplete": "off", **UNWATCHED},
    )


class SignInForm(CodeForm):
    """Come in by name and recovery code."""

    name = LineField(
        _("Your name here"),
        [DataRequired(), Length(max=LONGEST_NAME), visible],
        description=_("As you chose it when you joined."),
        render_kw={"autocomplete": "username", **UNWATCHED},
    )


class NameForm(BaseForm):
    """How a new organiser will be called."""

    name = LineField(
        _("What name should we show?"),
        [DataRequired(), Length(max=LONGEST_NAME), visible, no_link],
        description=_(
            "The other organisers and the audit log show it. It may be made up; no mail address is asked for."
        ),
        render_kw={"autocomplete": "username", "spellcheck": "false"},
    )


class PasskeyForm(BaseForm):
    """A passkey that was made, under a name of one's own."""

    passkey = LineField(
        _("Name of the new passkey"),
        [DataRequired(), Length(max=LONGEST_NAME), visible],
        description=_("To recognise it later: the device, or the app that stores it."),
        render_kw={"autocomplete": "off"},
    )
    credential = StringField(validators=[Length(max=LONGEST_ANSWER)])

    def new_passkey(self) -> NewPasskey:
        """Both."""
        return NewPasskey(self.passkey.data, self.credential.data)


class IdForm(BaseForm):
    """One thing of a list, by its id."""

    id = HexField(validators=[Length(max=LONGEST_ID)])


class InviteForm(BaseForm):
    """A role to invite somebody to."""

    role = RadioField(
        _("Role in the team"), choices=Role, labels=ROLES, hints=DUTIES, id="invite", default=Role.EDITOR,
        invalid_value_message=NOT_A_ROLE,
    )  # fmt: skip


class MemberForm(IdForm):
    """A member, and the role to give them."""

    role = SelectField(choices=Role, labels=ROLES, invalid_value_message=NOT_A_ROLE)

    def new_role(self) -> NewRole:
        """Both."""
        return NewRole(OrganiserId(self.id.data), self.role.data)


class LanguageForm(BaseForm):
    """The language of one's pages."""

    lang = SelectField(choices=LANGUAGES, invalid_value_message=_("Choose a language from the list."))
