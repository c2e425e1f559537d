"""Reviews of near-duplicates: what people said of products that look like one, as appended facts.

A group that is told apart no longer shares a card, and its products no longer stay together in a
split for being alike. A review is never changed; it can be taken back, and the last one counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Row, func, insert, make_url, select

from productnet.annotation.schema import duplicate_reviews as table
from productnet.database.database import Database
from productnet.embeddings.near_duplicates import NearDuplicates, read_near_duplicates
from productnet.embeddings.told_apart import ToldApart
from productnet.errors import WorkflowError
from productnet.settings import Project

# Products of one review; pairs grow with the square.
MOST_REVIEWED = 50


@dataclass(frozen=True, slots=True)
class DuplicateReview:
    """What somebody said of products that look like one.

    Attributes:
        id: Made by who sends it, so that sending it twice records it once.
        products: All that were shown, sorted.
        apart: Those of them that are a product of their own each; the others are one product.
            None of them: all are one. All of them: every one is another.
        person: Who said it.
        at: When, UTC.
        undoes: The review that this one takes back; it says nothing else then.
    """

    id: UUID
    products: tuple[str, ...]
    apart: tuple[str, ...]
    person: str
    at: datetime
    undoes: UUID | None = None


class DuplicateReviews:
    """All reviews of a project's near-duplicates.

    Safe between threads, and between processes on one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, id: UUID, products: Sequence[str], *, apart: Sequence[str], person: str
    ) -> DuplicateReview:
        """Append a review; what is known by its id already is left as it is.

        Raises:
            WorkflowError: Fewer than two products, too many, or one told apart that is not shown.
        """
        shown = sorted(set(products))
        if not 2 <= len(shown) <= MOST_REVIEWED:
            raise WorkflowError(
                f"A review is of 2 to {MOST_REVIEWED} products; this one is of {len(shown)}. "
                "Send the group as it was listed."
            )
        if strange := sorted(set(apart) - set(shown)):
            raise WorkflowError(
                f'Product "{strange[0]}" is told apart but is not among those reviewed. Send it '
                "in `products`, too."
            )
        alone = set(apart)
        # A product by itself among others that are told apart is another: all of them are.
        if len(alone) == len(shown) - 1:
            alone = set(shown)
        return self._append(id, tuple(shown), tuple(sorted(alone)), person, None)

    def take_back(self, id: UUID, review: UUID, *, person: str) -> DuplicateReview:
        """Append that a review of one's own does not count.

        Raises WorkflowError if there is no such review, or it is another's.
        """
        given = next((one for one in self.standing() if one.id == review), None)
        if given is None:
            known = next((one for _, one in self._all() if one.id == id), None)
            if known is not None and known.undoes == review:
                return known
            raise WorkflowError(
                f"There is no review {review} to take back; it may be taken back already. Load "
                "the page again."
            )
        if given.person != person:
            raise WorkflowError(
                f"Review {review} is {given.person}'s, and only they can take it back. Review the "
                "group anew instead: the last word counts."
            )
        return self._append(id, given.products, (), person, review)

    def standing(self, *, until: int | None = None) -> list[DuplicateReview]:
        """What was said and not taken back, in order, up to this row of the table."""
        said = [one for seq, one in self._all() if until is None or seq <= until]
        undone = {one.undoes for one in said}
        return [one for one in said if one.undoes is None and one.id not in undone]

    def told_apart(self, *, until: int | None = None) -> ToldApart:
        """Which pairs are told apart, up to this row of the table."""
        return ToldApart(self.standing(until=until))

    @property
    def seq(self) -> int:
        """Row of the last review; 0 before the first."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(table.c.seq))).scalar() or 0

    def _all(self) -> list[tuple[int, DuplicateReview]]:
        with self._database.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.seq)).all()
        return [(row.seq, _review(row)) for row in rows]

    def _append(
        self,
        id: UUID,
        products: tuple[str, ...],
        apart: tuple[str, ...],
        person: str,
        undoes: UUID | None,
    ) -> DuplicateReview:
        with self._database.writing() as connection:
            known = connection.execute(select(table).where(table.c.id == id)).first()
            if known is not None:
                return _review(known)
            review = DuplicateReview(id, products, apart, person, datetime.now(UTC), undoes)
            row = {
                "id": id,
                "products": list(products),
                "apart": list(apart),
                "person": person,
                "at": review.at,
                "undoes": undoes,
            }
            connection.execute(insert(table).values(row))
            return review


def reviews_of(project: Project, *, until: int | None = None) -> tuple[ToldApart, int]:
    """What a project's people told apart, and the row of the last review it rests on.

    Nothing and 0 where there is no database yet.
    """
    url = make_url(project.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return ToldApart(), 0
    with Database.open(project.database_url) as database:
        reviews = DuplicateReviews(database)
        last = reviews.seq if until is None else until
        return reviews.told_apart(until=last), last


def reviewed_near_duplicates(project: Project) -> NearDuplicates:
    """The near-duplicates found last, less what people told apart."""
    found = read_near_duplicates(project)
    return found.without(reviews_of(project)[0]) if len(found) else found


def _review(row: Row[tuple[object, ...]]) -> DuplicateReview:
    return DuplicateReview(
        row.id, tuple(row.products), tuple(row.apart), row.person, row.at, row.undoes
    )
