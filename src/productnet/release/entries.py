"""What goes into a release: which products, for which leaf, on which side, and who decided."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from productnet.annotation.decisions import IMPORTED, Decision, Role, Verdict
from productnet.annotation.past import ReadableLog
from productnet.annotation.state import State
from productnet.release.splits import Side
from productnet.taxonomy.tree import Category, Taxonomy

# Decisions of the provenance table in memory at a time.
_DECISIONS_AT_ONCE = 8_192


class Provenance(StrEnum):
    """How much a release tells of the decisions behind it."""

    NONE = "none"
    PSEUDONYMS = "pseudonyms"
    FULL = "full"


PROVENANCE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("category_id", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("role", pa.string()),
        pa.field("annotator", pa.string()),
        pa.field("decided_at", pa.timestamp("us", tz="UTC")),
        pa.field("seconds", pa.float64()),
        pa.field("source", pa.string()),
        pa.field("model_version", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("note", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a release, all but the product itself.

    Attributes:
        product: Product id.
        category: The leaf it was judged for.
        verdict: Positive for gold, negative for a hard negative.
        side: Train, validation or test.
        stage: How far the pair has come: labelled, confirmed or settled.
        labeler: Who labelled it, as the release names people; None where nobody did.
        auditor: Who audited it.
        adjudicator: Who settled it.
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
        names: Annotator to what the release calls them: "person-N", numbered by first decision,
            so that they stay the same from one release to the next; or their own names.
    """

    times: Mapping[int, datetime]
    names: Mapping[str, str]

    @classmethod
    def read(
        cls, decisions: Iterable[tuple[int, Decision]], *, provenance: Provenance
    ) -> "Journal":
        """Go through the log once."""
        times: dict[int, datetime] = {}
        people: dict[str, str] = {}
        for seq, decision in decisions:
            times[seq] = decision.at
            if decision.annotator != IMPORTED:
                people.setdefault(decision.annotator, f"person-{len(people) + 1}")
        if provenance is Provenance.FULL:
            people = {name: name for name in people}
        return cls(times, {**people, IMPORTED: IMPORTED})


def gold_entries(
    taxonomy: Taxonomy, state: State, journal: Journal, sides: Mapping[str, Side]
) -> list[Entry]:
    """Gold of every leaf, mixed."""
    pairs = ((product, leaf) for leaf in taxonomy.leaves for product in state.gold(leaf.id))
    return _entries(pairs, Verdict.POSITIVE, state, journal, sides)


def hard_negative_entries(
    taxonomy: Taxonomy, state: State, journal: Journal, sides: Mapping[str, Side]
) -> list[Entry]:
    """Hard negatives of every leaf, mixed."""
    pairs = (
        (product, leaf) for leaf in taxonomy.leaves for product in state.hard_negatives(leaf.id)
    )
    return _entries(pairs, Verdict.NEGATIVE, state, journal, sides)


def provenance_tables(
    log: ReadableLog, entries: Iterable[Entry], journal: Journal, *, provenance: Provenance
) -> Iterator[pa.Table]:
    """The decisions behind these entries that stand, in the order of the log, some at a time.

    People's own notes are left out unless everything is told.
    """
    state = log.state()
    pairs = {(entry.product, entry.category.id) for entry in entries}
    rows: list[dict[str, object]] = []
    for seq, decision in log.since():
        if (decision.product, decision.category) not in pairs:
            continue
        if all(vote.seq != seq for vote in state.history(decision.product)):
            continue
        rows.append(_decision_row(decision, journal, provenance))
        if len(rows) == _DECISIONS_AT_ONCE:
            yield pa.Table.from_pylist(rows, PROVENANCE_SCHEMA)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, PROVENANCE_SCHEMA)


def _entries(
    pairs: Iterable[tuple[str, Category]],
    verdict: Verdict,
    state: State,
    journal: Journal,
    sides: Mapping[str, Side],
) -> list[Entry]:
    """Mixed by a hash, so that whoever reads a part of it has some of every leaf."""
    mixed = sorted((_mixed(product, leaf.id), product, leaf) for product, leaf in pairs)
    return [_entry(product, leaf, verdict, state, journal, sides) for _, product, leaf in mixed]


def _mixed(product: str, leaf: str) -> bytes:
    return hashlib.blake2b(f"{product}\n{leaf}".encode(), digest_size=16).digest()


def _entry(
    product: str,
    leaf: Category,
    verdict: Verdict,
    state: State,
    journal: Journal,
    sides: Mapping[str, Side],
) -> Entry:
    votes = [vote for vote in state.history(product) if vote.category == leaf.id]
    last = {vote.role: journal.names[vote.annotator] for vote in votes}
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


def _decision_row(
    decision: Decision, journal: Journal, provenance: Provenance
) -> dict[str, object]:
    return {
        "id": decision.product,
        "category_id": decision.category,
        "verdict": decision.verdict.value if decision.verdict else None,
        "role": decision.role.value,
        "annotator": journal.names[decision.annotator],
        "decided_at": decision.at,
        "seconds": decision.seconds,
        "source": decision.source,
        "model_version": decision.model_version,
        "score": decision.score,
        "note": decision.note if provenance is Provenance.FULL else None,
    }
