"""Rankings are fused and interleaved without repeats, and without losing anything."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.local.model import Floats, Rows
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.mixed import Mixed, fused, interleaved
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category


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


class Circle:
    """A thousand products around a circle, as vectors of length one."""

    ids = pa.array([str(row) for row in range(1_000)])
    vectors = np.array(
        [[np.cos(angle), np.sin(angle)] for angle in np.linspace(0, 6, 1_000)], np.float32
    )

    def rows(self, ids: Sequence[str]) -> Rows:
        return np.array(ids, np.int64)

    def read(self, rows: Rows) -> Floats:
        some: Floats = self.vectors[rows]
        return some

    def neighbours(self, rows: Rows, *, k: int) -> Rows:
        raise NotImplementedError("a pool of this size is searched whole")


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [(2, 90, "yes"), (60, 2, "no, but only just"), (60, 90, "cannot tell")],
    ids=["looks for positives", "then for confusable products", "then for ambiguous ones"],
)
def test_what_a_leaf_is_shown_depends_on_what_it_has(
    positives: int, negatives: int, expected: str
) -> None:
    resources = Resources(Project(Path("nowhere"), Settings()))
    resources.embeddings, resources.ids = Circle(), Circle.ids
    resources.recommendations = None
    yes, no = list(map(str, range(positives))), list(map(str, range(900, 900 + negatives)))
    leaf = Leaf(Category("leaf", ("Leaf",)), yes, no, frozenset([*yes, *no]))
    scores = np.linspace(1, 0, 1_000, dtype=np.float32)
    resources.scorer = lambda leaf, resources, model: Scored(None, scores, "model", leaf.labels)
    page = Mixed().rank(leaf, resources, count=20, rng=np.random.default_rng(0))
    asked = [candidate for candidate in page if candidate.source == "active"]
    assert len(asked) >= 18
    assert all(expected in candidate.reason for candidate in asked)


@pytest.mark.parametrize(("score", "by_chance"), [(0.9, 0), (0.1, 2)])
def test_chance_stands_in_for_what_the_local_model_doubts_only(
    score: float, by_chance: int
) -> None:
    resources = Resources(Project(Path("nowhere"), Settings()))
    resources.embeddings, resources.ids = Circle(), Circle.ids
    resources.recommendations = None
    leaf = Leaf(Category("leaf", ("Leaf",)), ["0"], ["999"], frozenset(["0", "999"]))
    scores = np.full(1_000, score, np.float32)
    resources.scorer = lambda leaf, resources, model: Scored(None, scores, "model", leaf.labels)
    page = Mixed().rank(leaf, resources, count=100, rng=np.random.default_rng(0))
    assert len(page) == 100
    assert sum(candidate.source == "random" for candidate in page) == by_chance
