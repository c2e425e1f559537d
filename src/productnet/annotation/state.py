"""The computed state of every pair: a projection of the log, brought up to date by sequence.

Per product the state keeps its votes, per leaf the state of its pairs; both grow with the number
of decisions only. Measured: about 400 bytes a decision, so 0.4 GB for a million.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from threading import RLock
from typing import NamedTuple

from productnet.annotation.decisions import IMPORTED, Decision, Role, Verdict
from productnet.annotation.told import before_audits
from productnet.annotation.verdicts import SUGGESTED, History, PairState, Vote, after, judge


@dataclass(frozen=True, slots=True)
class LeafProgress:
    """How far one leaf, or a sum of leaves, has come.

    Attributes:
        labelled_positive: Pairs whose verdict is positive, gold or not yet.
        labelled_negative: Pairs whose verdict is negative.
        unsure: Pairs whose verdict is unsure.
        gold: Positives confirmed or settled.
        hard_negatives: Negatives kept as hard ones.
        disputed: Pairs that wait for an adjudicator.
        to_audit: Positives that wait for an auditor.
        decisions: Answers given, those taken back included; imports and challenges are not.
        seconds: Time spent on them, where it is known.
    """

    labelled_positive: int = 0
    labelled_negative: int = 0
    unsure: int = 0
    gold: int = 0
    hard_negatives: int = 0
    disputed: int = 0
    to_audit: int = 0
    decisions: int = 0
    seconds: float = 0.0

    def __add__(self, other: "LeafProgress") -> "LeafProgress":
        return LeafProgress(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class Positives(NamedTuple):
    """Products of a leaf whose verdict is positive, in the order of the log; and those of gold."""

    all: Sequence[str] = ()
    gold: Sequence[str] = ()


class State:
    """Every verdict, as of sequence number ``seq``.

    ``apply`` alone changes it. Answers are copies, so that a reader in another thread is never
    disturbed by decisions that arrive meanwhile.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._histories: dict[str, History] = {}
        self._leaves: dict[str, _Leaf] = {}
        # Products with an audit that stands, by auditor.
        self._audited: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = RLock()

    def apply(self, decisions: Iterable[tuple[int, Decision]]) -> None:
        """Take in decisions with their sequence numbers, rising from ``seq``."""
        with self._lock:
            leaves_before: dict[str, set[str]] = {}
            for seq, decision in decisions:
                history = self._histories.get(decision.product, ())
                if decision.product not in leaves_before:
                    leaves_before[decision.product] = {vote.category for vote in history}
                history = after(history, seq, decision)
                self._histories[decision.product] = history
                self._note_audit(decision, history)
                self._leaf(decision.category).count(seq, decision)
                self.seq = seq
            for product, before in leaves_before.items():
                self._judge_again(product, before)

    def _note_audit(self, decision: Decision, history: History) -> None:
        """Keep in mind whether the one who decided has an audit of this product that stands."""
        if decision.role not in (Role.AUDIT, Role.UNDO):
            return
        person = decision.annotator
        if any(vote.role is Role.AUDIT and vote.annotator == person for vote in history):
            self._audited[person].add(decision.product)
        else:
            self._audited[person].discard(decision.product)

    def _judge_again(self, product: str, leaves_before: set[str]) -> None:
        pairs = judge(self._histories[product])
        for category in leaves_before - pairs.keys():
            self._leaf(category).set(product, None)
        for category, pair in pairs.items():
            self._leaf(category).set(product, pair)
        if not self._histories[product]:
            del self._histories[product]

    def _leaf(self, category: str) -> "_Leaf":
        return self._leaves.setdefault(category, _Leaf())

    def history(self, product: str) -> History:
        """The votes about a product that stand, in the order of the log."""
        return self._histories.get(product, ())

    def histories(self, products: Collection[str]) -> dict[str, History]:
        """The votes about these products that stand; one look for many is cheaper."""
        return {product: self.history(product) for product in products}

    def pair(self, product: str, category: str) -> PairState:
        """Where this pair stands; stage *suggested* where nobody has decided."""
        with self._lock:
            leaf = self._leaves.get(category)
            return leaf.pairs.get(product, SUGGESTED) if leaf else SUGGESTED

    def pairs(self, category: str) -> dict[str, PairState]:
        """Every decided pair of a leaf, by product, in the order of the log."""
        with self._lock:
            pairs = self._leaves[category].pairs if category in self._leaves else {}
            return dict(sorted(pairs.items(), key=lambda item: item[1].since))

    def categories(self) -> tuple[str, ...]:
        """The leaves that have decisions, in the order they were begun."""
        with self._lock:
            return tuple(self._leaves)

    def positives(self, category: str) -> Sequence[str]:
        """Products whose verdict is positive, confirmed or not yet."""
        return self._summary(category).positives

    def positives_of(self, categories: Collection[str]) -> dict[str, Positives]:
        """Positives of leaves, by leaf; one look for many is cheaper, and takes no negatives."""
        return {
            category: Positives(self.positives(category), self.gold(category))
            for category in categories
        }

    def negatives(self, category: str) -> Sequence[str]:
        """Products whose verdict is negative, confirmed or not yet."""
        return self._summary(category).negatives

    def unsure(self, category: str) -> Sequence[str]:
        """Products whose verdict is unsure."""
        return self._summary(category).unsure

    def gold(self, category: str) -> Sequence[str]:
        """Gold positives of a leaf."""
        return self._summary(category).gold

    def hard_negatives(self, category: str) -> Sequence[str]:
        """The leaf's hard negatives, hardest first: at most as many as its positives.

        The master's errors come first (``pair(…).master_error`` tells them), then those that
        their source held closest to the leaf. What a random draw showed is never a hard one.
        """
        return self._summary(category).hard_negatives

    def disputed(self, category: str) -> Sequence[str]:
        """Products that wait for an adjudicator."""
        return self._summary(category).disputed

    def progress(self, category: str) -> LeafProgress:
        """Counts of a leaf."""
        with self._lock:
            leaf = self._leaves.get(category)
            return leaf.progress(leaf.summary()) if leaf else LeafProgress()

    def progress_told(self, category: str, person: str) -> LeafProgress:
        """Counts of a leaf as this person may be told them: as they were before their own audits.

        A count that moved with one of them, which they can take back, would tell what the labeler
        had said. Once it is settled, it counts.
        """
        with self._lock:
            leaf = self._leaves.get(category)
            if leaf is None:
                return LeafProgress()
            audited = self._audited.get(person)
            if not audited or audited.isdisjoint(leaf.pairs):
                return leaf.progress(leaf.summary())
            if person not in leaf.told:
                pairs = dict(leaf.pairs)
                for product in audited & pairs.keys():
                    before = before_audits(self._histories[product], person).get(category)
                    if before is not None:
                        pairs[product] = before
                leaf.told[person] = leaf.progress(_summarise(pairs))
            return leaf.told[person]

    def all_told(self, person: str, categories: Collection[str]) -> dict[str, LeafProgress]:
        """Counts of leaves as this person may be told them, by leaf."""
        return {category: self.progress_told(category, person) for category in categories}

    def gold_labels(self) -> dict[str, str]:
        """Product id to the one leaf it is gold for, over all leaves."""
        return {product: leaf for leaf in self.categories() for product in self.gold(leaf)}

    def votes(self, category: str) -> list[tuple[str, Vote]]:
        """Product and vote of everything said for this leaf that stands, in the log's order."""
        votes = (
            (product, vote)
            for product, history in self.histories(self.pairs(category)).items()
            for vote in history
            if vote.category == category
        )
        return sorted(votes, key=lambda item: item[1].seq)

    def decided_by(self, annotator: str, category: str) -> set[str]:
        """Products of which this person has said anything for this leaf, and not taken it back."""
        return {product for product, vote in self.votes(category) if vote.annotator == annotator}

    def worked_in(self, annotator: str) -> dict[str, int]:
        """The leaves this person decided in, by the sequence number of their last answer there.

        Answers taken back count: they were at work in the leaf all the same.
        """
        with self._lock:
            return {
                category: leaf.last_by[annotator]
                for category, leaf in self._leaves.items()
                if annotator in leaf.last_by
            }

    def _summary(self, category: str) -> "Summary":
        with self._lock:
            leaf = self._leaves.get(category)
            return leaf.summary() if leaf else _NOTHING


