"""Validators that WTForms does not have. All others are its own: DataRequired, Length, NumberRange, Optional.

Each raises ValidationError with a message that says how to correct the field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date
from typing import Any, Final
from urllib.parse import urlsplit

import idna.core
from wtforms import Field, Form, TextAreaField, ValidationError

from petition.web.language import lazy_gettext as _

LINK: Final = re.compile(r"://|\bwww\.|\S@\S+\.\S", re.IGNORECASE)
"""What no name contains: a link that says so, and an email address, which somebody typed into the wrong field."""
HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
JOINERS: Final = "\u200c\u200d"
MODIFIERS: Final = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What may follow a picture: the form with colours, and five colours of skin."""
CONTEXT: Final = 32
"""How many characters around a joiner are looked at."""
UNSEEN: Final = _("This text contains characters that cannot be seen. Type it instead of pasting it.")

Check = Callable[[Any, Any], object]


def visible(_form: Form, field: Field) -> None:
    """Reject invisible characters: control, format and unassigned ones. Only a text area may have line breaks.

    A joiner is accepted where a script needs it, as in the names Alireza (Persian) and Sri (Sinhala), and between two parts of a picture.
    """
    text = str(field.data).replace("\n", " ") if isinstance(field, TextAreaField) else field.data
    if not text.isprintable() and not all(_may_stand(text, at) for at in range(len(text))):
        raise ValidationError(UNSEEN)


def visible_lines(_form: Form, field: Field) -> None:
    """Reject invisible characters except line breaks, tabs and joiners. Use it for long texts in any script."""
    if not is_seen(field.data):
        raise ValidationError(UNSEEN)


def no_link(_form: Form, field: Field) -> None:
    """Reject a link or an email address where a name is expected.

    A name is not judged by its shape: "J.van der Berg" and "Dr.med. Anna" look like domains, "Rajesh a/l Kumar" like a
    path. Pages show names as text, and moderators can remove an advertisement.
    """
    if LINK.search(field.data):
        raise ValidationError(_("Enter a name, without a link or an address."))


def web_page(_form: Form, field: Field) -> None:
    """Reject a text that is not the address of a web page. An empty field passes."""
    if field.data and not is_link(field.data):
        raise ValidationError(_("Enter the address of a page, starting with https://."))


def not_in_future(_form: Form, field: Field) -> None:
    """Reject a day after today in the time zone of the form (`meta.zone`, `meta.now`)."""
    today: date = field.meta.now.astimezone(field.meta.zone).date()
    if field.data > today:
        raise ValidationError(_("This day is in the future."))


def in_future(_form: Form, field: Field) -> None:
    """Reject a moment that has passed (`meta.now`)."""
    if field.data <= field.meta.now.astimezone(UTC):
        raise ValidationError(_("This time has passed."))


def is_seen(text: str) -> bool:
    """Returns whether every character of a text is visible, except line breaks, tabs and joiners."""
    return not any(unicodedata.category(c) in HIDDEN and c not in "\n\t" + JOINERS for c in text)


def _may_stand(text: str, at: int) -> bool:
    character = text[at]
    if character in JOINERS:
        return _joins_letters(text[max(0, at - CONTEXT) : at + CONTEXT], min(at, CONTEXT)) or _joins_pictures(text, at)
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _joins_letters(text: str, at: int) -> bool:
    """Returns whether a script needs a joiner here (RFC 5892, appendix A: after a virama, or between joined letters)."""
    try:
        return idna.core.valid_contextj(text, at)
    except ValueError:
        return False


def _joins_pictures(text: str, at: int) -> bool:
    """Returns whether a joiner is between two pictures, such as a person and a computer."""
    before = text[:at].rstrip(MODIFIERS)[-1:]
    return text[at] == JOINERS[1] and all(
        unicodedata.category(c) == "So" for c in (before or " ", text[at + 1 : at + 2] or " ")
    )


def is_link(text: str) -> bool:
    """Returns whether a text is the address of a web page: http or https, with a host, without a password or spaces."""
    try:
        url = urlsplit(text)
        host, _port = url.hostname or "", url.port
    except ValueError:
        return False
    plain = text.isprintable() and not any(c.isspace() or c in '<>"\\' for c in text)
    return plain and url.scheme in {"http", "https"} and "." in host.strip(".") and url.username is None
