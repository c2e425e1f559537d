"""Queries as people type them become terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.retrieval.keyword_query import Role, any_of, is_exclusion, parse_query


def terms(query: str) -> list[tuple[str, str]]:
    return [(str(term), term.role.value) for term in parse_query(query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Blue MUG", [("blue", "wanted"), ("mug", "wanted")]),
        ('"blue mug" cup', [("blue mug", "wanted"), ("cup", "wanted")]),
        ("+mug -travel", [("mug", "needed"), ("travel", "excluded")]),
        ('+"set of 4" -"travel mug"', [("set of 4", "needed"), ("travel mug", "excluded")]),
        ("mug NOT travel cup", [("mug", "wanted"), ("travel", "excluded"), ("cup", "wanted")]),
        ('mug NOT "to go"', [("mug", "wanted"), ("to go", "excluded")]),
        ("mug AND cup OR bowl", [("mug", "wanted"), ("cup", "wanted"), ("bowl", "wanted")]),
        ("and not", [("and", "wanted"), ("not", "wanted")]),
        ("T-shirt", [("t shirt", "wanted")]),
        ("mugs/cups, -bowls", [("mugs", "wanted"), ("cups", "wanted"), ("bowls", "excluded")]),
        ("mug mug", [("mug", "wanted")]),
        ('"never closed', [("never closed", "wanted")]),
        ("title:mugs^9 (a~2 [1 TO 3]", [("title mugs 9", "wanted"), ("a 2", "wanted"),
                                        ("1", "wanted"), ("to", "wanted"), ("3", "wanted")]),
        ("*** + - \"\" NOT", []),
        ("चाय कप", [("चाय", "wanted"), ("कप", "wanted")]),
    ],
)  # fmt: skip
def test_a_query_is_read_as_people_mean_it(query: str, expected: list[tuple[str, str]]) -> None:
    assert terms(query) == expected


@given(st.text(max_size=80))
def test_of_any_text_something_is_made(query: str) -> None:
    for term in parse_query(query):
        assert term.words
        assert not set('"\\+^') & set(str(term))


def test_a_megabyte_is_cut() -> None:
    assert len(parse_query(" ".join(str(number) for number in range(200_000)))) == 64


def test_only_exclusions_are_told_from_the_rest() -> None:
    assert is_exclusion(parse_query("-travel NOT glass"))
    assert not is_exclusion(parse_query("mug -travel"))
    assert not is_exclusion(parse_query("***"))


def test_words_of_texts_come_once_by_stem_and_telling_ones_only() -> None:
    made = any_of([("Mugs & Cups", 5.0), ("A mug for the road", 1.0)])
    assert [(str(term), term.weight) for term in made] == [
        ("mugs", 5.0),
        ("cups", 5.0),
        ("road", 1.0),
    ]
    assert {term.role for term in made} == {Role.WANTED}
