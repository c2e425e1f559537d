import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.taxonomy.paths import join_path, path_key, slug, split_path


@pytest.mark.parametrize(
    "text",
    [
        "Home > Lighting > Lamps",
        "Home >> Lighting >> Lamps",
        "Home|Lighting|Lamps",
        "Home>Lighting>Lamps",
    ],
)
def test_every_separator_splits(text: str) -> None:
    assert split_path(text) == ("Home", "Lighting", "Lamps")


def test_the_longest_separator_wins_and_empty_names_fall_away() -> None:
    assert split_path(" Plants >> Size > 10 cm >> ") == ("Plants", "Size > 10 cm")


def test_case_spacing_and_punctuation_do_not_tell_paths_apart() -> None:
    assert path_key(("Home & Kitchen", "T-Shirts")) == path_key(("home  kitchen", "T shirts"))


def test_slugs_keep_letters_of_other_scripts() -> None:
    assert slug("Küche & Bad") == "küche-bad"
    assert slug("調理器具") == "調理器具"


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1))
def test_splitting_undoes_joining(names: list[str]) -> None:
    path = split_path(join_path(names))
    assert split_path(join_path(path)) == path
    assert len(path) == len(names)
