"""The state of every pair as the read models hold it, with what is asked of again in memory.

Counts of all leaves are in memory, some hundred bytes each. Of pairs and votes only those are
that somebody works with, so that neither memory nor the time to start grows with the log.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, literal_column, select

from productnet.annotation.counting import PAIR_COLUMNS, pair_of
from productnet.annotation.histories import CHUNK, read_histories
from productnet.annotation.read_models import leaf_sums, pairs, person_leaves
from productnet.annotation.schema import decisions
from productnet.annotation.state import LeafProgress, Positives, State, Summary
from productnet.annotation.sums import Counts
from productnet.annotation.verdicts import SUGGESTED, History, PairState, Stage
from productnet.database.database import Database

# Pairs of leaves that are kept in memory, about 200 bytes each; and products with their votes.
_PAIRS_KEPT = 250_000
_HISTORIES_KEPT = 50_000

# Leaves whose positives are kept for the pages of their siblings, about 100 bytes a positive.
_POSITIVES_KEPT = 2_000

_CERTAIN = {"confirmed", "settled"}

_COUNTS = tuple(leaf_sums.c[name] for name in Counts._fields)
_TOLD = tuple(person_leaves.c[name] for name in Counts._fields)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is kept of a leaf without its pairs."""

    begun: int
    changed: int
    counts: Counts
    progress: LeafProgress


class _Leaf:
    """The pairs of a leaf as of a decision, in the order of the log; never changed."""

    def __init__(self, seen: int, pairs: Mapping[str, PairState]) -> None:
        self.seen = seen
        self.pairs = dict(sorted(pairs.items(), key=lambda item: item[1].since))

    @cached_property
    def summary(self) -> Summary:
        """What is asked of it again and again."""
        return Summary.of(self.pairs)


_NOBODY_DECIDED = _Leaf(0, {})


