"""What goes into a release: which products, for which leaf, on which side, and who decided."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from productnet.annotation.decisions import IMPORTED, Decision, Role, Verdict
from productnet.annotation.state import State
from productnet.release.splits import Side
from productnet.taxonomy.tree import Category, Taxonomy


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a release, all but the product itself.

    Attributes:
        product: Product id.
        category: The leaf it was judged for.
        verdict: Positive for gold, negative for a hard negative.
        side: Train or test.
        stage: How far the pair has come: labelled, confirmed or settled.
        labeler: Pseudonym of who labelled it; None where nobody did.
        auditor: Pseudonym of the auditor.
        adjudicator: Pseudonym of who settled it.
        decisions: How many decisions about the pair stand.
        decided_at: When the last of them was taken, UTC.
    """

    product: str
    category: Category
    verdict: Verdict
    side: Side
    stage: str
    labeler: str | None
    auditor: str | None
    adjudicator: str | None
    decisions: int
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Journal:
    """What the log tells that the state no longer knows.

    Attributes:
        times: Sequence number to the time of the decision.
        pseudonyms: Annotator to "person-N", numbered by first decision, so that they stay the
            same from one release to the next.
    """

    times: Mapping[int, datetime]
    pseudonyms: Mapping[str, str]

    @classmethod
    def read(cls, decisions: Iterable[tuple[int, Decision]]) -> "Journal":
        """Go through the log once."""
        times: dict[int, datetime] = {}
        people: dict[str, str] = {}
        for seq, decision in decisions:
            times[seq] = decision.at
            if decision.annotator != IMPORTED:
                people.setdefault(decision.annotator, f"person-{len(people) + 1}")
        return cls(times, {**people, IMPORTED: IMPORTED})


def gold_entries(
    taxonomy: Taxonomy, state: State, journal: Journal, sides: Mapping[str, Side]
) -> Iterator[Entry]:
    """Gold of every leaf, in the taxonomy's order and then by product id."""
    for leaf in taxonomy.leaves:
        for product in sorted(state.gold(leaf.id)):
            yield _entry(product, leaf, Verdict.POSITIVE, state, journal, sides)


def hard_negative_entries(
    taxonomy: Taxonomy, state: State, journal: Journal, sides: Mapping[str, Side]
) -> Iterator[Entry]:
    """Hard negatives of every leaf, in the taxonomy's order and then by product id."""
    for leaf in taxonomy.leaves:
        for product in sorted(state.hard_negatives(leaf.id)):
            yield _entry(product, leaf, Verdict.NEGATIVE, state, journal, sides)


def _entry(
    product: str,
    leaf: Category,
    verdict: Verdict,
    state: State,
    journal: Journal,
    sides: Mapping[str, Side],
) -> Entry:
    votes = [vote for vote in state.history(product) if vote.category == leaf.id]
    last = {vote.role: journal.pseudonyms[vote.annotator] for vote in votes}
    return Entry(
        product=product,
        category=leaf,
        verdict=verdict,
        side=sides[product],
        stage=state.pair(product, leaf.id).stage.value,
        labeler=last.get(Role.LABEL) or last.get(Role.IMPORT),
        auditor=last.get(Role.AUDIT),
        adjudicator=last.get(Role.ADJUDICATE),
        decisions=len(votes),
        decided_at=max(journal.times[vote.seq] for vote in votes),
    )
