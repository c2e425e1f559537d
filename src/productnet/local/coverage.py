"""Coverage: how much of what looks like a leaf is close to something known to belong there.

It is the share of points within reach of a labelled one that k-centre selection and ProbCover
select by (Sener and Savarese, 2018; Yehuda et al., 2022), here measured in the region where the
leaf's local model sees it. Low, it says that the leaf has sides that nobody has labelled yet.
Islands that the model takes for something else are not in the region, so 1 is no proof of an end.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from productnet.embeddings.nearest import exact_nearest
from productnet.embeddings.sets import EmbeddingSet
from productnet.local.model import Rows
from productnet.local.registry import DEFAULT
from productnet.local.training import LabelledRows, draw_examples, fit_leaf

# Products looked at, drawn from a larger pool: 50 MB of vectors at 256 dimensions.
_SAMPLE = 50_000

# A product close to a positive is as near to it as its tenth neighbour is to most products; that
# adapts to the pool. On four pools 81 to 94% of products so near share a leaf, 75% on the fourth,
# where the very nearest do no better.
_NEIGHBOURS = 10
_QUERIES = 200

# What a local model gives this much may belong. Over 12 leaves each of two pools, labelled page by
# page, the mean share of this region that is covered then follows the true coverage of the leaves'
# products, to .05 on one pool and .16 on the other; at .5, a region of little more than what was
# labelled, it says .7 where .4 is true.
_MAY_BELONG = 0.35


class Coverage:
    """Measures the coverage of leaves in one embedding set.

    Args:
        embeddings: Vectors of the pool.
        seed: Draws the products looked at, and what local models draw; the same gives the same.
    """

    def __init__(self, embeddings: EmbeddingSet, *, seed: int) -> None:
        self._seed = seed
        self._embeddings = embeddings
        count = len(embeddings)
        rng = np.random.default_rng(seed)
        self._rows: Rows = np.sort(rng.choice(count, min(count, _SAMPLE), replace=False))
        self._sample = embeddings.read(self._rows)  # (n, D)
        queries = rng.choice(len(self._rows), min(len(self._rows), _QUERIES), replace=False)
        # The nearest to a product is itself.
        nearest = embeddings.nearest(self._sample[np.sort(queries)], k=_NEIGHBOURS + 1)[1]
        self._close = float(np.median(nearest[:, -1]))

    def of(
        self, positives: Sequence[str], negatives: Sequence[str], *, decided: Iterable[str]
    ) -> float | None:
        """The share, 0 to 1, of a leaf's region that is close to one of its positives.

        The region is made of the leaf's positives and of the products, not decided yet, that its
        local model holds possible. None while there is no such model, for want of a positive or a
        negative.

        Args:
            positives: Products known to belong.
            negatives: Products known not to.
            decided: Every product decided on, the unsure and disputed too.
        """
        labelled = LabelledRows(self._known(positives), self._known(negatives))
        if not len(labelled.positives) or not len(labelled.negatives):
            return None
        vectors = self._embeddings.vectors
        examples = draw_examples(labelled, size=len(vectors), seed=self._seed)
        model = fit_leaf(DEFAULT, vectors, examples, seed=self._seed)
        possible = model.score(self._sample) >= _MAY_BELONG
        possible &= ~np.isin(self._rows, self._known(decided))
        known = self._embeddings.read(labelled.positives)  # (p, D)
        cosines = exact_nearest(known, self._sample[possible], k=1)[1]
        each = len(self._embeddings) / len(self._rows)
        close = len(known) + each * float((cosines >= self._close).sum())
        return close / (len(known) + each * len(cosines))

    def _known(self, products: Iterable[str]) -> Rows:
        """The rows of those products that are embedded."""
        rows = self._embeddings.rows(list(products))
        return np.sort(rows[rows >= 0])
