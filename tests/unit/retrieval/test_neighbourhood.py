from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from productnet.embeddings.nearest import exact_nearest, unit_rows
from productnet.local.model import Floats, Rows
from productnet.local.training import LabelledRows
from productnet.retrieval import neighbourhood
from productnet.retrieval.neighbourhood import Neighbourhoods, Region

KINDS, OF_EACH = 30, 100


class Stand:
    """Embeddings in memory that remember what was asked of them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        kinds = rng.normal(size=(KINDS, 1, 16))
        vectors = kinds + 0.3 * rng.normal(size=(KINDS, OF_EACH, 16))
        self.vectors: Floats = unit_rows(vectors.reshape(-1, 16).astype(np.float32))
        self.ids = pa.array([f"p{row}" for row in range(len(self.vectors))])
        self.queried: list[int] = []
        self.rows_read: list[int] = []

    def rows(self, ids: Sequence[str]) -> Rows:
        return np.array([int(one[1:]) for one in ids], np.int64)

    def read(self, rows: Rows) -> Floats:
        self.rows_read += rows.tolist()
        return self.vectors[rows]

    def neighbours(self, rows: Rows, *, k: int) -> Rows:
        self.queried += rows.tolist()
        return exact_nearest(self.vectors, self.vectors[rows], k=k)[0]


def kind(number: int) -> set[int]:
    return set(range(number * OF_EACH, (number + 1) * OF_EACH))


def region(
    places: Neighbourhoods,
    positives: Sequence[int],
    negatives: Sequence[int] = (2_900,),
    *,
    leaf: str = "mugs",
    seed: int = 0,
) -> Region:
    labelled = LabelledRows(np.array(positives, np.int64), np.array(negatives, np.int64))
    hidden = np.array([*positives, *negatives], np.int64)
    return places.region(leaf, labelled, hidden=hidden, seed=seed)


def test_it_holds_neighbours_of_positives_what_is_labelled_and_products_by_chance() -> None:
    embeddings = Stand()
    found = region(Neighbourhoods(embeddings, each=40, outside=60), [3, 250], [1_000, 2_900])
    rows = set(found.rows.tolist())
    assert len(rows & kind(0)) >= 40 and len(rows & kind(2)) >= 40
    assert {3, 250, 1_000, 2_900} <= rows
    # A negative's own kind comes by chance only.
    assert len(rows & kind(10)) < 10
    by_chance = set(found.rows[found.by_chance].tolist())
    assert 55 <= len(by_chance) <= 60
    assert len({row // OF_EACH for row in by_chance}) > 15
    assert not by_chance & {3, 250, 1_000, 2_900}
    assert len(rows) <= 2 * 40 + 60 + 4
    assert (np.diff(found.rows) > 0).all()
    np.testing.assert_array_equal(found.vectors, embeddings.vectors[found.rows])
    within = LabelledRows(np.array([3, 250]), np.array([2_900])).within(found.rows)
    assert found.rows[within.positives].tolist() == [3, 250]
    assert found.rows[within.negatives].tolist() == [2_900]


def test_it_grows_with_each_positive() -> None:
    places = Neighbourhoods(Stand(), each=40, outside=0)
    sizes = [len(region(places, range(0, 100 * known, 100)).rows) for known in (1, 2, 5, 20)]
    assert sizes == [40 * known + 1 for known in (1, 2, 5, 20)]


def test_where_all_near_ones_are_decided_it_grows() -> None:
    places = Neighbourhoods(Stand(), each=40, outside=0)
    decided = sorted(kind(4))
    found = set(region(places, decided[:50], decided[50:]).rows.tolist())
    assert len(found - kind(4)) >= 20


def test_with_many_positives_each_has_fewer_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "_MOST_PRODUCTS", 400)
    places = Neighbourhoods(Stand(), each=40, outside=0)
    spread = list(range(0, 3_000, 100))
    assert len(region(places, spread, [2_950]).rows) == 10 * 30 + 1


def test_the_same_decisions_give_the_same_region_whatever_came_before() -> None:
    fresh = Neighbourhoods(Stand(), each=40, outside=60)
    used = Neighbourhoods(Stand(), each=40, outside=60)
    region(used, [7, 8, 9], leaf="cups")
    region(used, sorted(kind(0))[:90], sorted(kind(0))[90:])
    region(used, [3, 250, 777])
    first, second = region(fresh, [3, 250]), region(used, [3, 250])
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.vectors, second.vectors)
    np.testing.assert_array_equal(first.by_chance, second.by_chance)
    other = region(fresh, [3, 250], seed=1)
    assert first.rows[first.by_chance].tolist() != other.rows[other.by_chance].tolist()


def test_chance_changes_as_labels_come_but_not_at_each() -> None:
    places = Neighbourhoods(Stand(), each=40, outside=60)

    def by_chance(negatives: int) -> set[int]:
        found = region(places, [3], sorted(kind(20))[:negatives])
        return set(found.rows[found.by_chance].tolist()) - kind(20)

    assert by_chance(1) == by_chance(2) == by_chance(18)
    assert by_chance(18) != by_chance(19) != by_chance(39)


def test_a_decision_costs_one_query_and_the_vectors_that_are_new() -> None:
    embeddings = Stand()
    places = Neighbourhoods(embeddings, each=40, outside=60)
    region(places, [3, 250])
    embeddings.queried.clear()
    embeddings.rows_read.clear()
    region(places, [3, 250], [2_900, 2_901])
    assert not embeddings.queried
    assert embeddings.rows_read == [2_901]
    embeddings.rows_read.clear()
    region(places, [3, 250, 900])
    assert embeddings.queried == [900]
    assert len(embeddings.rows_read) <= 40


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "_MOST_KEPT", 200)
    monkeypatch.setattr(neighbourhood, "_MOST_LEAVES", 1)
    embeddings = Stand()
    places = Neighbourhoods(embeddings, each=40, outside=0)
    for row in range(0, 3_000, 100):
        region(places, [row], leaf=f"leaf {row}")
    embeddings.queried.clear()
    region(places, [2_800], leaf="leaf 2800")
    assert not embeddings.queried
    region(places, [0], leaf="leaf 0")
    assert embeddings.queried == [0]


def test_a_pool_smaller_than_a_neighbourhood_is_taken_whole() -> None:
    places = Neighbourhoods(Stand(), each=5_000, outside=5_000)
    assert region(places, [3]).rows.tolist() == list(range(KINDS * OF_EACH))