class KeptState(State):
    """Every verdict, read from the tables that are kept with the log.

    ``catch_up`` brings it up to date; what is asked between two of them may be newer already.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._made = 0
        self._rows: dict[str, _Row] = {}
        self._order: tuple[str, ...] = ()
        self._kept: OrderedDict[str, _Leaf] = OrderedDict()
        self._pairs_kept = 0
        # With the decision up to which they are known.
        self._positives: OrderedDict[str, tuple[int, Positives]] = OrderedDict()
        self._votes: OrderedDict[str, History] = OrderedDict()

    def catch_up(self, connection: Connection, *, seq: int, made: int) -> None:
        """Take notice of what was recorded since, by whomever.

        Args:
            connection: Where to read it.
            seq: The last decision that is in the tables.
            made: How often they were made anew.
        """
        if (seq, made) == (self.seq, self._made):
            return
        with self._lock:
            if made != self._made:
                self._forget_all(made)
            seen = self.seq
            if seq <= seen:
                return
            since = select(leaf_sums.c.category, leaf_sums.c.begun, leaf_sums.c.changed)
            since = since.add_columns(leaf_sums.c.answers, leaf_sums.c.seconds, *_COUNTS)
            self._take_rows(connection.execute(since.where(leaf_sums.c.changed > seen)).all())
            if self._votes:
                self._forget_votes(connection, seen, seq)
            self.seq = seq

    def _forget_all(self, made: int) -> None:
        """The tables were made anew: nothing that was read of them holds."""
        self.seq, self._made = 0, made
        self._rows.clear()
        self._kept.clear()
        self._pairs_kept = 0
        self._positives.clear()
        self._votes.clear()

    def _take_rows(self, rows: Iterable[Any]) -> None:
        known = len(self._rows)
        for category, begun, changed, answers, seconds, *numbers in rows:
            counts = Counts(*numbers)
            progress = counts.progress(decisions=answers, seconds=seconds)
            self._rows[category] = _Row(begun, changed, counts, progress)
        if len(self._rows) != known:
            self._order = tuple(sorted(self._rows, key=lambda one: self._rows[one].begun))

    def _forget_votes(self, connection: Connection, seen: int, newest: int) -> None:
        products = select(decisions.c.product).where(
            decisions.c.seq > seen, decisions.c.seq <= newest
        )
        decided = connection.scalars(products.limit(CHUNK + 1)).all()
        if len(decided) > CHUNK:
            self._votes.clear()
        for product in decided:
            self._votes.pop(product, None)

    def histories(self, products: Collection[str]) -> dict[str, History]:
        """The votes about these products that stand, in the order of the log."""
        with self._lock:
            seen = self.seq
            found = {}
            for product in products:
                if product in self._votes:
                    self._votes.move_to_end(product)
                    found[product] = self._votes[product]
        missing = [product for product in products if product not in found]
        if missing:
            with self._database.reading() as connection:
                read = read_histories(connection, missing)
            found |= read
            with self._lock:
                # What was recorded meanwhile may not be in what was read.
                if seen == self.seq:
                    self._votes |= read
                while len(self._votes) > _HISTORIES_KEPT:
                    self._votes.popitem(last=False)
        return found

    def history(self, product: str) -> History:
        """The votes about a product that stand, in the order of the log."""
        return self.histories([product])[product]

    def pair(self, product: str, category: str) -> PairState:
        """Where this pair stands; stage *suggested* where nobody has decided."""
        return self._leaf_now(category).pairs.get(product, SUGGESTED)

    def pairs(self, category: str) -> dict[str, PairState]:
        """Every decided pair of a leaf, by product, in the order of the log."""
        return dict(self._leaf_now(category).pairs)

    def categories(self) -> tuple[str, ...]:
        """The leaves that have decisions, in the order they were begun."""
        return self._order

    def progress(self, category: str) -> LeafProgress:
        """Counts of a leaf."""
        row = self._rows.get(category)
        return row.progress if row else LeafProgress()

    def progress_told(self, category: str, person: str) -> LeafProgress:
        """Counts of a leaf as this person may be told them."""
        return self.all_told(person, [category])[category]

    def all_told(self, person: str, categories: Collection[str]) -> dict[str, LeafProgress]:
        """Counts of leaves as this person may be told them, by leaf."""
        query = select(person_leaves.c.category, *_TOLD).where(person_leaves.c.person == person)
        if len(categories) == 1:
            query = query.where(person_leaves.c.category.in_(categories))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        told = {category: Counts(*counts) for category, *counts in rows}
        return {category: self._told(category, told.get(category)) for category in categories}

    def _told(self, category: str, less: Counts | None) -> LeafProgress:
        row = self._rows.get(category)
        if row is None:
            return LeafProgress()
        if less is None or not any(less):
            return row.progress
        progress = row.progress
        counts = row.counts.plus(less)
        return counts.progress(decisions=progress.decisions, seconds=progress.seconds)

    def positives_of(self, categories: Collection[str]) -> dict[str, Positives]:
        """Positives of leaves, by leaf."""
        found: dict[str, Positives] = {}
        with self._lock:
            seen = self.seq
            for category in categories:
                row, known = self._rows.get(category), self._positives.get(category)
                if row is None:
                    found[category] = Positives()
                elif known is not None and known[0] >= row.changed:
                    self._positives.move_to_end(category)
                    found[category] = known[1]
        missing = [category for category in categories if category not in found]
        if missing:
            read = self._read_positives(missing)
            with self._lock:
                for category, positives in read.items():
                    self._positives[category] = seen, positives
                    self._positives.move_to_end(category)
                while len(self._positives) > _POSITIVES_KEPT:
                    self._positives.popitem(last=False)
            found |= read
        return found

    def _read_positives(self, categories: Collection[str]) -> dict[str, Positives]:
        columns = pairs.c
        query = select(columns.category, columns.product, columns.stage)
        # Written out, so that any plan may use the index of positives.
        positive = columns.verdict == literal_column("'positive'")
        query = query.where(columns.category.in_(categories), positive)
        positives: dict[str, list[str]] = {category: [] for category in categories}
        gold: dict[str, list[str]] = {category: [] for category in categories}
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(columns.since)).all()
        for category, product, stage in rows:
            positives[category].append(product)
            if stage in _CERTAIN:
                gold[category].append(product)
        return {one: Positives(tuple(positives[one]), tuple(gold[one])) for one in categories}

    def gold_labels(self) -> dict[str, str]:
        """Product id to the one leaf it is gold for, over all leaves."""
        gold = select(pairs.c.product, pairs.c.category, pairs.c.since).where(
            pairs.c.verdict == "positive", pairs.c.stage.in_(_CERTAIN)
        )
        with self._database.reading() as connection:
            rows = connection.execute(gold).all()
        place = {category: number for number, category in enumerate(self._order)}
        rows = sorted(rows, key=lambda row: (place.get(row.category, len(place)), row.since))
        return {row.product: row.category for row in rows}

    def worked_in(self, annotator: str) -> dict[str, int]:
        """The leaves this person decided in, by the sequence number of their last answer there."""
        query = select(person_leaves.c.category, person_leaves.c.last).where(
            person_leaves.c.person == annotator, person_leaves.c.last > 0
        )
        with self._database.reading() as connection:
            return {row.category: row.last for row in connection.execute(query)}

    def _summary(self, category: str) -> Summary:
        return self._leaf_now(category).summary

    def _leaf_now(self, category: str) -> _Leaf:
        """The pairs of a leaf with everything that this state has taken notice of."""
        row = self._rows.get(category)
        if row is None:
            return _NOBODY_DECIDED
        with self._lock:
            seen, leaf = self.seq, self._kept.get(category)
            if leaf is not None:
                self._kept.move_to_end(category)
                if leaf.seen >= row.changed:
                    return leaf
        known = leaf or _NOBODY_DECIDED
        found = {**known.pairs, **self._changed_pairs(category, known.seen)}
        standing = {one: pair for one, pair in found.items() if pair.stage is not Stage.SUGGESTED}
        return self._keep(category, _Leaf(seen, standing))

    def _changed_pairs(self, category: str, seen: int) -> dict[str, PairState]:
        changed = pairs.c.category == category, pairs.c.changed > seen
        with self._database.reading() as connection:
            rows = connection.execute(select(*PAIR_COLUMNS).where(*changed)).all()
        return dict(map(pair_of, rows))

    def _keep(self, category: str, fresh: _Leaf) -> _Leaf:
        with self._lock:
            before = self._kept.get(category)
            if before is not None and before.seen > fresh.seen:
                return before  # another thread was quicker, and saw more
            self._pairs_kept += len(fresh.pairs) - (len(before.pairs) if before else 0)
            self._kept[category] = fresh
            while self._pairs_kept > _PAIRS_KEPT and len(self._kept) > 1:
                self._pairs_kept -= len(self._kept.popitem(last=False)[1].pairs)
        return fresh
