"""``keyword``: products whose texts match a query, or the leaf's name and path (BM25)."""

from collections.abc import Sequence

import numpy as np

from productnet.errors import TaxonomyError
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword_index import Hit
from productnet.retrieval.keyword_query import Term, any_of, is_exclusion, parse_query
from productnet.retrieval.resources import Resources
from productnet.taxonomy.guidelines import read_guideline
from productnet.taxonomy.tree import Category

# The name says what the leaf is; the categories above only which of its senses is meant.
_NAME_WEIGHT = 5.0

# Terms that a reason names; what else matched is easily seen.
_NAMED = 3


class Keyword:
    """Searches with words.

    Args:
        query: In the form that ``parse_query`` explains. None searches with the leaf's name, the
            kinds that its guideline includes, and its path. A query that only excludes leaves
            everything else, what matches the leaf first.
        fields: Text fields to search; all when there are none.
    """

    keeps_order = False

    def __init__(self, query: str | None = None, *, fields: Sequence[str] = ()) -> None:
        self._terms = None if query is None else parse_query(query)
        self._fields = tuple(fields)

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """Products that match, best first; raises UsageError where there is no such field."""
        terms = self._terms
        rest = terms is not None and is_exclusion(terms)
        if terms is None or rest:
            terms = (*leaf_terms(leaf.category, resources), *(terms or ()))
        hits = resources.keywords.search(
            terms, count=count, fields=self._fields, hidden=leaf.hidden, everything=rest
        )
        return [Candidate(hit.product, "keyword", hit.score, _reason(hit)) for hit in hits]


def leaf_terms(category: Category, resources: Resources) -> list[Term]:
    """The words of a leaf: of its name, of what its guideline includes, of the path above."""
    try:
        included = read_guideline(resources.project.guidelines_path, category).include
    except TaxonomyError:  # somebody is editing it; that must not stop those who label
        included = ()
    return any_of(
        [(category.name, _NAME_WEIGHT), *((text, 1.0) for text in (*included, *category.path))]
    )


def _reason(hit: Hit) -> str:
    heaviest = sorted(hit.matched, key=lambda term: -term.weight)
    named = list(dict.fromkeys(str(term) for term in heaviest))[:_NAMED]
    if not named:
        return "has none of the words excluded"
    return "matches " + ", ".join(f'"{name}"' for name in named)
