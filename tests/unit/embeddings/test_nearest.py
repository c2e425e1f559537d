import numpy as np
import pytest

from productnet.embeddings import nearest
from productnet.embeddings.lookup import IdLookup, hash_ids
from productnet.embeddings.nearest import Best, exact_nearest, unit_rows


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.normal(size=(500, 8)).astype(np.float32))
    queries = unit_rows(rng.normal(size=(20, 8)).astype(np.float32))
    scores = queries @ vectors.T
    expected = np.argsort(-scores, axis=1)[:, :7]
    for budget in (1, 100, 1_999, 10_000_000):
        monkeypatch.setattr(nearest, "_SCORES_PER_BLOCK", budget)
        monkeypatch.setattr(nearest, "_QUERIES_PER_BLOCK", min(budget, 64))
        rows, found = exact_nearest(vectors, queries, k=7)
        assert np.array_equal(rows, expected)
        np.testing.assert_allclose(found, np.take_along_axis(scores, expected, 1), atol=1e-6)


def test_ties_go_to_the_earlier_row() -> None:
    vectors = np.ones((9, 2), np.float32)
    rows, _ = exact_nearest(vectors, vectors[:1], k=9)
    assert rows.tolist() == [list(range(9))]


def test_the_best_of_blocks_are_the_best_of_all() -> None:
    # Few different scores, so that many are equal.
    scores = np.random.default_rng(0).integers(0, 9, 400).astype(np.float32)
    expected = np.argsort(-scores, kind="stable")
    for k in (0, 1, 30, 399, 400, 500):
        for size in (1, 20, 64, 400):
            best = Best(k)
            for start in range(0, 400, size):
                best.add(start, scores[start : start + size])
            assert best.rows.tolist() == expected[:k].tolist()
            assert best.scores.tolist() == scores[expected[:k]].tolist()


def test_no_query_gives_no_row() -> None:
    rows, scores = exact_nearest(np.ones((9, 2), np.float32), np.ones((0, 2), np.float32), k=3)
    assert rows.shape == scores.shape == (0, 3)


def test_ids_whose_hashes_collide_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    from productnet.embeddings import lookup

    monkeypatch.setattr(lookup, "hash_ids", lambda ids: hash_ids(ids) % 3)
    ids = [f"product {number}" for number in range(40)]
    hashes = lookup.hash_ids(ids)
    order = np.argsort(hashes, kind="stable")
    table = IdLookup(pa.array(ids), np.stack([hashes[order], order.astype(np.uint64)]))
    asked = ["nobody", *reversed(ids), "product 40"]
    assert table.rows(asked).tolist() == [-1, *reversed(range(40)), -1]
