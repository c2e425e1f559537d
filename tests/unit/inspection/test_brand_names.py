"""One name in several spellings, names that look misspelt, and names that titles say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.inspection.brand_names import Names, key_of, named_in


def names(*products: tuple[str, str]) -> Names:
    made = Names(most_products=5)
    for number, (brand, title) in enumerate(products):
        made.add(brand, product=f"p{number}", words=title.lower().split())
    return made


@pytest.mark.parametrize(
    "spelling",
    ["Black & Decker", "BLACK+DECKER", "black-decker", "Black & Decker® Inc.", "Black Decker GmbH"],
)
def test_spellings_of_one_name_have_one_key(spelling: str) -> None:
    assert key_of(spelling) == "black decker"


def test_a_legal_form_alone_is_a_name() -> None:
    assert key_of("Ltd") == "ltd"
    assert key_of("®") == ""


@given(st.text("aBé&+-.'® \tIncLTD3", max_size=40))
def test_a_key_is_its_own_key(name: str) -> None:
    assert key_of(key_of(name)) == key_of(name)


def test_the_commonest_spelling_is_kept_and_of_equals_the_written_one() -> None:
    made = names(("Acme", "mug"), ("ACME", "mug"), ("acme inc", "mug"), ("Acme", "mug"))
    [(name, others)] = made.respelt()
    assert name.canonical == "Acme"
    assert sorted(others) == ["ACME", "acme inc"]
    assert name.products["ACME"] == ["p1"]
    [(name, _)] = names(("NIKE", "shoe"), ("Nike", "shoe")).respelt()
    assert name.canonical == "Nike"


def test_a_slip_is_rare_and_sells_what_the_name_sells() -> None:
    right = [("Panasonic", "cordless phone white")] * 6
    [(slip, meant)] = names(*right, ("Panasoinc", "cordless phone black")).slips(common=set())
    assert (slip.canonical, meant.canonical) == ("Panasoinc", "Panasonic")
    # What sells other things is another name, and so is what is as common.
    assert not list(names(*right, ("Panasoinc", "garden hose")).slips(common=set()))
    often = [("Panasoinc", "cordless phone black")] * 4
    assert not list(names(*right, *often).slips(common=set()))
    # What is in every title proves nothing.
    common = {"cordless", "phone"}
    assert not list(names(*right, ("Panasoinc", "cordless phone red")).slips(common=common))


def test_short_names_and_numbers_are_no_slips() -> None:
    assert not list(names(*[("Asos", "top")] * 9, ("Asus", "top")).slips(common=set()))
    assert not list(names(*[("Area 51x", "top")] * 9, ("Area 52x", "top")).slips(common=set()))


def test_a_title_says_the_longest_name() -> None:
    known = {"black decker": 1, "black": 1}
    assert named_in("The Black & Decker drill", known, longest=4) == "black decker"
    assert named_in("Blackbird drill", known, longest=4) is None
    assert named_in("", known, longest=4) is None
