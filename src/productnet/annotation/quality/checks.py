"""Check items: products whose answer is known, shown again to see how well a person answers.

Planting one is an appended fact, and so is its answer, in tables of their own: nothing about a
product follows from it. The answer is sent as any decision is, and the log puts it ``aside``.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, pairwise, zip_longest
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, func, select, true

from productnet.annotation.decisions import Decision, Verdict
from productnet.annotation.quality.agreement import Proportion
from productnet.annotation.quality.aside import known_answer, standing_answers
from productnet.annotation.schema import check_answers as answers_table
from productnet.annotation.schema import check_items as items_table
from productnet.annotation.schema import from_row
from productnet.annotation.state import State
from productnet.database.columns import insert_into
from productnet.database.database import Database

# Certain products of a leaf, and of its siblings, among which check items are looked for; the rest
# where the first have too few that a person never said anything of.
_DRAWN = (20, 60)

# Seconds that who asks how everybody answered may wait for it.
_QUICK = 0.02


@dataclass(frozen=True, slots=True)
class CheckItem:
    """A product to show as if nobody had answered it yet.

    Attributes:
        product: The product.
        expected: The answer that is known: positive or negative.
    """

    product: str
    expected: Verdict


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one person answered check items.

    Attributes:
        person: Who.
        accuracy: Right answers among those that said yes or no, with an interval.
        unsure: Answers that said neither.
    """

    person: str
    accuracy: Proportion
    unsure: int


class Checks:
    """The check items of a project and their answers, safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: list[CheckResult] = []
        self._took = 0.0

    def choose(
        self,
        leaf: str,
        person: str,
        *,
        page: int,
        share: float,
        state: State,
        siblings: Collection[str] = (),
        exclude: Collection[str] = (),
        rng: np.random.Generator,
    ) -> list[CheckItem]:
        """Check items to put into a page of a person's label work, and plant them.

        They are settled positives and negatives of the leaf and, as negatives, gold of its
        siblings: whatever two people agree on or an adjudicator settled. Never one of which this
        person ever said anything, in any leaf. What was planted and left unanswered comes first.

        Args:
            leaf: The leaf the page is of.
            person: Whose page it is.
            page: Candidates on it.
            share: How many of a hundred candidates are check items, as a share, in the mean.
            state: What is known.
            siblings: Leaves whose gold is a sure negative of this one.
            exclude: Products not to choose, such as those on screen.
            rng: Draws how many, and which.
        """
        wanted = int(rng.binomial(page, share))
        if not wanted:
            return []
        without = {*exclude, *self.answers(leaf, person)}
        with self._database.reading() as connection:
            planted = set(connection.execute(_planted(person, leaf)).scalars())
        known: list[CheckItem] = []
        for part in _known(state, leaf, siblings, first=planted - without, rng=rng):
            known += [
                item
                for item in part
                if item.product not in without and not _answered(state, person, item.product)
            ]
            if len(known) >= 2 * wanted:  # of each kind enough, as a rule
                break
        with self._database.writing(in_turn=False) as connection:
            planted = set(connection.execute(_planted(person, leaf)).scalars())
            waiting = [item for item in known if item.product in planted]
            fresh = [item for item in known if item.product not in planted]
            again = _as_many_of_each(waiting, wanted, rng)
            chosen = _as_many_of_each(fresh, wanted - len(again), rng)
            if chosen:
                # Another page of this person may have planted one meanwhile.
                planting = insert_into(
                    connection.dialect.name, items_table
                ).on_conflict_do_nothing()
                connection.execute(planting, _to_rows(chosen, leaf, person))
        return again + chosen

    def waiting(self, leaf: str, person: str) -> set[str]:
        """Check items that this person has not answered: not to be shown to them as answered."""
        with self._database.reading() as connection:
            planted = set(connection.execute(_planted(person, leaf)).scalars())
        return planted - self.answers(leaf, person).keys()

    def answers(self, leaf: str, person: str) -> dict[str, Verdict]:
        """What this person answered to check items of a leaf, to show among their own answers."""
        columns = answers_table.c
        of_both = and_(columns.category == leaf, columns.annotator == person)
        return {said.product: said.verdict for said in self._standing(of_both) if said.verdict}

    def last_answer(self) -> int:
        """The number of the last answer by anybody; 0 before the first."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(answers_table.c.seq))) or 0

    def answered_since(self, seq: int) -> tuple[int, list[str]]:
        """The leaves of answers after this number, by anybody, and the number of the last one.

        Whoever listens to what is decided hears of these like of any other: silence would tell
        what was a check.
        """
        columns = answers_table.c
        query = select(columns.seq, columns.category).where(columns.seq > seq).order_by(columns.seq)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return (rows[-1].seq if rows else seq), [row.category for row in rows]

    def shown_to(self, person: str) -> dict[tuple[str, str], Verdict | None]:
        """The check items of a person, by product and leaf, and what they answered, if they did."""
        query = select(items_table).where(items_table.c.person == person)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        shown: dict[tuple[str, str], Verdict | None] = {
            (row.product, row.category): None for row in rows
        }
        for said in self._standing(answers_table.c.annotator == person):
            shown[said.product, said.category] = said.verdict
        return shown

    def results(self, state: State) -> list[CheckResult]:
        """How everybody answered, by name.

        An item whose answer is known otherwise by now, or is in doubt again, is left out.
        """
        right: Counter[str] = Counter()
        sure: Counter[str] = Counter()
        unsure: Counter[str] = Counter()
        expected = self._expected()
        given = self._standing(true())
        histories = state.histories({said.product for said in given})
        for said in given:
            person, key = said.annotator, (said.annotator, said.product, said.category)
            if expected.get(key) != known_answer(histories[said.product], said.category):
                continue
            if said.verdict is Verdict.UNSURE:
                unsure[person] += 1
            else:
                sure[person] += 1
                right[person] += said.verdict == expected[key]
        return [
            CheckResult(person, Proportion.count(right[person], sure[person]), unsure[person])
            for person in sorted(sure.keys() | unsure.keys())
        ]

    def lately(self, state: State) -> list[CheckResult]:
        """As ``results``; where that takes long, as ``look_again`` found it last."""
        if self._took < _QUICK:
            self.look_again(state)
        return self._found

    def look_again(self, state: State) -> None:
        """Find out anew how everybody answered, for who asks for ``lately``."""
        began = time.perf_counter()
        self._found = self.results(state)
        self._took = time.perf_counter() - began

    def _expected(self) -> dict[tuple[str, str, str], Verdict]:
        with self._database.reading() as connection:
            return {
                (row.person, row.product, row.category): Verdict(row.expected)
                for row in connection.execute(select(items_table))
            }

    def _standing(self, which: ColumnElement[bool]) -> list[Decision]:
        query = select(answers_table).where(which).order_by(answers_table.c.seq)
        with self._database.reading() as connection:
            return standing_answers([from_row(row)[1] for row in connection.execute(query)])


