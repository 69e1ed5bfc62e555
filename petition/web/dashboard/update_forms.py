"""The form of an update: its text, and a field for each button that needs one.

Only the text and the field of the pressed button are checked. The other fields stay as they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wtforms import Field
from wtforms.validators import DataRequired, Length, Optional

from petition.core.i18n import LANGUAGES
from petition.web.dashboard.forms import LONGEST_TEXT
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import (
    AddressField,
    DateTimeLocalField,
    SelectField,
    StringField,
    TextAreaField,
    TranslatedField,
)
from petition.web.forms.validators import in_future, visible_lines
from petition.web.language import lazy_gettext as _

WORDS: Final = "text"


class UpdateForm(BaseForm):
    """An update as it was sent. `do` is the button that saves it, previews it here, or previews its mail.

    `meta.button` is the field of the pressed button. A button with a field of its own can be pressed without any text;
    its action then uses the saved text.
    """

    class Meta:
        """The field of the pressed button, or an empty string."""

        button = ""

    do = StringField()
    text = TranslatedField(
        TextAreaField(
            validators=[DataRequired(), Length(max=LONGEST_TEXT), visible_lines],
            render_kw={"rows": "8"},
        ),
        _("Text"),
        description=_("Markdown: **bold**, *italic*, lists, [links](https://example.org)."),
    )
    due = DateTimeLocalField(
        validators=[Optional(), in_future],
        description=_("Leave this empty to publish at once. Subscribers with a daily or weekly digest see it there."),
    )
    mail_due = DateTimeLocalField(
        validators=[Optional(), in_future],
        description=_("Leave this empty to publish and mail as soon as a second organiser approves."),
    )
    address = AddressField(
        _("Your own address"),
        description=_(
            "One mail goes to this address and to nobody else. The address is encrypted, used once and not kept. "
            "Work addresses are refused."
        ),
        render_kw={"type": "email", "autocomplete": "email", "spellcheck": "false"},
    )
    lang = SelectField(
        _("Language"),
        [Optional()],
        choices=lambda form, _field: [(code, LANGUAGES.get(code, code)) for code in form.meta.languages],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the text and the field of the pressed button, or all fields if `meta.button` is empty."""
        if not self.meta.button:
            return super().validate(extra_validators)
        needed = {WORDS, self.meta.button} if self.has_words() else {self.meta.button}
        fine = [self[name].validate(self) for name in needed]
        return all(fine)

    def is_stored(self, field: Field) -> bool:
        """Return whether it is a text. Times and the address of a test mail are stored with no draft."""
        return field in self.text.by_language.values()

    def has_words(self) -> bool:
        """Return whether a field for the text was posted, empty or not."""
        return any(each.raw_data for each in self.text.by_language.values())

    def fill_in(self, words: Mapping[str, str]) -> None:
        """Fill in the saved text where none was posted."""
        for lang, each in self.text.by_language.items():
            if not each.raw_data:
                each.data = words.get(lang, "")

    def trial_language(self) -> str:
        """Return the language of the test mail: the chosen one if the letter has it, otherwise the letter's first."""
        chosen, languages = self.lang.data, self.meta.languages
        return str(chosen if chosen in languages else languages[0])