@dataclass(frozen=True, slots=True)
class Summary:
    """What is asked of the pairs of a leaf again and again."""

    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()
    hard_negatives: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: Mapping[str, PairState]) -> "Summary":
        """Of these pairs, in the order of the log."""
        of_verdict: dict[Verdict | None, list[str]] = {verdict: [] for verdict in (*Verdict, None)}
        for product, pair in pairs.items():
            of_verdict[pair.verdict].append(product)
        positives, negatives = of_verdict[Verdict.POSITIVE], of_verdict[Verdict.NEGATIVE]
        return cls(
            positives=tuple(positives),
            negatives=tuple(negatives),
            unsure=tuple(of_verdict[Verdict.UNSURE]),
            gold=tuple(product for product in positives if pairs[product].gold),
            hard_negatives=tuple(hardest_first(negatives, pairs)[: len(positives)]),
            disputed=tuple(of_verdict[None]),
        )

    def progress(self, *, decisions: int, seconds: float) -> LeafProgress:
        """How far the leaf is, with so many answers that took so long."""
        return LeafProgress(
            labelled_positive=len(self.positives),
            labelled_negative=len(self.negatives),
            unsure=len(self.unsure),
            gold=len(self.gold),
            hard_negatives=len(self.hard_negatives),
            disputed=len(self.disputed),
            to_audit=len(self.positives) - len(self.gold),
            decisions=decisions,
            seconds=seconds,
        )


