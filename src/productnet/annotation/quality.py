"""Quality numbers: agreement, precision, speed and drift, per leaf, person and pair of people.

A projection of the log, brought up to date by sequence like the state: a refresh costs what the
new decisions cost, whatever is there already. Days are days of UTC.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from threading import RLock

from productnet.annotation.agreement import Proportion
from productnet.annotation.decisions import IMPORTED, Decision, Role, Task, Verdict
from productnet.annotation.drift import Drift
from productnet.annotation.findings import (
    Confused,
    Day,
    LeafQuality,
    Overall,
    PairQuality,
    PersonQuality,
)
from productnet.annotation.past import ReadableLog
from productnet.annotation.tallies import Answered, Meeting, Met
from productnet.annotation.verdicts import Answers, History, judge
from productnet.taxonomy.tree import Taxonomy


@dataclass(frozen=True, slots=True)
class _OfProduct:
    """What one product adds to the sums, to be taken out when it changes."""

    meetings: tuple[Meeting, ...] = ()
    gold_day: int | None = None
    confused: tuple[tuple[str, str], ...] = ()


_NOTHING = _OfProduct()


class Quality:
    """The quality numbers of a log, as of its last refresh.

    Safe between threads. Each call answers from memory; call ``refresh`` before.

    Args:
        log: Whose.
        pause: Answers that took more seconds than this were interrupted: they are counted, and
            left out of speeds and of the time spent.
    """

    def __init__(self, log: ReadableLog, *, pause: float) -> None:
        self._log = log
        self._pause = pause
        self._lock = RLock()
        self._seq = 0
        self._of_leaf: dict[str, Answered] = {}
        self._of_person: dict[tuple[str, Task], Answered] = {}
        self._leaf_met: defaultdict[str, Met] = defaultdict(Met)
        self._person_met: defaultdict[tuple[str, Task], Met] = defaultdict(Met)
        self._pair_met: defaultdict[tuple[str, str], Met] = defaultdict(Met)
        self._products: dict[str, _OfProduct] = {}
        self._decisions_on: Counter[int] = Counter()
        self._seconds_on: defaultdict[int, float] = defaultdict(float)
        self._gold_on: Counter[int] = Counter()
        self._confused: Counter[tuple[str, str]] = Counter()
        # The days of what can make gold, by sequence number.
        self._seqs, self._days = array("q"), array("i")

    def refresh(self) -> None:
        """Take in what was decided since the last time."""
        with self._lock:
            touched: dict[str, None] = {}
            for seq, decision in self._log.since(self._seq):
                self._count(seq, decision)
                touched[decision.product] = None
                self._seq = seq
            state = self._log.state()
            for product in touched:
                self._sum_again(product, state.history(product))

    def _count(self, seq: int, decision: Decision) -> None:
        day = decision.at.toordinal()
        if decision.role in _MAKES_GOLD:
            self._seqs.append(seq)
            self._days.append(day)
        task = _TASKS.get(decision.role)
        if task is None or decision.annotator == IMPORTED:
            return
        person = decision.annotator, task
        for answered in (
            self._of_leaf.setdefault(decision.category, Answered(self._pause)),
            self._of_person.setdefault(person, Answered(self._pause)),
        ):
            answered.add(decision)
        self._decisions_on[day] += 1
        if decision.seconds is not None and decision.seconds <= self._pause:
            self._seconds_on[day] += decision.seconds

    def _sum_again(self, product: str, history: History) -> None:
        before = self._products.pop(product, _NOTHING)
        now = self._of_product(history)
        if now != before:
            self._add(before, -1)
            self._add(now, 1)
        if now != _NOTHING:
            self._products[product] = now

    def _of_product(self, history: History) -> _OfProduct:
        # Most products were answered once, and nothing here follows from one answer.
        if len(history) < 2 and not any(vote.role in _MAKES_GOLD for vote in history):
            return _NOTHING
        audited = dict.fromkeys(vote.category for vote in history if vote.role is Role.AUDIT)
        meetings = [met for leaf in audited if (met := _meeting(leaf, Answers.of(history, leaf)))]
        gold = next(((leaf, pair) for leaf, pair in judge(history).items() if pair.gold), None)
        if gold is None:
            return _OfProduct(tuple(meetings))
        leaf, pair = gold
        said = dict.fromkeys(
            vote.category
            for vote in history
            if vote.role in (Role.LABEL, Role.AUDIT)
            and vote.verdict is Verdict.POSITIVE
            and vote.category != leaf
        )
        confused = tuple((other, leaf) for other in said)
        return _OfProduct(tuple(meetings), self._day_of(pair.since), confused)

    def _day_of(self, seq: int) -> int | None:
        """The day of a decision that made gold; None if it was not read yet."""
        place = bisect_left(self._seqs, seq)
        found = place < len(self._seqs) and self._seqs[place] == seq
        return self._days[place] if found else None

    def _add(self, of_product: _OfProduct, times: int) -> None:
        for met in of_product.meetings:
            first, second = sorted((met.labeler, met.auditor))
            in_turn = (met.label, met.audit) if first == met.labeler else (met.audit, met.label)
            count = Met.add if times > 0 else Met.remove
            count(self._leaf_met[met.leaf], met.label, met.audit)
            count(self._pair_met[first, second], *in_turn)
            labeler = self._person_met[met.labeler, Task.LABEL]
            count(labeler, met.label, met.audit, met.label_seq)
            auditor = self._person_met[met.auditor, Task.AUDIT]
            count(auditor, met.audit, met.label, met.audit_seq)
        if of_product.gold_day is not None:
            self._gold_on[of_product.gold_day] += times
        for pair in of_product.confused:
            self._confused[pair] += times

    def overall(self) -> Overall:
        """Of everybody in all leaves."""
        with self._lock:
            met = Met(sum((one.table for one in self._leaf_met.values()), Counter()))
            return Overall(met.agreement(), met.precision())

    def leaves(self, leaves: Iterable[str] | None = None) -> list[LeafQuality]:
        """Of these leaves, or of all that were begun."""
        with self._lock:
            return [
                LeafQuality(
                    leaf,
                    answered.count,
                    answered.unsure_share(),
                    answered.speed(),
                    met.agreement(),
                    met.precision(),
                )
                for leaf in (self._of_leaf if leaves is None else leaves)
                if (answered := self._of_leaf.get(leaf))
                for met in [self._leaf_met.get(leaf, Met())]
            ]

    def people(self) -> list[PersonQuality]:
        """Everybody at every task they ever did, by name."""
        with self._lock:
            return [
                self._person(person, task)
                for person, task in sorted(self._of_person.keys() | self._person_met.keys())
            ]

    def _person(self, person: str, task: Task) -> PersonQuality:
        answered = self._of_person.get((person, task), Answered(self._pause))
        met = self._person_met.get((person, task), Met())
        return PersonQuality(
            person,
            task,
            answered.count,
            answered.unsure_share(),
            answered.speed(),
            met.agreement(),
            met.precision() if task is Task.LABEL else Proportion.count(0, 0),
            Drift.of(met.in_order(), answered.seconds),
        )

    def pairs(self) -> list[PairQuality]:
        """Every two people who answered for the same pairs, those with most in common first."""
        with self._lock:
            found = [
                PairQuality(first, second, met.agreement())
                for (first, second), met in self._pair_met.items()
            ]
        together = [pair for pair in found if pair.agreement.agreed.of]
        return sorted(together, key=lambda pair: -pair.agreement.agreed.of)

    def days(self) -> list[Day]:
        """Every day on which anything was decided, in order."""
        with self._lock:
            gold = {day for day, count in self._gold_on.items() if count}
            return [
                Day(
                    date.fromordinal(day),
                    self._decisions_on[day],
                    self._seconds_on.get(day, 0.0),
                    self._gold_on[day],
                )
                for day in sorted(self._decisions_on.keys() | gold)
            ]

    def confused(self, taxonomy: Taxonomy) -> list[Confused]:
        """Leaves for which somebody said yes to another leaf's gold, the most products first."""
        with self._lock:
            found = [(pair, count) for pair, count in self._confused.items() if count]
        return [
            Confused(said, gold, count, _siblings(taxonomy, said, gold))
            for (said, gold), count in sorted(found, key=lambda item: -item[1])
        ]


_MAKES_GOLD = (Role.IMPORT, Role.AUDIT, Role.ADJUDICATE)

_TASKS = {
    Role.LABEL: Task.LABEL,
    Role.AUDIT: Task.AUDIT,
    Role.ADJUDICATE: Task.ADJUDICATE,
}


def _meeting(leaf: str, answers: Answers) -> Meeting | None:
    label, audit = answers.label, answers.audit
    if label is None or audit is None:
        return None
    return Meeting(
        leaf,
        label.annotator,
        label.verdict,
        label.seq,
        audit.annotator,
        audit.verdict,
        audit.seq,
    )


def _siblings(taxonomy: Taxonomy, one: str, other: str) -> bool:
    if one not in taxonomy or other not in taxonomy:
        return False
    return taxonomy[one].path[:-1] == taxonomy[other].path[:-1]
