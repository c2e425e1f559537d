"""Variety: a page of good candidates that are not all alike."""

from collections.abc import Sequence

import numpy as np

from productnet.errors import EmbeddingError
from productnet.local.blocks import one_blas_thread
from productnet.local.model import Floats
from productnet.retrieval.candidates import Candidate
from productnet.retrieval.resources import Resources

# Candidates that are chosen from, for each one chosen, and how much rank counts against variety.
# Over 12 leaves each of two real pools, 100 views of ``mixed`` bring 53.3 positives, 52.6 without
# spreading, and 200 views 87.3 and 86.2. A wider choice or less weight on rank makes pages more
# various, at the cost of early positives in small leaves.
SHORTLIST = 2
TRADE_OFF = 0.6


def varied(candidates: Sequence[Candidate], resources: Resources, *, count: int) -> list[Candidate]:
    """At most ``count`` of candidates (best first), spread by their embeddings if there are any."""
    try:
        embeddings = resources.embeddings
    except EmbeddingError:
        return list(candidates[:count])
    rows = embeddings.rows([candidate.product for candidate in candidates])
    vectors = np.zeros((len(rows), embeddings.vectors.shape[1]), np.float32)  # (n, D)
    vectors[rows >= 0] = embeddings.read(rows[rows >= 0])
    return spread(candidates, vectors, count=count, trade_off=TRADE_OFF)


def spread(
    candidates: Sequence[Candidate], vectors: Floats, *, count: int, trade_off: float
) -> list[Candidate]:
    """The candidates of greatest maximal marginal relevance (Carbonell and Goldstein, 1998).

    They are chosen one by one, each for being relevant and unlike those chosen before it:
    ``trade_off * relevance - (1 - trade_off) * greatest cosine to a chosen one``. Relevance is a
    candidate's rank, from 1 down to 0, because the scores of different sources do not compare.

    Args:
        candidates: Best first (n).
        vectors: Theirs (n, D), of length one, or zeros for one that has none.
        count: How many are wanted.
        trade_off: From 1, the first ones whatever they are, to 0, the most unlike ones.

    Returns:
        At most ``count`` of them, best first as they came.
    """
    if trade_off >= 1 or len(candidates) <= count:
        return list(candidates[:count])
    relevance = trade_off * np.linspace(1, 0, len(candidates), dtype=np.float32)  # (n,)
    # On several threads so small a product waits longer for them than it takes on one.
    with one_blas_thread():
        cosines = (1 - trade_off) * (vectors @ vectors.T)  # (n, D) @ (D, n) -> (n, n)
    chosen: list[int] = []
    # From 0: being the opposite of what was chosen earns nothing.
    alike = np.zeros(len(candidates), np.float32)  # (n,)
    for _ in range(count):
        marginal = relevance - alike
        marginal[chosen] = -np.inf
        best = int(marginal.argmax())
        chosen.append(best)
        np.maximum(alike, cosines[best], out=alike)
    return [candidates[place] for place in sorted(chosen)]
