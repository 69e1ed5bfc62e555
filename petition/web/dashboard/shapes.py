"""Forms of signing in, the account and the team: shape only."""

from __future__ import annotations

from wtforms import Field, Form, ValidationError

from petition.core.i18n import LANGUAGES
from petition.core.i18n import marked as _
from petition.organisers import Role
from petition.organisers.invitations import LONGEST_NAME
from petition.organisers.passkeys import LONGEST_ANSWER
from petition.organisers.recovery import LONGEST_TYPED
from petition.web.forms import LONGEST_CHOICE, Shape, TextField, at_most, no_link, one_line, present, stripped, visible
from petition.web.language import gettext


def one_of_roles(_form: Form, field: Field) -> None:
    """Refuse what is not a role."""
    if field.data not in set(Role):
        raise ValidationError(gettext(_("Choose a role from the list.")))


def one_of_languages(_form: Form, field: Field) -> None:
    """Refuse a language that the interface lacks."""
    if field.data not in LANGUAGES:
        raise ValidationError(gettext(_("Choose a language from the list.")))


def an_id(_form: Form, field: Field) -> None:
    """Refuse what is not the hexadecimal name of something."""
    try:
        bytes.fromhex(field.data)
    except ValueError:
        raise ValidationError(gettext(_("This is not whole, or was changed. Copy it again."))) from None


class CodeForm(Shape):
    """Prove who it is with a recovery code."""

    code = TextField(filters=[stripped], validators=[present, at_most(LONGEST_TYPED), visible])


class SignInForm(CodeForm):
    """Come in by name and recovery code."""

    name = TextField(filters=[one_line], validators=[present, at_most(LONGEST_NAME), visible])


class NameForm(Shape):
    """How a new organiser will be called."""

    name = TextField(filters=[one_line], validators=[present, at_most(LONGEST_NAME), visible, no_link])


class PasskeyForm(Shape):
    """A passkey that was made, under a name of one's own."""

    passkey = TextField(filters=[one_line], validators=[present, at_most(LONGEST_NAME), visible])
    credential = TextField(filters=[stripped], validators=[at_most(LONGEST_ANSWER)])


class IdForm(Shape):
    """One thing of a list, by its id."""

    id = TextField(filters=[stripped], validators=[present, at_most(2048), an_id])

    def bytes(self) -> bytes:
        """The id itself."""
        return bytes.fromhex(str(self.id.data))


class RoleForm(Shape):
    """A role to invite somebody to."""

    role = TextField(filters=[stripped], validators=[at_most(LONGEST_CHOICE), one_of_roles])

    def chosen(self) -> Role:
        """Which."""
        return Role(str(self.role.data))


class MemberForm(IdForm, RoleForm):
    """A member, and the role to give them."""


class LanguageForm(Shape):
    """The language of one's pages."""

    lang = TextField(filters=[stripped], validators=[one_of_languages])
