"""What is found of the quality of leaves, people, pairs of people, days and confused leaves."""

from dataclasses import dataclass
from datetime import date

from productnet.annotation.decisions import Task
from productnet.annotation.quality.agreement import Agreement, Proportion
from productnet.annotation.quality.drift import Drift
from productnet.annotation.quality.times import Speed


@dataclass(frozen=True, slots=True)
class Overall:
    """The whole project.

    Attributes:
        agreement: Labels beside their audits.
        precision: Labelled positives that the audit confirmed, among those audited.
    """

    agreement: Agreement
    precision: Proportion


@dataclass(frozen=True, slots=True)
class LeafQuality:
    """One leaf.

    Attributes:
        leaf: The leaf.
        decisions: Answers given, those taken back included.
        unsure: Those that said neither yes nor no.
        speed: How long they took.
        agreement: Labels beside their audits.
        precision: Labelled positives that the audit confirmed, among those audited.
    """

    leaf: str
    decisions: int
    unsure: Proportion
    speed: Speed
    agreement: Agreement
    precision: Proportion


@dataclass(frozen=True, slots=True)
class PersonQuality:
    """One person at one task.

    Attributes:
        person: Who; the annotator ``imported`` stands for the labels of feeds.
        task: At what.
        decisions: Answers given, those taken back included.
        unsure: Those that said neither yes nor no.
        speed: How long they took.
        agreement: With whoever audited their labels, or labelled what they audited.
        precision: Of a labeler: labelled positives that the audit confirmed.
        drift: Whether they lately answer otherwise than before.
    """

    person: str
    task: Task
    decisions: int
    unsure: Proportion
    speed: Speed
    agreement: Agreement
    precision: Proportion
    drift: Drift


@dataclass(frozen=True, slots=True)
class PairQuality:
    """Two people, whichever of them labelled and whichever audited.

    Attributes:
        first: One of them.
        second: The other, later in the alphabet.
        agreement: About the pairs of product and leaf that both answered.
    """

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on one day of UTC.

    Attributes:
        day: The day.
        decisions: Answers given.
        seconds: Time spent on them, where it is known, pauses left out.
        gold: Products that became gold then and are so still.
    """

    day: date
    decisions: int
    seconds: float
    gold: int


@dataclass(frozen=True, slots=True)
class Confused:
    """Two leaves that people take for each other.

    Attributes:
        said: The leaf for which somebody said yes.
        gold: The leaf for which the product is gold.
        products: How many products.
        siblings: Whether both lie under the same parent.
    """

    said: str
    gold: str
    products: int
    siblings: bool
