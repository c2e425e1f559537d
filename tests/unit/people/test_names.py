"""A name signs decisions: nobody gets one that reads like somebody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import PeopleError
from productnet.people.names import (
    NAME_LENGTH,
    RESERVED,
    display_name_from,
    is_name,
    name_from,
    skeleton,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ann", "ann"),
        ("ann.b_c-2", "ann.b_c-2"),
        ("Zo\u0065\u0308", "zoë"),
        ("ａｎｎ", "ann"),
        ("Олена", "олена"),
        ("山田たろう", "山田たろう"),
        ("カトー", "カトー"),
        ("7", "7"),
        ("a" * NAME_LENGTH, "a" * NAME_LENGTH),
    ],
)
def test_a_name_is_kept_composed_and_in_lower_case(typed: str, kept: str) -> None:
    assert name_from(typed) == kept
    assert is_name(typed, kept)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "has 0 characters"),
        ("a" * 65, "has 65 characters"),
        ("a" * 1_000_000, "has 1000000 characters"),
        ("ann lee", "holds ' '"),
        ("ann@shop.example", "holds '@'"),
        ("ann\0", r"\(U\+0000\)"),
        ("ann\u200b", r"\(U\+200B\)"),
        ("ann\u202e", r"\(U\+202E\)"),
        ("ann\ufe0f", r"\(U\+FE0F\)"),
        ("ann\u034f", r"\(U\+034F\)"),
        ("ann\u3164", r"\(U\+1160\)"),
        ("ann\ud800", r"\(U\+D800\)"),
        ("ann٣", "holds '٣'"),
        (".ann", "must begin with"),
        ("-p", "must begin with"),
        ("аnn", "mixes Cyrillic and Latin letters"),
        ("αnn", "mixes Greek and Latin letters"),
        ("imported", "one that ProductNet signs with"),
        ("Imported", "one that ProductNet signs with"),
        ("l0cal-model", "one that ProductNet signs with"),
    ],
)
def test_what_is_no_name_is_refused_and_said_why(typed: str, why: str) -> None:
    with pytest.raises(PeopleError, match=why):
        name_from(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [("сора", "copa"), ("рор", "pop"), ("ann0", "anno"), ("al1", "all"), ("οα", "oa"), ("ı", "i")],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)
    assert not is_name(one, other)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_an_error(typed: str) -> None:
    try:
        name = name_from(typed)
    except PeopleError as error:
        assert str(error).isprintable()
        return
    assert name_from(name) == name
    assert is_name(typed, name)
    assert skeleton(typed) == skeleton(name)
    assert name not in RESERVED


@pytest.mark.parametrize(
    "typed", ["", "  ", "a" * 101, "Ann\u202eeel", "Ann\nLee", "a\0", "\ud800"]
)
def test_a_display_name_that_spoils_the_page_is_refused(typed: str) -> None:
    with pytest.raises(PeopleError, match="cannot be shown"):
        display_name_from(typed)


@pytest.mark.parametrize("typed", ["Ann Lee", "فنجان می‌خوری", "O'Neill 🍵", "山田 太郎"])
def test_a_display_name_may_be_what_people_are_called(typed: str) -> None:
    assert display_name_from(f" {typed} ") == typed
