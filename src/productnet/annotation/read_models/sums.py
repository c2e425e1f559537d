"""What is summed of a log: what a product adds, what an answer adds, and the sums of all.

Whoever keeps sums, in memory or in tables, takes out what a product added before and puts in what
it adds now. So the same rules give what a transaction changes, what a portal shows, and what a
count of the whole log is compared with.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from productnet.annotation.decisions import IMPORTED, Decision, Role, Task, Verdict
from productnet.annotation.quality.times import Times
from productnet.annotation.state import LeafProgress
from productnet.annotation.told import before_audits
from productnet.annotation.verdicts import Answers, History, PairState, judge

TASKS = {
    Role.LABEL: Task.LABEL,
    Role.AUDIT: Task.AUDIT,
    Role.ADJUDICATE: Task.ADJUDICATE,
}


class Said(NamedTuple):
    """What the sums need of a decision."""

    category: str
    verdict: Verdict | None
    role: Role
    annotator: str
    at: datetime
    seconds: float | None

    @classmethod
    def of(cls, decision: Decision) -> "Said":
        """Of a decision."""
        return cls(
            decision.category,
            decision.verdict,
            decision.role,
            decision.annotator,
            decision.at,
            decision.seconds,
        )


class Counts(NamedTuple):
    """Pairs of a leaf by where they stand; ``shown`` are negatives that may be hard ones."""

    positives: int = 0
    negatives: int = 0
    unsure: int = 0
    gold: int = 0
    shown: int = 0
    disputed: int = 0

    @classmethod
    def of(cls, pair: PairState) -> "Counts":
        """Of one pair."""
        return _COUNTS[pair.verdict, pair.gold, may_be_hard(pair)]

    def plus(self, other: "Counts", times: int = 1) -> "Counts":
        """Both together; with -1, less the other."""
        return Counts(*(a + times * b for a, b in zip(self, other, strict=True)))

    def progress(self, *, decisions: int, seconds: float) -> LeafProgress:
        """As people are told them."""
        return LeafProgress(
            labelled_positive=self.positives,
            labelled_negative=self.negatives,
            unsure=self.unsure,
            gold=self.gold,
            hard_negatives=min(self.shown, self.positives),
            disputed=self.disputed,
            to_audit=self.positives - self.gold,
            decisions=decisions,
            seconds=seconds,
        )


NO_PAIRS = Counts()


def may_be_hard(pair: PairState) -> bool:
    """Whether a pair may be a hard negative: a source other than random showed it."""
    return pair.verdict is Verdict.NEGATIVE and pair.source not in (None, "random")


_COUNTS = {
    (verdict, gold, shown): Counts(
        positives=int(verdict is Verdict.POSITIVE),
        negatives=int(verdict is Verdict.NEGATIVE),
        unsure=int(verdict is Verdict.UNSURE),
        gold=int(gold),
        shown=int(shown),
        disputed=int(verdict is None),
    )
    for verdict in (*Verdict, None)
    for gold in (False, True)
    for shown in (False, True)
}


class Meeting(NamedTuple):
    """A label and the audit of it, both standing."""

    labeler: str
    label: Verdict
    label_seq: int
    auditor: str
    audit: Verdict
    audit_seq: int


class Met(NamedTuple):
    """What meetings are counted by."""

    leaf: str
    labeler: str
    auditor: str
    label: Verdict
    audit: Verdict

    @classmethod
    def of(cls, leaf: str, meeting: Meeting) -> "Met":
        """Of one meeting."""
        return cls(leaf, meeting.labeler, meeting.auditor, meeting.label, meeting.audit)


class Added(NamedTuple):
    """What one product adds to the sums.

    Attributes:
        pairs: Where it stands in each leaf.
        meetings: By leaf.
        told: By person who audited it and leaf, what they are told less what is so.
        gold_day: The day on which it became gold, if it is.
        confused: The leaves for which somebody said yes, and the one it is gold for.
    """

    pairs: Mapping[str, PairState] = {}
    meetings: Mapping[str, Meeting] = {}
    told: Mapping[tuple[str, str], Counts] = {}
    gold_day: int | None = None
    confused: tuple[tuple[str, str], ...] = ()

    @classmethod
    def by(cls, history: History) -> "Added":
        """What a product of this history adds."""
        if not history:
            return NOTHING
        pairs = judge(history)
        # Most products were answered once, and nothing else follows from one answer.
        if len(history) < 2 and not any(pair.gold for pair in pairs.values()):
            return cls(pairs)
        audits = [vote for vote in history if vote.role is Role.AUDIT]
        gold = next(((leaf, pair) for leaf, pair in pairs.items() if pair.gold), None)
        return cls(
            pairs,
            {
                leaf: met
                for leaf in dict.fromkeys(vote.category for vote in audits)
                if (met := _meeting(Answers.of(history, leaf)))
            },
            _told(history, pairs, {vote.annotator for vote in audits}),
            None if gold is None else _day_of(history, gold[1].since),
            () if gold is None else _confused(history, gold[0]),
        )


NOTHING = Added()


def _meeting(answers: Answers) -> Meeting | None:
    label, audit = answers.label, answers.audit
    if label is None or audit is None:
        return None
    return Meeting(
        label.annotator, label.verdict, label.seq, audit.annotator, audit.verdict, audit.seq
    )


def _told(
    history: History, pairs: Mapping[str, PairState], auditors: set[str]
) -> dict[tuple[str, str], Counts]:
    """What counts those who audited are told, less those that are so, where they differ."""
    told: dict[tuple[str, str], Counts] = {}
    for person in auditors:
        before = before_audits(history, person)
        for leaf, pair in pairs.items():
            shown = Counts.of(before.get(leaf, pair)).plus(Counts.of(pair), -1)
            if any(shown):
                told[person, leaf] = shown
    return told


def _day_of(history: History, seq: int) -> int | None:
    return next((vote.day for vote in history if vote.seq == seq), None)


def _confused(history: History, gold: str) -> tuple[tuple[str, str], ...]:
    said = dict.fromkeys(
        vote.category
        for vote in history
        if vote.role in (Role.LABEL, Role.AUDIT)
        and vote.verdict is Verdict.POSITIVE
        and vote.category != gold
    )
    return tuple((other, gold) for other in said)


@dataclass(slots=True)
class AnswerSum:
    """Answers as they were given, those taken back included: they took their time all the same."""

    count: int = 0
    unsure: int = 0
    untimed: int = 0
    times: Times = field(default_factory=Times)

    def add(self, decision: Said) -> None:
        """Count an answer."""
        self.count += 1
        self.unsure += decision.verdict is Verdict.UNSURE
        if decision.seconds is None:
            self.untimed += 1
        else:
            self.times.add(decision.seconds)

    def merge(self, other: "AnswerSum") -> None:
        """Take in what another counted."""
        self.count += other.count
        self.unsure += other.unsure
        self.untimed += other.untimed
        self.times.merge(other.times)


@dataclass(slots=True)
class LeafSum:
    """One leaf: when it was begun, its pairs, the time spent in it, its answers."""

    begun: int
    counts: Counts = NO_PAIRS
    seconds: float = 0.0
    answers: AnswerSum = field(default_factory=AnswerSum)


@dataclass(slots=True)
class PersonInLeaf:
    """One person in one leaf: their last answer, and what its counts are to them."""

    last: int = 0
    told: Counts = NO_PAIRS


@dataclass(slots=True)
class DaySum:
    """One day of UTC: answers given, and products that became gold then and are so still."""

    answers: AnswerSum = field(default_factory=AnswerSum)
    gold: int = 0


def task_of(decision: Decision | Said) -> Task | None:
    """The task that an answer of a person was given in; None where a decision is no such answer."""
    return None if decision.annotator == IMPORTED else TASKS.get(decision.role)


class Sums:
    """Sums of decisions and of what products add; what is not there is nothing."""

    def __init__(self) -> None:
        self.leaves: dict[str, LeafSum] = {}
        self.people: defaultdict[tuple[str, Task], AnswerSum] = defaultdict(AnswerSum)
        self.in_leaves: defaultdict[tuple[str, str], PersonInLeaf] = defaultdict(PersonInLeaf)
        self.met: Counter[Met] = Counter()
        self.days: defaultdict[int, DaySum] = defaultdict(DaySum)
        self.confused: Counter[tuple[str, str]] = Counter()

    def count(self, seq: int, decision: Said) -> None:
        """Take in a decision, which stays counted even if it is taken back."""
        leaf = self.leaf(decision.category, seq)
        leaf.begun = min(leaf.begun, seq)
        leaf.seconds += decision.seconds or 0.0
        task = task_of(decision)
        if task is None:
            return
        leaf.answers.add(decision)
        self.people[decision.annotator, task].add(decision)
        self.days[decision.at.toordinal()].answers.add(decision)
        person = self.in_leaves[decision.annotator, decision.category]
        person.last = max(person.last, seq)

    def put(self, added: Added, times: int, *, seq: int) -> None:
        """Take in what a product adds, or with ``times`` -1 take it out; ``seq`` is the last."""
        for category, pair in added.pairs.items():
            leaf = self.leaf(category, seq)
            leaf.counts = leaf.counts.plus(Counts.of(pair), times)
        for category, meeting in added.meetings.items():
            self.met[Met.of(category, meeting)] += times
        for (person, category), told in added.told.items():
            place = self.in_leaves[person, category]
            place.told = place.told.plus(told, times)
        if added.gold_day is not None:
            self.days[added.gold_day].gold += times
        for pair_of in added.confused:
            self.confused[pair_of] += times

    def leaf(self, category: str, seq: int) -> LeafSum:
        """The sum of a leaf, begun now if it is new."""
        found = self.leaves.get(category)
        if found is None:
            found = self.leaves[category] = LeafSum(seq)
        return found
