"""The interface's languages: catalogues, numbers and dates, for pages and mails, without a web framework.

A sentence reads the same wherever it appears, in the typography of its language. Catalogues are read from their .po
files, so that no compiled copy can be older than its source. Languages that the interface lacks are rejected. A letter
may be in any language; the page around it is then in English.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.core import Locale, UnknownLocaleError, get_global
from babel.dates import format_date, format_interval, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

LANGUAGES: Final = {"en": "English", "fr": "Français"}
SOURCE_LANGUAGE: Final = "en"
TRANSLATIONS: Final = Path(__file__).parents[1] / "translations"


class LanguageUnknown(LookupError):
    """The interface is not translated into this language."""


def marked(sentence: str) -> str:
    """Mark a sentence for the catalogue where it is written; it is translated when it is shown. Import it as `_`."""
    return sentence


_ = marked


def interface_language(lang: str | None) -> str:
    """Returns `lang` if the interface is available in it, otherwise English."""
    return lang if lang in LANGUAGES else SOURCE_LANGUAGE


@lru_cache
def translations(lang: str) -> NullTranslations:
    """Read a language's catalogue once per process. English, the source language, has none. Raises LanguageUnknown."""
    if lang not in LANGUAGES:
        msg = f"the interface does not speak {lang!r}"
        raise LanguageUnknown(msg)
    if lang == SOURCE_LANGUAGE:
        return NullTranslations()
    return catalogue(TRANSLATIONS / lang / "LC_MESSAGES" / "messages.po", lang)


def catalogue(po: Path, lang: str) -> Translations:
    """Read one .po file. Fuzzy entries count as untranslated."""
    compiled = BytesIO()
    with po.open("rb") as source:
        write_mo(compiled, read_po(source, locale=lang))
    compiled.seek(0)
    return Translations(compiled)


def gettext_for(lang: str) -> Callable[[str], str]:
    """Returns the function that translates a sentence. Raises LanguageUnknown."""
    return translations(lang).ugettext


def ngettext_for(lang: str) -> Callable[[str, str, int], str]:
    """Returns the function that translates a sentence with a number in it. Raises LanguageUnknown."""
    return translations(lang).ungettext


def number(n: int, lang: str) -> str:
    """Format a whole number: 76,000 in English, 76 000 with narrow no-break spaces in French."""
    return format_decimal(n, locale=lang)


def at_least(tens: int, lang: str) -> str:
    """Format a number of whole tens as a bound, to stand before a noun: fewer than 10 (for 0), at least 40."""
    if not tens:
        return gettext_for(lang)(_("fewer than 10"))
    return gettext_for(lang)(_("at least %(n)s")) % {"n": number(tens, lang)}


def percent(share: float, lang: str, digits: int = 1) -> str:
    """Format a share of one as a percentage with at most `digits` decimals: 0.0123 is 1.2%, in French 1,2 %."""
    decimals = "." + "#" * digits if digits else ""
    sign = "\u202f%" if lang == "fr" else "%"
    return format_percent(share, format=f"#,##0{decimals}{sign}", locale=lang)


def duration(seconds: int, lang: str) -> str:
    """Format a duration in its largest unit: 2 minutes, 10 minutes, 1 hour."""
    return format_timedelta(timedelta(seconds=seconds), threshold=1, locale=lang).replace(" ", "\u00a0")


def with_territory(lang: str) -> str:
    """Returns a language with the territory where most of its speakers live, as Open Graph wants it: en_US, fr_FR."""
    try:
        found = Locale.parse(get_global("likely_subtags").get(lang.replace("-", "_"), lang.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return lang
    return "_".join(filter(None, (found.language, found.territory)))


def date_long(day: date, lang: str) -> str:
    """Format a day in full: 24 November 2026, 24 novembre 2026."""
    return format_date(day, format="long", locale="en_GB" if lang == "en" else lang)


def date_span(since: date, until: date, lang: str) -> str:
    """Format a range of days, both ends included: 16–22 Nov 2026, 16–22 nov. 2026."""
    return format_interval(since, until, skeleton="yMMMMd", locale="en_GB" if lang == "en" else lang)
