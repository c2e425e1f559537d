"""What the portal answers, typed. Members that a newer portal adds are passed over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Person(Result):
    """Somebody."""

    name: str
    display_name: str
    roles: Sequence[str]


class ProjectGlance(Result):
    """The project that is served."""

    name: str
    products: int
    taxonomy: str
    leaves: int
    embedding_set: str | None
    round: int | None


class Targets(Result):
    """When a leaf is done."""

    positives: int
    hard_negatives: int


class Session(Result):
    """Who is signed in, to what."""

    person: Person
    mode: str
    csrf: str | None = None
    project: ProjectGlance
    targets: Targets


class Node(Result):
    """A category of the tree; ``parent`` is an id."""

    id: str
    name: str
    parent: str | None
    leaf: bool


class LeafProgress(Result):
    """How far a leaf has come."""

    labelled_positive: int
    labelled_negative: int
    unsure: int
    gold: int
    hard_negatives: int
    disputed: int
    to_audit: int
    decisions: int
    seconds: float


class Lease(Result):
    """Who is at work on a leaf, until when."""

    leaf: str
    task: str
    holder: str
    expires_at: datetime


class Progress(Result):
    """How far the leaves are that have decisions."""

    target: int
    leaves: Mapping[str, LeafProgress]
    leases: Sequence[Lease] = ()


class Sibling(Result):
    """A leaf beside another."""

    id: str
    name: str
    gold: int | None


class Leaf(Result):
    """A category, to work on it."""

    id: str
    name: str
    path: Sequence[str]
    leaf: bool
    guideline: Mapping[str, Any]
    siblings: Sequence[Sibling]
    progress: LeafProgress | None  # None for whoever audits the leaf now
    leases: Sequence[Lease] = ()


class Offer(Result):
    """A leaf to work on, and why it is offered."""

    leaf: str
    name: str
    path: Sequence[str]
    task: str
    why: str
    assigned: bool
    waiting: int
    progress: LeafProgress | None  # None of a leaf to audit


class Card(Result):
    """A product at a glance; ``thumbnail`` is a path below the portal's address."""

    product: str
    title: str | None
    brand: str | None = None
    thumbnail: str | None = None


class Picture(Result):
    """One of a product's pictures."""

    url: str
    width: int
    height: int


class Product(Card):
    """All the catalog holds of a product."""

    fields: Mapping[str, str]
    images: Sequence[Picture]


class Candidate(Card):
    """A product proposed for a leaf, and why."""

    source: str
    score: float
    reason: str
    model_version: str | None
    behind: int
    copies: Sequence[str] = ()


class LeafProduct(Card):
    """A product of a leaf, and what is known of it."""

    verdict: str | None
    stage: str
    mine: bool


class RecommendedProduct(Card):
    """A product that the master model puts into a leaf; ``confidence`` is calibrated."""

    confidence: float


class Receipt(Result):
    """What became of one answer: recorded, known (sent before), or refused and why."""

    id: UUID
    status: str
    detail: str | None = None


class Recorded(Result):
    """What became of answers; what is not refused is on disk."""

    results: Sequence[Receipt]
    progress: Mapping[str, LeafProgress]

    @property
    def refused(self) -> list[Receipt]:
        """Those that were not recorded."""
        return [receipt for receipt in self.results if receipt.status == "refused"]


class Said(Result):
    """What somebody said of a disputed product."""

    role: str
    person: str
    verdict: str | None
    note: str | None
    at: datetime
    leaf: str
    leaf_name: str


class Dispute(Result):
    """A product to settle; of several ``leaves`` it can be gold in one."""

    product: Card
    kind: str
    reason: str
    leaf: str
    leaves: Sequence[str]
    answers: Sequence[Said]


class Job(Result):
    """Long work, as it stands."""

    id: str
    kind: str
    arguments: Mapping[str, str]
    person: str | None
    state: str
    started_at: datetime
    finished_at: datetime | None
    step: str | None
    message: str | None
    done: int
    total: int | None
    result: Mapping[str, Any] | None

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state != "running"


class Round(Result):
    """A round of the loop."""

    number: int
    preset: str
    started_at: datetime
    finished: bool
    active: bool


class Release(Result):
    """A release of gold."""

    version: str
    made_at: datetime
    gold: int
    hard_negatives: int
    leaves: int
    bytes: int


class Happened(Result):
    """Something that happened."""

    id: int
    kind: str
    person: str | None
    subject: str | None
    details: Mapping[str, Any]
    at: datetime


class Webhook(Result):
    """Who is told of what; ``secret`` only where it was just added."""

    id: UUID
    url: str
    kinds: Sequence[str]
    active: bool
    created_at: datetime
    failing_since: datetime | None
    disabled_because: str | None
    secret: str | None = None


class Delivery(Result):
    """One message on its way to one webhook."""

    id: int
    webhook: UUID
    message: str
    kind: str
    state: str
    attempts: int
    status: int | None
    error: str | None
    created_at: datetime