def _known(
    state: State,
    leaf: str,
    siblings: Collection[str],
    *,
    first: Collection[str],
    rng: np.random.Generator,
) -> Iterator[list[CheckItem]]:
    """Products whose answer for the leaf is certain, each once: those of ``first``, then draws.

    There may be thousands; a page needs a few, and the history of each has to be looked at.
    """
    own = [product for product, pair in state.pairs(leaf).items() if pair.certain]
    gold = [product for one in state.positives_of(siblings).values() for product in one.gold]
    orders = [(products, rng.permutation(len(products))) for products in (own, gold)]
    seen: set[str] = set()
    for begin, end in pairwise((0, *_DRAWN)):
        drawn = [products[place] for products, order in orders for place in order[begin:end]]
        asked = [product for product in dict.fromkeys([*first, *drawn]) if product not in seen]
        seen.update(asked)
        yield [
            CheckItem(product, expected)
            for product, history in state.histories(asked).items()
            if (expected := known_answer(history, leaf))
        ]


def _answered(state: State, person: str, product: str) -> bool:
    return any(vote.annotator == person for vote in state.history(product))


def _as_many_of_each(
    known: Sequence[CheckItem], wanted: int, rng: np.random.Generator
) -> list[CheckItem]:
    """At random, yes and no by turns, so that the same answer to all is no good answer."""
    kinds: list[list[CheckItem]] = [
        [item for item in known if (item.expected is Verdict.POSITIVE) == positive]
        for positive in (True, False)
    ]
    drawn = [[kind[place] for place in rng.permutation(len(kind))] for kind in kinds]
    if rng.random() < 0.5:
        drawn.reverse()
    turns = chain.from_iterable(zip_longest(*drawn))
    return [item for item in turns if item is not None][:wanted]


def _planted(person: str, leaf: str) -> Select[Any]:
    return select(items_table.c.product).where(
        items_table.c.person == person, items_table.c.category == leaf
    )


def _to_rows(items: Sequence[CheckItem], leaf: str, person: str) -> list[dict[str, object]]:
    now = datetime.now(UTC)
    return [
        {
            "person": person,
            "product": item.product,
            "category": leaf,
            "expected": item.expected,
            "at": now,
        }
        for item in items
    ]
