"""The retention table: what is kept, for how long and why, as the data map has it and nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from petition.core.i18n import gettext_for
from petition.privacy.data_map import DATA_MAP, DataMapWrong
from petition.privacy.retention import LINES, LIVES, RETENTION, Line, Whose, retention

A_TABLE = re.compile(r'<table class="columns" role="table">\s*<caption>([^<]+)</caption>(.*?)</table>', re.DOTALL)
A_ROW = re.compile(r'scope="row">([^<]+)</th>\s*<td[^>]*>([^<]+)</td>\s*<td[^>]*>([^<]+)</td>')


def rows_of(page: str) -> list[tuple[str, str, str]]:
    """What, how long and why, of each row of the retention tables on a page."""
    return [tuple(map(unescape, row)) for table in A_TABLE.findall(page) for row in A_ROW.findall(table[1])]  # type: ignore[misc]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_life_span_of_the_data_map_stands_in_the_table_and_no_other(client: FlaskClient, lang: str) -> None:
    say = gettext_for(lang)
    told = rows_of(client.get(f"/seizure?lang={lang}").text)
    assert {life for _, life, _ in told} == {say(life) for life in LIVES.values()}
    assert told == [(say(each.what), say(each.life), say(each.why)) for rows in RETENTION.values() for each in rows]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_before_signing_one_reads_what_is_kept_of_signers_and_where_the_rest_stands(
    client: FlaskClient, lang: str
) -> None:
    say = gettext_for(lang)
    page = client.get(f"/safety?lang={lang}").text
    signers = RETENTION[Whose.SIGNERS]
    assert rows_of(page) == [(say(each.what), say(each.life), say(each.why)) for each in signers]
    assert f'href="/seizure{"?lang=fr" * (lang == "fr")}#kept"' in page


def test_a_reader_meets_plain_words_before_the_first_column(client: FlaskClient) -> None:
    page = client.get("/seizure").text
    assert 0 < page.index('id="kept"') < page.index("Table and columns")
    names = {column.rpartition(".")[2] for column in DATA_MAP if "_" in column.rpartition(".")[2]}
    words = " ".join(word for row in rows_of(page) for word in row)
    assert [name for name in sorted(names) if name in words] == []


def test_each_table_has_a_caption_and_its_cells_say_what_they_are(client: FlaskClient) -> None:
    tables = A_TABLE.findall(client.get("/seizure").text)
    assert len(tables) == len(Whose)
    for caption, table in tables:
        assert caption.strip()
        assert table.count('scope="col"') == 3
        assert table.count("<td") == table.count("data-label=") == 2 * table.count('scope="row"') > 0


def test_personal_data_are_never_filed_under_nobody() -> None:
    covers = {name for line in LINES if line.whose in {Whose.LETTER, Whose.SERVERS} for name in line.covers.split()}
    about_people = {column for column, datum in DATA_MAP.items() if datum.kind.value in {"personal", "keyed"}}
    assert {column for column in about_people if {column, column.rpartition(".")[0]} & covers} == set()


A_LINE = Line(Whose.SIGNERS, "A thing", "for a reason", "public.a")


@pytest.mark.parametrize(
    ("lines", "lives", "said"),
    [
        ([A_LINE], {"public.a.x": "a day", "public.b.x": "a day"}, "no line of the retention table covers public.b.x"),
        ([A_LINE], {"public.a.x": "a day", "public.a.y": "a year"}, "“A thing” has 2 life spans instead of one"),
        (
            [A_LINE, Line(Whose.SUBSCRIBERS, "B", "", "public.a")],
            {"public.a.x": "a day"},
            "two lines .* cover public.a",
        ),
        ([A_LINE], {}, "the data map does not know public.a"),
        ([Line(Whose.SUBSCRIBERS, "B", "", "public.a keys:*")], {"public.a.x": "a day"}, "does not know keys:"),
    ],
)
def test_a_table_that_is_not_that_of_the_data_map_is_refused(
    lines: list[Line], lives: dict[str, str], said: str
) -> None:
    with pytest.raises(DataMapWrong, match=said):
        retention(lines, lives)


def test_a_column_with_a_life_of_its_own_has_a_line_of_its_own() -> None:
    special = Line(Whose.SUBSCRIBERS, "B", "for another", "public.a.y")
    made = retention([A_LINE, special], {"public.a.x": "a day", "public.a.y": "a year"})
    assert [each.life for rows in made.values() for each in rows] == ["a day", "a year"]