_NOTHING = Summary()


@dataclass(slots=True)
class _Leaf:
    """The pairs of one leaf, who decided them, and what that cost."""

    pairs: dict[str, PairState] = field(default_factory=dict)
    decisions: int = 0
    seconds: float = 0.0
    last_by: dict[str, int] = field(default_factory=dict)
    known: Summary | None = None
    told: dict[str, LeafProgress] = field(default_factory=dict)

    def count(self, seq: int, decision: Decision) -> None:
        answer = decision.role in (Role.LABEL, Role.AUDIT, Role.ADJUDICATE)
        if answer and decision.annotator != IMPORTED:
            self.decisions += 1
            self.last_by[decision.annotator] = seq
        self.seconds += decision.seconds or 0.0
        self._forget()

    def set(self, product: str, pair: PairState | None) -> None:
        if pair is None:
            self.pairs.pop(product, None)
        else:
            self.pairs[product] = pair
        self._forget()

    def _forget(self) -> None:
        self.known = None
        self.told.clear()

    def summary(self) -> Summary:
        if self.known is None:
            self.known = _summarise(self.pairs)
        return self.known

    def progress(self, summary: Summary) -> LeafProgress:
        return summary.progress(decisions=self.decisions, seconds=self.seconds)


def _summarise(pairs: Mapping[str, PairState]) -> Summary:
    return Summary.of(dict(sorted(pairs.items(), key=lambda item: item[1].since)))


def hardest_first(products: Iterable[str], pairs: Mapping[str, PairState]) -> list[str]:
    """Negatives that a source other than random showed: master errors, then the closest."""
    shown = [product for product in products if pairs[product].source not in (None, "random")]
    return sorted(
        shown, key=lambda product: (not pairs[product].master_error, -(pairs[product].score or 0.0))
    )
