"""What quality numbers are summed from: answers and their times, and answers that met.

Answers are counted as they were given, those taken back included: they took their time all the
same. What two people said of one pair is counted while both answers stand.
"""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from productnet.annotation.agreement import Agreement, Proportion
from productnet.annotation.decisions import Decision, Verdict


@dataclass(frozen=True, slots=True)
class Speed:
    """How long answers took.

    Attributes:
        timed: Answers whose time counts.
        median: Half of them took at most so many seconds; None of nothing.
        p90: Nine of ten took at most so many.
        pauses: Answers left out because they took longer than a person looks at a product.
        untimed: Answers that came without a time.
    """

    timed: int
    median: float | None
    p90: float | None
    pauses: int
    untimed: int


@dataclass(slots=True)
class Answered:
    """The answers of one person, or to one leaf."""

    pause: float
    count: int = 0
    unsure: int = 0
    pauses: int = 0
    untimed: int = 0
    seconds: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, decision: Decision) -> None:
        """Count an answer."""
        self.count += 1
        self.unsure += decision.verdict is Verdict.UNSURE
        if decision.seconds is None:
            self.untimed += 1
        elif decision.seconds > self.pause:
            self.pauses += 1
        else:
            self.seconds.append(decision.seconds)

    def unsure_share(self) -> Proportion:
        """How many of them said neither yes nor no."""
        return Proportion.count(self.unsure, self.count)

    def speed(self) -> Speed:
        """How long they took, by nearest rank."""
        times = np.sort(np.frombuffer(self.seconds, np.float32)) if self.seconds else None
        if times is None:
            return Speed(0, None, None, self.pauses, self.untimed)
        median, p90 = (float(times[ceil(share * len(times)) - 1]) for share in (0.5, 0.9))
        return Speed(len(times), median, p90, self.pauses, self.untimed)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A label and the audit of it, both standing."""

    leaf: str
    labeler: str
    label: Verdict
    label_seq: int
    auditor: str
    audit: Verdict
    audit_seq: int


@dataclass(slots=True)
class Met:
    """Answers of one side beside those of another to the same pairs."""

    table: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    agreed: dict[int, bool] = field(default_factory=dict)

    def add(self, own: Verdict, other: Verdict, seq: int | None = None) -> None:
        """Count a pair; ``seq`` of the own answer, where their order will be asked for."""
        self.table[own, other] += 1
        if seq is not None:
            self.agreed[seq] = own is other

    def remove(self, own: Verdict, other: Verdict, seq: int | None = None) -> None:
        """Take a pair out again."""
        self.table[own, other] -= 1
        if seq is not None:
            del self.agreed[seq]

    def agreement(self) -> Agreement:
        """How well both sides agree."""
        return Agreement.of(self.table)

    def precision(self) -> Proportion:
        """How many of the first side's positives the second confirmed."""
        positives = sum(self.table[Verdict.POSITIVE, other] for other in Verdict)
        return Proportion.count(self.table[Verdict.POSITIVE, Verdict.POSITIVE], positives)

    def in_order(self) -> list[bool]:
        """Whether each answer agreed, in the order of the log."""
        return [self.agreed[seq] for seq in sorted(self.agreed)]
