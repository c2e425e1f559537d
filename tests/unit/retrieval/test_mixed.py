"""Rankings are fused and interleaved without repeats, and without losing anything."""

from hypothesis import given
from hypothesis import strategies as st

from productnet.retrieval.candidates import Candidate
from productnet.retrieval.mixed import fused, interleaved


def ranking(source: str, products: str) -> list[Candidate]:
    return [Candidate(product, source, 0.5, "because") for product in products]


def order(candidates: list[Candidate]) -> str:
    return "".join(candidate.product for candidate in candidates)


def test_what_two_rankings_agree_on_comes_first() -> None:
    both = fused([ranking("active", "abcd"), ranking("master", "xcby")], trust=[1, 1])
    assert set(order(both)[:2]) == {"b", "c"}
    assert sorted(order(both)) == sorted("abcdxy")


def test_a_ranking_that_is_not_trusted_comes_last() -> None:
    both = fused([ranking("active", "abcd"), ranking("master", "xyab")], trust=[1, 0.01])
    assert order(both) == "abcdxy"


def test_a_product_keeps_the_source_that_ranked_it_first_in_the_list() -> None:
    (only,) = fused([ranking("active", "a"), ranking("master", "a")], trust=[1, 1])
    assert only.source == "active"


def test_those_aside_are_spread_over_the_page() -> None:
    page = order(interleaved(ranking("active", "abcdefgh"), ranking("random", "12")))
    assert page.index("1") < 5 <= page.index("2")
    assert page.replace("1", "").replace("2", "") == "abcdefgh"


@given(st.text("abcdef", max_size=6), st.text("defghi", max_size=6))
def test_every_product_comes_once(main: str, aside: str) -> None:
    unique_main, unique_aside = "".join(dict.fromkeys(main)), "".join(dict.fromkeys(aside))
    page = interleaved(ranking("active", unique_main), ranking("random", unique_aside))
    assert sorted(order(page)) == sorted({*main, *aside})
    assert {c.product for c in page if c.source == "random"} == set(aside)
    assert sorted(order(fused([page, page], trust=[1, 1]))) == sorted({*main, *aside})
