"""Near-duplicates while a portal serves: which wait for a review, and reviews as they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from uuid import UUID
from weakref import ref

from productnet.annotation.duplicate_reviews import (
    MOST_REVIEWED,
    DuplicateReview,
    DuplicateReviews,
)
from productnet.annotation.state import State
from productnet.retrieval.resources import Resources


@dataclass(frozen=True, slots=True)
class Alike:
    """Products that look like one and that nobody has reviewed.

    Attributes:
        products: Those shown, the one that stands for all first.
        count: How many there are.
        leaves: How many leaves they are gold of.
    """

    products: tuple[str, ...]
    count: int
    leaves: int


class Duplicates:
    """The near-duplicates that are served; safe to share between threads.

    Args:
        reviews: What people said of them.
        resources: Gives the pool as it is served now.
        state: Gives what is decided.
    """

    def __init__(
        self,
        reviews: DuplicateReviews,
        resources: Callable[[], Resources],
        state: Callable[[], State],
    ) -> None:
        self._reviews = reviews
        self._resources = resources
        self._state = state
        self._lock = Lock()
        # Of which state of the pool, that is not kept alive by it, and which reviews.
        self._seen: tuple[ref[Resources], int] | None = None
        self._groups: list[list[str]] = []

    def waiting(self) -> int:
        """How many groups nobody has reviewed."""
        return len(self._to_review())

    def page(self, *, count: int, first: str | None = None) -> tuple[list[Alike], int]:
        """Some groups to review, those of several leaves first, then the largest; and how many.

        Args:
            count: How many.
            first: A product whose group comes before all others, if it waits.
        """
        gold = self._state().gold_labels()
        groups = self._to_review()

        def order(group: Sequence[str]) -> tuple[bool, bool, int]:
            return (first not in group, _leaves(group, gold) < 2, -len(group))

        # Python sorts stably: of equals, the first in pool order comes first.
        page = sorted(groups, key=order)[:count]
        found = [
            Alike(tuple(group[:MOST_REVIEWED]), len(group), _leaves(group, gold)) for group in page
        ]
        return found, len(groups)

    def record(
        self, id: UUID, products: Sequence[str], *, apart: Sequence[str], person: str
    ) -> DuplicateReview:
        """Take a review in; cards and candidates follow it from now on."""
        review = self._reviews.record(id, products, apart=apart, person=person)
        self._resources().forget_near_duplicates()
        return review

    def take_back(self, id: UUID, review: UUID, *, person: str) -> DuplicateReview:
        """Take a review of one's own back."""
        undone = self._reviews.take_back(id, review, person=person)
        self._resources().forget_near_duplicates()
        return undone

    def _to_review(self) -> list[list[str]]:
        resources, seq = self._resources(), self._reviews.seq
        with self._lock:
            if self._seen != (ref(resources), seq):
                apart = self._reviews.told_apart()
                # Another process may have reviewed meanwhile.
                resources.forget_near_duplicates()
                self._groups = [
                    group
                    for group in resources.near_duplicates.groups()
                    if not apart.reviewed(group[:MOST_REVIEWED])
                ]
                self._seen = (ref(resources), seq)
            return self._groups


def _leaves(group: Sequence[str], gold: dict[str, str]) -> int:
    return len({gold[product] for product in group if product in gold})
