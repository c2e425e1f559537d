"""The term matrix of a real pool: what it says, when it is made anew, and whose rows it gives."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.retrieval.terms import TermMatrix

FIELDS = ("title", "description")


def pool_of(folder: Path, titles: dict[str, str | None]) -> Pool:
    pool = Pool.create(folder / "pool.lance", FIELDS)
    products = [
        Product(id, {"title": title} if title else {}, fingerprint=b"12345678")
        for id, title in titles.items()
    ]
    pool.append(products_to_table(products, FIELDS))
    return pool


TITLES = {
    "a": "Red mugs for tea",
    "b": "A mug",
    "c": "Salad bowl",
    "d": None,
    "e": "\u202eمرحبا \U0001f375 " + "x" * 5_000,
}


@pytest.fixture
def terms(tmp_path: Path) -> TermMatrix:
    return TermMatrix.open_or_build(pool_of(tmp_path, TITLES), tmp_path / "terms")


def test_rows_have_length_one_and_none_where_there_is_no_text(terms: TermMatrix) -> None:
    lengths = np.sqrt(terms.matrix.multiply(terms.matrix).sum(axis=1))
    np.testing.assert_allclose(lengths, [1, 1, 1, 0, 1], atol=1e-6)


def test_who_says_a_name_in_whatever_form(terms: TermMatrix) -> None:
    np.testing.assert_allclose(terms.said("Mug", terms.matrix), [1, 1, 0, 0, 0], atol=1e-6)
    halves = terms.said("Salad mugs", terms.matrix)
    assert 0 < halves[1] < 1 and 0 < halves[2] < 1
    assert not terms.said("", terms.matrix).any()


def test_rows_come_in_the_order_asked_and_empty_for_a_stranger(terms: TermMatrix) -> None:
    some = terms.of(pa.array(["c", "stranger", "a"]))
    np.testing.assert_allclose(terms.said("bowl", some), [1, 0, 0])
    assert some[[1]].nnz == 0
    assert terms.of(pa.array(list(TITLES))) is terms.matrix


def test_it_is_made_anew_when_the_pool_has_grown_or_it_is_damaged(tmp_path: Path) -> None:
    pool, path = pool_of(tmp_path, TITLES), tmp_path / "terms"
    made = TermMatrix.open_or_build(pool, path).matrix.copy()
    kept = (path / "data.npy").stat().st_mtime_ns
    assert TermMatrix.open_or_build(pool, path).matrix.shape == made.shape
    assert (path / "data.npy").stat().st_mtime_ns == kept
    (path / "data.npy").write_bytes(b"not numbers")
    again = TermMatrix.open_or_build(pool, path).matrix
    np.testing.assert_array_equal(again.data, made.data)
    more = Product("f", {"title": "Another mug"}, fingerprint=b"12345678")
    pool.append(products_to_table([more], FIELDS))
    assert TermMatrix.open_or_build(pool, path).matrix.shape[0] == len(TITLES) + 1
    assert not list(path.glob("*.raw"))
