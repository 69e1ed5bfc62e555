"""The form of an update: its words, and beside them a field for each button that needs one.

Guards that a button asks for nothing that belongs to another one: only the words and its own field are checked, and the
other fields stay as they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wtforms.validators import DataRequired, Length, Optional

from petition.core.i18n import LANGUAGES
from petition.web.dashboard.forms import LONGEST_TEXT
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import DateTimeLocalField, SelectField, StringField, TextAreaField, TranslatedField
from petition.web.forms.validators import in_future, visible_lines
from petition.web.language import lazy_gettext as _

WORDS: Final = "text"


class UpdateForm(BaseForm):
    """An update as it stands on the screen; `do` is the button that keeps it, shows it here, or shows its mail.

    `meta.button`: the field that the pressed button works with. One that works with another field than the words may be
    pressed without any words: it is then about those that were kept.
    """

    class Meta:
        """See above."""

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
    address = StringField(
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
        """Check the words and the field of the pressed button; all fields if there is none."""
        if not self.meta.button:
            return super().validate(extra_validators)
        needed = {WORDS, self.meta.button} if self.has_words() else {self.meta.button}
        fine = [self[name].validate(self) for name in needed]
        return all(fine)

    def has_words(self) -> bool:
        """Whether a field for the words was posted, empty or not."""
        return any(each.raw_data for each in self.text.by_language.values())

    def fill_in(self, words: Mapping[str, str]) -> None:
        """Show the words that were kept, where none were posted."""
        for lang, each in self.text.by_language.items():
            if not each.raw_data:
                each.data = words.get(lang, "")

    def trial_language(self) -> str:
        """The language of the trial: the one that was chosen if the letter has it, else the letter's first."""
        chosen, languages = self.lang.data, self.meta.languages
        return str(chosen if chosen in languages else languages[0])
