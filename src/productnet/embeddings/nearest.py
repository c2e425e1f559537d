"""Nearest neighbours by cosine, exactly: blocks of one matrix product."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]

# Scores held at a time: 64 MB.
_SCORES_PER_BLOCK = 16_000_000
_QUERIES_PER_BLOCK = 512


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
        rows[part], scores[part] = _nearest_of_few(vectors, queries[part], k)
    return rows, scores


def best(rows: Rows, scores: FloatArray, *, k: int) -> tuple[Rows, FloatArray]:
    """The k best of candidates (Q, c), best first; ties by row."""
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _nearest_of_few(vectors: FloatArray, queries: FloatArray, k: int) -> tuple[Rows, FloatArray]:
    size = max(_SCORES_PER_BLOCK // len(queries), 1)
    rows = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), size):
        products = queries @ vectors[start : start + size].T  # (Q, D) @ (D, n) -> (Q, n)
        some = min(k, products.shape[1])
        columns = np.argpartition(-products, some - 1, axis=1)[:, :some]
        rows = np.hstack([rows, columns + start])
        scores = np.hstack([scores, np.take_along_axis(products, columns, axis=1)])
        rows, scores = best(rows, scores, k=k)
    return rows, scores
