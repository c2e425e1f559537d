"""Recall and average precision of neighbours, against numbers worked out by hand."""

import numpy as np
import pytest

from benchmarks.embedding_quality import retrieval


def test_recall_and_map_are_those_worked_out_by_hand() -> None:
    # On a line: a at 0, b at 1, a at 3, b at 7; by likeness of points on a circle.
    angles = np.array([0.0, 0.1, 0.3, 0.7])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = retrieval(vectors, np.array(["a", "b", "a", "b"]))
    # Ranks of the one other of each label: 2 (b, a, b), 3 (a, a, b), 2 (b, a, b), 2 (a, b, a).
    assert found["recall@1"] == 0
    assert found["recall@10"] == 1
    assert found["map"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 2) / 4)


def test_an_only_product_of_its_label_looks_for_nobody() -> None:
    vectors = np.eye(3)
    alone = retrieval(vectors, np.array(["a", "a", "b"]))
    assert alone["recall@10"] == 1
    assert alone["map"] <= 1
