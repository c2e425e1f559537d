"""``keyword``: products whose texts match the leaf's name and path (BM25)."""

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword_index import plain_words
from productnet.retrieval.resources import Resources

# The name says what the leaf is; the categories above only which of its senses is meant.
_NAME_BOOST = 5


class Keyword:
    """Searches with the words of the leaf."""

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """Products that share words with the leaf, best first."""
        hits = resources.keywords.search(query_of(leaf), count=count + len(leaf.hidden))
        best = hits[0][1] if hits else 1.0
        reason = f'matches "{leaf.category.name}"'
        return [
            Candidate(product, "keyword", min(score / best, 1.0), reason)
            for product, score in hits
            if product not in leaf.hidden
        ][:count]


def query_of(leaf: Leaf) -> str:
    """The leaf's name and path as a query."""
    name = plain_words(leaf.category.name)
    above = plain_words(" ".join(leaf.category.path[:-1]))
    return f"({name})^{_NAME_BOOST} {above}" if name else above
