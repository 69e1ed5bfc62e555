"""Every sentence of the code is in every catalogue: translated, surely, with its values, in its typography."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from petition.core.i18n import LANGUAGES, SOURCE_LANGUAGE, TRANSLATIONS

ROOT: Final = Path(__file__).parents[2]
TRANSLATED: Final = sorted(LANGUAGES.keys() - {SOURCE_LANGUAGE})
VALUE: Final = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
NOT_FRENCH: Final = {
    "a plain or wide space before : ; ! ? »": re.compile(r"[ \u00a0][:;!?»]"),
    "no space before ; ! ? »": re.compile(r"[^\s\u202f][;!?»]"),
    "no space before :": re.compile(r"\w:(?=\s|$)"),
    "no narrow no-break space after «": re.compile("«(?!\u202f)"),
    "a straight apostrophe": re.compile("'"),
    "English quotation marks": re.compile("[“”]"),
}


def forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


@cache
def written() -> frozenset[tuple[str, ...]]:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    found = extract_from_dir(ROOT, methods, options, DEFAULT_KEYWORDS)
    return frozenset(forms(sentence) for _, _, sentence, _, _ in found)


def read(path: Path, lang: str | None = None) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=lang, abort_invalid=True)


@cache
def messages(lang: str) -> dict[tuple[str, ...], Message]:
    return {forms(each.id): each for each in read(TRANSLATIONS / lang / "LC_MESSAGES" / "messages.po", lang) if each.id}


def faults_of(text: str) -> list[str]:
    return [fault for fault, pattern in NOT_FRENCH.items() if pattern.search(text)]


def lost_values(sentence: tuple[str, ...], said: tuple[str, ...]) -> bool:
    return any(
        sorted(VALUE.findall(ours)) != sorted(VALUE.findall(theirs))
        for ours, theirs in zip(sentence, said, strict=True)
    )


def test_sentences_are_found_in_code_pages_and_mails() -> None:
    wanted = {("Not a pass",), ("Your code:",), ("%(count)s code left", "%(count)s codes left")}
    assert wanted - written() == set()


def test_template_of_the_catalogues_lists_what_the_code_says() -> None:
    listed = {forms(each.id) for each in read(TRANSLATIONS / "messages.pot") if each.id}
    assert (sorted(written() - listed), sorted(listed - written())) == ([], [])


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_sentence_is_translated_and_nothing_else_is(lang: str) -> None:
    said = messages(lang)
    missing = sorted(written() - said.keys())
    assert (missing, sorted(said.keys() - written())) == ([], [])


@pytest.mark.parametrize("lang", TRANSLATED)
def test_no_translation_is_empty_or_unsure(lang: str) -> None:
    said = messages(lang)
    empty = [each.id for each in said.values() if not each.string or not all(map(str.strip, forms(each.string)))]
    assert (empty, [each.id for each in said.values() if each.fuzzy]) == ([], [])


@pytest.mark.parametrize("lang", TRANSLATED)
def test_translations_keep_the_values_they_are_filled_with(lang: str) -> None:
    assert [each.id for key, each in messages(lang).items() if lost_values(key, forms(each.string))] == []


def test_french_knows_two_forms_and_says_zero_in_the_singular() -> None:
    french = read(TRANSLATIONS / "fr" / "LC_MESSAGES" / "messages.po", "fr")
    assert (french.charset, french.num_plurals, french.plural_expr) == ("utf-8", 2, "(n > 1)")


def test_french_is_set_in_french_typography() -> None:
    said = [text for each in messages("fr").values() for text in forms(each.string)]
    assert {text: faults_of(text) for text in said if faults_of(text)} == {}


@pytest.mark.parametrize("text", ["Code : 1", "Code\u00a0: 1", "Code: 1", "Quoi?", "« mot »", "l'avis", "“mot”"])
def test_english_typography_is_noticed(text: str) -> None:
    assert faults_of(text) != []


def test_lost_value_is_noticed() -> None:
    assert lost_values(("%(n)s name", "%(n)s names"), ("%(n)s nom", "plusieurs noms"))
