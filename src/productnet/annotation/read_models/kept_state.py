"""The state of every pair: the read models as of their last fold, and what was decided since.

Counts of all leaves are in memory, some hundred bytes each. Of pairs, people and votes only those
are that somebody works with, so that neither memory nor the time to start grows with the log. What
is in memory is moved on by each decision; what is asked of the tables is put together with the
decisions that came after the fold that it was read from.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, bindparam, literal_column, select, true

from productnet.annotation.decisions import Decision
from productnet.annotation.histories import read_histories
from productnet.annotation.read_models.checkpoint import Place
from productnet.annotation.read_models.counting import PAIR_COLUMNS, pair_of
from productnet.annotation.read_models.effects import Effect, effects_of, read_effects
from productnet.annotation.read_models.leaf_memory import Kept, LeafCounts, LeafPairs, LeafPositives
from productnet.annotation.read_models.sums import NO_PAIRS, Counts, PersonInLeaf, task_of
from productnet.annotation.read_models.tables import counted, leaf_sums, pairs, person_leaves
from productnet.annotation.state import LeafProgress, Positives, State, Summary
from productnet.annotation.verdicts import CERTAIN, SUGGESTED, History, PairState, Stage
from productnet.database.database import Database

# Pairs of leaves that are kept in memory, about 200 bytes each; positives kept for the pages of
# sibling leaves; places of people in leaves; and products with their votes.
_PAIRS_KEPT = 250_000
_POSITIVES_KEPT = 250_000
_PLACES_KEPT = 250_000
_HISTORIES_KEPT = 50_000

# As the tables spell them.
_CERTAIN = {str(stage) for stage in CERTAIN}

_Answer = TypeVar("_Answer")

_COUNTS = Counts._fields


def _of(table: Table, names: Sequence[str], which: ColumnElement[bool]) -> Select[Any]:
    """These columns of a table, and in each row the fold that it is as of.

    One statement sees one state of the database; where there are no rows, one still tells of the
    fold.
    """
    columns = [table.c[name] for name in names]
    return select(counted.c.seq, *columns).select_from(counted.outerjoin(table, which))


# Written out, so that any plan may use the index of positives.
_POSITIVE = pairs.c.verdict == literal_column("'positive'")

_LEAVES = _of(leaf_sums, ["category", "begun", "answers", "seconds", *_COUNTS], true())
_PAIRS = _of(
    pairs, [column.name for column in PAIR_COLUMNS], pairs.c.category == bindparam("category")
)
_POSITIVES = _of(
    pairs,
    ["category", "product", "since", "stage"],
    pairs.c.category.in_(bindparam("categories", expanding=True)) & _POSITIVE,
)
_GOLD = _of(pairs, ["product", "category", "since"], _POSITIVE & pairs.c.stage.in_(_CERTAIN))
_PLACES = _of(
    person_leaves, ["category", "last", *_COUNTS], person_leaves.c.person == bindparam("person")
)


class _Places(dict[str, PersonInLeaf]):
    """Where a person is known, by leaf."""

    def at(self, leaf: str) -> PersonInLeaf:
        """The person in this leaf, new there if need be."""
        if leaf not in self:
            self[leaf] = PersonInLeaf()
        return self[leaf]

    def take(self, person: str, effect: Effect) -> None:
        """Move on by a decision, if it is of this person."""
        decision = effect.decision
        if decision.annotator == person and task_of(decision) is not None:
            self.at(decision.category).last = effect.seq
        for told, times in ((effect.was.told, -1), (effect.now.told, 1)):
            for (who, leaf), counts in told.items():
                if who == person:
                    place = self.at(leaf)
                    place.told = place.told.plus(counts, times)


class KeptState(State):
    """Every verdict, read from the tables that are kept with the log.

    ``catch_up`` brings it up to date; what is asked between two of them may be newer already.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        # How often the tables had been made anew when they were read; None before the first time.
        self._made: int | None = None
        # What was decided after ``_folded``, for what is read of the tables.
        self._tail: deque[Effect] = deque()
        self._folded = 0
        # The last decision in the log when this process wrote to it last.
        self._own = 0
        self._rows: dict[str, LeafCounts] = {}
        self._order: tuple[str, ...] | None = None
        self._kept: Kept[LeafPairs] = Kept()
        self._positives: Kept[LeafPositives] = Kept()
        self._places: Kept[_Places] = Kept()
        self._votes: OrderedDict[str, History] = OrderedDict()
        # Whoever moves it on holds this one, and the lock for as long as memory takes.
        self._moving = Lock()

    def catch_up(self, place: Place) -> None:
        """Take notice of what was recorded until then, by whomever."""
        if self.seq < place.log or self._made != place.made:
            with self._moving:
                if self._made != place.made:
                    self._begin_anew()
                with self._database.reading() as connection:
                    for effects in read_effects(connection, self.seq):
                        self._take(effects)
        with self._lock:
            # What is read of the tables from now on holds these already.
            while self._tail and self._tail[0].seq <= place.folded:
                self._folded = self._tail.popleft().seq

    def take_own(
        self,
        written: Sequence[tuple[int, Decision]],
        histories: Mapping[str, History],
        *,
        newest: int,
    ) -> None:
        """Take notice of what this process has written, where nothing lies between.

        Args:
            written: With their numbers; nothing where all was known, refused or put aside.
            histories: The votes of their products before.
            newest: The last decision that was in the log then.
        """
        with self._moving:
            if written and self._made is not None and written[0][0] == self.seq + 1:
                self._take(effects_of(written, histories))
            self._own = newest

    @property
    def holds_own(self) -> bool:
        """Whether everything is known that was in the log when this process wrote to it last."""
        return self._made is not None and self.seq >= self._own

    def _begin_anew(self) -> None:
        """Read what is kept of all leaves; nothing that was read before holds."""
        with self._database.reading(one_state=True) as connection:
            made = connection.execute(select(counted.c.made)).scalar_one()
            rows = connection.execute(_LEAVES).all()
        with self._lock:
            self._made, self.seq = made, rows[0][0]
            self._folded = self.seq
            self._tail.clear()
            self._rows = {
                category: LeafCounts(begun, answers, seconds, Counts(*numbers))
                for _, category, begun, answers, seconds, *numbers in rows
                if category is not None
            }
            self._order = None
            for kept in (self._kept, self._positives, self._places):
                kept.clear()
            self._votes.clear()

    def _take(self, effects: Sequence[Effect]) -> None:
        """Move on what is in memory."""
        with self._lock:
            for effect in effects:
                self._count(effect.seq, effect.decision)
                self._move(effect)
                self._tail.append(effect)
                self._votes[effect.decision.product] = effect.history
                self._votes.move_to_end(effect.decision.product)
                self.seq = effect.seq
            self._forget_votes()

    def _count(self, seq: int, decision: Decision) -> None:
        row = self._rows.get(decision.category)
        if row is None:
            row = self._rows[decision.category] = LeafCounts(seq)
            self._order = None
        row.answered(seconds=decision.seconds or 0.0, counts=task_of(decision) is not None)

    def _move(self, effect: Effect) -> None:
        product, was, now = effect.decision.product, effect.was.pairs, effect.now.pairs
        for category in was.keys() | now.keys():
            before, pair = was.get(category), now.get(category)
            if before == pair:
                continue
            self._rows[category].moved(before, pair)
            if (leaf := self._kept.peek(category)) is not None:
                leaf.move(product, pair)
            if (positives := self._positives.peek(category)) is not None:
                positives.move(product, pair)
        people = {who for who, _ in (*effect.was.told, *effect.now.told)}
        for person in people | {effect.decision.annotator}:
            if (places := self._places.peek(person)) is not None:
                places.take(person, effect)

    def _forget_votes(self) -> None:
        while len(self._votes) > _HISTORIES_KEPT:
            self._votes.popitem(last=False)

    def _ask(
        self,
        query: Select[Any],
        asked: Mapping[str, object],
        take: Callable[[list[Any], list[Effect]], _Answer],
    ) -> _Answer:
        """Ask the tables, and have ``take`` add what was decided since, before more is."""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, asked).all()
                folded: int = rows[0][0]
                ahead = folded > self.seq
                if ahead:  # another process has folded in what this one took no notice of
                    place = Place.of(connection)
            if ahead:
                self.catch_up(place)
            with self._lock:
                if folded >= self._folded:
                    since = [effect for effect in self._tail if effect.seq > folded]
                    return take([row[1:] for row in rows if row[1] is not None], since)

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
                    self._forget_votes()
        return found

    def history(self, product: str) -> History:
        """The votes about a product that stand, in the order of the log."""
        return self.histories([product])[product]

    def pair(self, product: str, category: str) -> PairState:
        """Where this pair stands; stage *suggested* where nobody has decided."""
        return self._leaf_now(category).get(product) or SUGGESTED

    def pairs(self, category: str) -> dict[str, PairState]:
        """Every decided pair of a leaf, by product, in the order of the log."""
        leaf = self._leaf_now(category)
        with self._lock:
            return dict(leaf.ordered())

    def categories(self) -> tuple[str, ...]:
        """The leaves that have decisions, in the order they were begun."""
        with self._lock:
            if self._order is None:
                self._order = tuple(sorted(self._rows, key=lambda one: self._rows[one].begun))
            return self._order

    def progress(self, category: str) -> LeafProgress:
        """Counts of a leaf."""
        with self._lock:
            row = self._rows.get(category)
            return row.progress() if row else LeafProgress()

    def progress_told(self, category: str, person: str) -> LeafProgress:
        """Counts of a leaf as this person may be told them."""
        return self.all_told(person, [category])[category]

    def all_told(self, person: str, categories: Collection[str]) -> dict[str, LeafProgress]:
        """Counts of leaves as this person may be told them, by leaf."""
        places = self._places_of(person)
        with self._lock:
            return {category: self._told(category, places) for category in categories}

    def _told(self, category: str, places: _Places) -> LeafProgress:
        row, place = self._rows.get(category), places.get(category)
        if row is None:
            return LeafProgress()
        return row.progress(place.told if place else NO_PAIRS)

    def worked_in(self, annotator: str) -> dict[str, int]:
        """The leaves this person decided in, by the sequence number of their last answer there."""
        places = self._places_of(annotator)
        with self._lock:
            return {leaf: place.last for leaf, place in places.items() if place.last}

    def _places_of(self, person: str) -> _Places:
        with self._lock:
            known = self._places.get(person)
        if known is not None:
            return known

        def take(rows: list[Any], since: list[Effect]) -> _Places:
            places = _Places()
            for category, last, *told in rows:
                places[category] = PersonInLeaf(last, Counts(*told))
            for effect in since:
                places.take(person, effect)
            self._places.put(person, places, most=_PLACES_KEPT)
            return places

        return self._ask(_PLACES, {"person": person}, take)

    def positives_of(self, categories: Collection[str]) -> dict[str, Positives]:
        """Positives of leaves, by leaf."""
        with self._lock:
            found = {}
            for category in categories:
                if (known := self._positives.get(category)) is not None:
                    found[category] = known.positives()
                elif category not in self._rows:
                    found[category] = Positives()
        missing = [category for category in categories if category not in found]
        return found | self._read_positives(missing) if missing else found

    def _read_positives(self, categories: Collection[str]) -> dict[str, Positives]:
        def take(rows: list[Any], since: list[Effect]) -> dict[str, Positives]:
            of: dict[str, dict[str, tuple[int, bool]]] = {one: {} for one in categories}
            for category, product, number, stage in rows:
                of[category][product] = number, stage in _CERTAIN
            found = {}
            for category, positives in of.items():
                leaf = LeafPositives(positives)
                for product, pair in _moved(category, since):
                    leaf.move(product, pair)
                self._positives.put(category, leaf, most=_POSITIVES_KEPT)
                found[category] = leaf.positives()
            return found

        return self._ask(_POSITIVES, {"categories": list(categories)}, take)

    def gold_labels(self) -> dict[str, str]:
        """Product id to the one leaf it is gold for, over all leaves."""

        def take(rows: list[Any], since: list[Effect]) -> dict[str, tuple[str, int]]:
            gold = {product: (category, number) for product, category, number in rows}
            for effect in since:
                gold.pop(effect.decision.product, None)
                for category, pair in effect.now.pairs.items():
                    if pair.gold:
                        gold[effect.decision.product] = category, pair.since
            return gold

        gold = self._ask(_GOLD, {}, take)
        place = {category: number for number, category in enumerate(self.categories())}
        ordered = sorted(gold, key=lambda one: (place.get(gold[one][0], len(place)), gold[one][1]))
        return {product: gold[product][0] for product in ordered}

    def _summary(self, category: str) -> Summary:
        leaf = self._leaf_now(category)
        with self._lock:
            return leaf.summary()

    def _leaf_now(self, category: str) -> LeafPairs:
        """The pairs of a leaf with everything that this state has taken notice of."""
        with self._lock:
            known = self._kept.get(category) if category in self._rows else LeafPairs()
        if known is not None:
            return known

        def take(rows: list[Any], since: list[Effect]) -> LeafPairs:
            read = (pair_of(row) for row in rows)
            leaf = LeafPairs(item for item in read if item[1].stage is not Stage.SUGGESTED)
            for product, pair in _moved(category, since):
                leaf.move(product, pair)
            self._kept.put(category, leaf, most=_PAIRS_KEPT)
            return leaf

        return self._ask(_PAIRS, {"category": category}, take)


def _moved(category: str, since: Sequence[Effect]) -> Iterator[tuple[str, PairState | None]]:
    """Products of a leaf whose pair was moved, and to where."""
    for effect in since:
        if category in effect.was.pairs or category in effect.now.pairs:
            yield effect.decision.product, effect.now.pairs.get(category)
