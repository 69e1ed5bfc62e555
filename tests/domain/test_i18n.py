"""Numbers, dates and sentences in the reader's own typography."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from petition.core.i18n import (
    LanguageUnknown,
    catalogue,
    date_long,
    gettext_for,
    interface_language,
    ngettext_for,
    number,
    percent,
    translations,
)


def test_numbers_are_grouped_as_each_language_does() -> None:
    assert (number(76000, "en"), number(76000, "fr")) == ("76,000", "76\u202f000")


@pytest.mark.parametrize(
    ("share", "digits", "english", "french"),
    [
        (0.01, 1, "1%", "1\u202f%"),
        (0.0125, 1, "1.2%", "1,2\u202f%"),
        (0.0125, 0, "1%", "1\u202f%"),
        (0.0125, 2, "1.25%", "1,25\u202f%"),
        (12.5, 1, "1,250%", "1\u202f250\u202f%"),
    ],
)
def test_shares_are_written_as_percentages(share: float, digits: int, english: str, french: str) -> None:
    assert (percent(share, "en", digits), percent(share, "fr", digits)) == (english, french)


def test_days_are_written_in_full() -> None:
    day = date(2026, 11, 24)
    assert (date_long(day, "en"), date_long(day, "fr")) == ("24 November 2026", "24 novembre 2026")


def test_english_is_the_source_and_needs_no_catalogue() -> None:
    counted = ngettext_for("en")
    assert gettext_for("en")("Your code") == "Your code"
    assert (counted("one", "many", 1), counted("one", "many", 2)) == ("one", "many")


def test_language_without_an_interface_is_unknown_and_read_in_english() -> None:
    with pytest.raises(LanguageUnknown):
        translations("de")
    assert (interface_language("de"), interface_language(None), interface_language("fr")) == (
        "en",
        "en",
        "fr",
    )


def test_catalogue_is_read_from_its_source_without_unsure_entries(tmp_path: Path) -> None:
    po = tmp_path / "messages.po"
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "code"\nmsgstr "clé"\n\n#, fuzzy\nmsgid "unsure"\nmsgstr "peut-être"\n',
        encoding="utf-8",
    )
    french = catalogue(po, "fr")
    assert (french.ugettext("code"), french.ugettext("unsure")) == ("clé", "unsure")
