"""Cells become the text a person would read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.catalog import texts


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None),
        ("  ", None),
        (float("nan"), None),
        (" Mug ", "Mug"),
        (15970.0, "15970"),
        (0.5, "0.5"),
        (True, "Yes"),
        (["Dishwasher safe", None, "350 ml"], "Dishwasher safe\n350 ml"),
        ('["Dishwasher safe", "350 ml"]', "Dishwasher safe\n350 ml"),
        ("[not json", "[not json"),
        ("5 < 6 and <3 mm", "5 < 6 and <3 mm"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("R&D;", "R&D;"),
        ("<p>A <b>fine</b>\nmug.</p><ul><li>Oak</li><li>Red</li></ul>", "A fine mug.\nOak\nRed"),
        ("<style>p {}</style><p>Mug</p><script>x()</script>", "Mug"),
        ("<br/>", None),
    ],
)
def test_prose(cell: object, expected: str | None) -> None:
    assert texts.prose(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ({"Material": "Cotton", "Colour": "Red"}, "Material Cotton; Colour Red"),
        ('{"Material": "Cotton", "Washable": true}', "Material Cotton; Washable Yes"),
        ({"Size": ["S", "M"], "Fit": None}, "Size S, M"),
        (["mug", "cup"], "mug; cup"),
        ("mug, cup", "mug, cup"),
        ({}, None),
        ([], None),
    ],
)
def test_keywords(cell: object, expected: str | None) -> None:
    assert texts.keywords(cell) == expected


def test_plain_keeps_markup_and_joins_a_path() -> None:
    assert texts.plain("a<b>") == "a<b>"
    assert texts.plain(["Home", "Kitchen"]) == "Home > Kitchen"


@given(st.text())
def test_any_text_gives_trimmed_text_or_none(text: str) -> None:
    result = texts.prose(text)
    assert result is None or (result and result == result.strip())


@given(st.text())
def test_the_words_of_words_are_the_same(text: str) -> None:
    once = texts.distinct_words(text)
    assert texts.distinct_words(" ".join(once)) == once


def test_words_do_not_tell_case_order_or_marks() -> None:
    assert texts.distinct_words("Mug, BLUE 350ml") == texts.distinct_words("blue mug (350 ml)")
    assert texts.distinct_words("--- !") == []
