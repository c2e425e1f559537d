"""Product ids are found in whatever people paste."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import UsageError
from productnet.retrieval.adhoc import find_ids

POOL = pa.array(["B01", "B02", "B03", "mug 7", "a,b", "[x]", "É"], pa.string())


@pytest.mark.parametrize(
    ("pasted", "known", "unknown"),
    [
        ("B02", ["B02"], []),
        ("B03, B01;B02|É", ["B03", "B01", "B02", "É"], []),
        ("B01 B02\tB03\r\nmug 7", ["B01", "B02", "B03", "mug 7"], []),
        ("['B01', \"B02\"]", ["B01", "B02"], []),
        ('"mug 7", "B02"', ["mug 7", "B02"], []),
        ("B01\na,b\nB02,a,b", ["B01", "a,b", "B02"], ["a", "b"]),
        ("[x]", ["[x]"], []),
        ("B01 B01\nB01", ["B01"], []),
        ("b01 B99 B02 B99", ["B02"], ["b01", "B99"]),
        ("\ud800 B01", ["B01"], ["?"]),
        (["mug 7", "B02", "B02", "gone"], ["mug 7", "B02"], ["gone"]),
    ],
)
def test_ids_are_found_in_order(
    pasted: str | list[str], known: list[str], unknown: list[str]
) -> None:
    assert find_ids(pasted, POOL) == (known, unknown)


@given(
    ids=st.lists(st.from_regex(r"[A-Za-z0-9_.:/-]{1,12}", fullmatch=True), min_size=1, unique=True),
    between=st.sampled_from([", ", "\n", "\t", ";", " | ", " ", '", "']),
)
def test_what_was_joined_comes_apart_again(ids: list[str], between: str) -> None:
    assert find_ids(between.join(ids), pa.array(ids, pa.string())) == (ids, [])


@pytest.mark.parametrize(
    ("pasted", "message"),
    [(" \n,; ", "no product id"), ([], "no product id"), ("x " * 20_000, "20,000 ids are more")],
)
def test_none_and_too_many_are_refused(pasted: str | list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_ids(pasted, POOL)
