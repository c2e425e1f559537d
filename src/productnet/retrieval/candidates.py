"""A candidate, the leaf it is proposed for, and what a source of candidates is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from productnet.annotation.decisions import Verdict
from productnet.annotation.state import State
from productnet.taxonomy.tree import Category, Taxonomy

if TYPE_CHECKING:
    from productnet.retrieval.resources import Resources


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product proposed for a leaf.

    Attributes:
        product: Its id.
        source: The source that found it.
        score: Closeness to the leaf, 0 to 1; comparable within a source.
        reason: Why it is here, in a few words for the annotator.
        model_version: The version of the local or master model behind it, where there is one.
        behind: Decisions of the leaf that this model had not seen; above 0 it is stale.
        copies: Near-duplicates of the product that its card stands for as well, the first of them.
        copy_count: How many there are in all.
    """

    product: str
    source: str
    score: float
    reason: str
    model_version: str | None = None
    behind: int = 0
    copies: tuple[str, ...] = ()
    copy_count: int = 0


@dataclass(frozen=True)
class Leaf:
    """A leaf as sources see it.

    Attributes:
        category: The leaf.
        positives: Products known to belong.
        negatives: Products known not to.
        hidden: Products never to propose: all that were decided, the unsure and disputed too.
        rivals: Positives of sibling leaves: product to the name of its leaf.
    """

    category: Category
    positives: Sequence[str]
    negatives: Sequence[str]
    hidden: frozenset[str]
    rivals: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, category_id: str, *, state: State, taxonomy: Taxonomy) -> Self:
        """The leaf as decisions have made it; raises UnknownCategory."""
        # One look at the state: a decision that arrives meanwhile is in all parts or in none.
        pairs = state.pairs(category_id)
        siblings = taxonomy.siblings(category_id)
        positives = state.positives_of([sibling.id for sibling in siblings])
        return cls(
            taxonomy[category_id],
            [product for product, pair in pairs.items() if pair.verdict is Verdict.POSITIVE],
            [product for product, pair in pairs.items() if pair.verdict is Verdict.NEGATIVE],
            frozenset(pairs),
            {
                product: sibling.name
                for sibling in siblings
                for product in positives[sibling.id].all
            },
        )

    @cached_property
    def labels(self) -> Mapping[str, bool]:
        """Each product that is known to belong, or not to, and which of both it is."""
        return dict.fromkeys(self.negatives, False) | dict.fromkeys(self.positives, True)

    def without(self, products: Iterable[str]) -> Self:
        """The same leaf, these products hidden as well."""
        return replace(self, hidden=self.hidden.union(products))


class Source(Protocol):
    """A way to rank products for a leaf; constructed without arguments it is ready to use.

    Attributes:
        keeps_order: Whether its first products make the page as they come; otherwise the page is
            a varied choice of them.
    """

    keeps_order: bool

    def rank(
        self, leaf: Leaf, resources: "Resources", *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The ``count`` best candidates, best first, none hidden, none twice.

        Fewer when the source knows no more: ``next_page`` fills what is missing. The same leaf
        and the same generator state give the same candidates.
        """
        ...
