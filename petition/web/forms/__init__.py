"""One form system: typed WTForms fields with validators and labels, for the pages' posts and the calls' JSON alike.

`fields` and `validators` make a form, `base` is its base, `public` holds the forms that pages and calls share, and `redraw`
draws a page again with what was typed.
"""

from wtforms.validators import DataRequired
from wtforms.validators import Length as _Length

from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import DIGITS, SENT, YEARS, StringField, is_sent_too_long, too_long
from petition.web.forms.filters import lines, one_line, stripped
from petition.web.forms.public import LONGEST_ADDRESS, LONGEST_CHOICE, LONGEST_NAME
from petition.web.forms.validators import Check, is_seen, no_link, visible

Shape = BaseForm
TextField = StringField
present = DataRequired()


def at_most(longest: int) -> _Length:
    """Refuse a text of more characters."""
    return _Length(max=longest)


__all__ = [
    "DIGITS", "LONGEST_ADDRESS", "LONGEST_CHOICE", "LONGEST_NAME", "SENT", "YEARS", "BaseForm", "Check", "FormRefused", "Shape",
    "TextField", "at_most", "is_seen", "is_sent_too_long", "lines", "no_link", "one_line", "present", "stripped", "too_long",
    "visible",
]  # fmt: skip
