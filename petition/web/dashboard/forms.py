"""The forms of signing in, the account and the team. They check the shape of the input only."""

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
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import HexField, LineField, RadioField, SelectField, StringField
from petition.web.forms.validators import no_link, visible
from petition.web.labels import TEAM_ROLE_DUTIES, TEAM_ROLES
from petition.web.language import lazy_gettext as _

LONGEST_ID: Final = 2_048
LONGEST_TEXT: Final = 20_000
"""The longest text that organisers publish in one language."""
PREVIEW: Final = "preview"
"""The value of `do` that the preview button posts."""
UNWATCHED: Final = {"autocapitalize": "none", "spellcheck": "false"}
NOT_A_ROLE: Final = _("Choose a role from the list.")


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser created: its name, and the browser's answer as JSON."""

    name: str
    credential: str


@dataclass(frozen=True, slots=True)
class NewRole:
    """A member's id and their new role."""

    member: OrganiserId
    role: Role


class CodeForm(BaseForm):
    """Proof of who the visitor is, by a recovery code."""

    code = StringField(
        _("Recovery code"),
        [DataRequired(), Length(max=LONGEST_TYPED), visible],
        description=_("One of the ten codes that you saved. Each works once."),
        render_kw={"autocomplete": "off", **UNWATCHED},
    )


class SignInForm(CodeForm):
    """Signing in with a name and a recovery code."""

    name = LineField(
        _("Your name here"),
        [DataRequired(), Length(max=LONGEST_NAME), visible],
        description=_("As you chose it when you joined."),
        render_kw={"autocomplete": "username", **UNWATCHED},
    )


class NameForm(BaseForm):
    """The name of a new organiser."""

    name = LineField(
        _("What name should we show?"),
        [DataRequired(), Length(max=LONGEST_NAME), visible, no_link],
        description=_(
            "The other organisers and the audit log show it. It may be made up; no mail address is asked for."
        ),
        render_kw={"autocomplete": "username", "spellcheck": "false"},
    )


class PasskeyForm(BaseForm):
    """A new passkey and the name that the organiser gives it."""

    passkey = LineField(
        _("Name of the new passkey"),
        [DataRequired(), Length(max=LONGEST_NAME), visible],
        description=_("To recognise it later: the device, or the app that stores it."),
        render_kw={"autocomplete": "off"},
    )
    credential = StringField(validators=[Length(max=LONGEST_ANSWER)])

    def new_passkey(self) -> NewPasskey:
        """Return the name and the credential."""
        return NewPasskey(self.passkey.data, self.credential.data)


class IdForm(BaseForm):
    """The id of one item in a list."""

    id = HexField(validators=[Length(max=LONGEST_ID)])


class InviteForm(BaseForm):
    """The role of a new invitation."""

    role = RadioField(
        _("Role in the team"), choices=Role, labels=TEAM_ROLES, hints=TEAM_ROLE_DUTIES, id="invite", default=Role.EDITOR,
        invalid_value_message=NOT_A_ROLE,
    )  # fmt: skip


class MemberForm(IdForm):
    """A member and their new role."""

    role = SelectField(choices=Role, labels=TEAM_ROLES, invalid_value_message=NOT_A_ROLE)

    def new_role(self) -> NewRole:
        """Return the member's id and the new role."""
        return NewRole(OrganiserId(self.id.data), self.role.data)


class LanguageForm(BaseForm):
    """The language of the visitor's pages."""

    lang = SelectField(choices=LANGUAGES, invalid_value_message=_("Choose a language from the list."))
