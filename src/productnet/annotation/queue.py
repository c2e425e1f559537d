"""The queue: which leaves a person works on next, and why each is offered.

A pure function of what is known. Leaves come in an order that keeps a person's mind in one place:
what they were given, what they began, then what lies near it in the tree.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile

from productnet.annotation.assignments import Assignment
from productnet.annotation.audits import audit_sheet
from productnet.annotation.decisions import Task
from productnet.annotation.leases import Lease
from productnet.annotation.rules import may_adjudicate
from productnet.annotation.state import LeafProgress, State
from productnet.settings import TargetSettings
from productnet.taxonomy.tree import Category, Taxonomy


@dataclass(frozen=True, slots=True)
class Offer:
    """A leaf to work on.

    Attributes:
        leaf: The leaf.
        task: What is to be done in it.
        why: Why it is offered here, in words to show.
        assigned: Whether it was given to this person.
        waiting: Products that wait for this person, on their audit sheet or to adjudicate; of a
            leaf to label, those that are still wanted.
        progress: How far the leaf has come.
    """

    leaf: Category
    task: Task
    why: str
    assigned: bool
    waiting: int
    progress: LeafProgress


_NOTHING = LeafProgress()


@dataclass(frozen=True, slots=True)
class Board:
    """What the queue is made of: everything that is known at one moment."""

    state: State
    taxonomy: Taxonomy
    targets: TargetSettings
    leases: Collection[Lease] = ()
    assignments: Collection[Assignment] = ()
    # Counts as each person may be told them, asked for once.
    _told: dict[str, Mapping[str, LeafProgress]] = field(default_factory=dict, compare=False)

    def queue(self, person: str, task: Task, *, count: int) -> list[Offer]:
        """The next leaves for a person, at most ``count``, best first.

        Left out are leaves that are finished, that somebody else is at work on or was given, and
        for an audit those whose labels are all this person's own.
        """
        places = _PLACES[task](self, person)
        taken = self._taken(person, task)
        offers = (
            Offer(place.leaf, task, place.why, place.assigned, waiting, progress)
            for place in _once([*self._assigned(person, task), *places])
            if place.leaf.id not in taken
            and (waiting := _WAITING[task](self, person, place.leaf.id))
            and (progress := self._progress(person, place.leaf.id))
        )
        return list(islice(offers, count))

    def done(self, leaf: str) -> bool:
        """Whether a leaf has the gold positives and hard negatives that are wanted of it."""
        progress = self.state.progress(leaf)
        return (
            progress.gold >= self.targets.positives
            and progress.hard_negatives >= self.targets.hard_negatives
        )

    def _progress(self, person: str, leaf: str) -> LeafProgress:
        """Counts of a leaf as this person may be told them."""
        if person not in self._told:
            self._told[person] = self.state.all_told(person, self.state.categories())
        return self._told[person].get(leaf, _NOTHING)

    def _taken(self, person: str, task: Task) -> set[str]:
        """Leaves that somebody else has, or that this person may not have beside another task."""
        given = {
            assignment.leaf
            for assignment in self.assignments
            if assignment.task is task and assignment.person != person
        }
        held = {
            lease.leaf for lease in self.leases if (lease.task is task) != (lease.holder == person)
        }
        return given if task is Task.ADJUDICATE else given | held

    def _assigned(self, person: str, task: Task) -> Iterator["_Place"]:
        for assignment in self.assignments:
            # A new taxonomy may have dropped what was assigned under an older one.
            known = assignment.leaf in self.taxonomy
            if known and assignment.task is task and assignment.person == person:
                why = f"{assignment.assigned_by} gave it to you"
                yield _Place(self.taxonomy[assignment.leaf], why, assigned=True)

    def _begun(self) -> list[Category]:
        return [self.taxonomy[leaf] for leaf in self.state.categories() if leaf in self.taxonomy]

    def _worked_in(self, person: str) -> list[Category]:
        """The leaves this person answered in, the last one first."""
        last_answer = self.state.worked_in(person)
        latest_first = sorted(last_answer, key=lambda leaf: -last_answer[leaf])
        return [self.taxonomy[leaf] for leaf in latest_first if leaf in self.taxonomy]

    def _to_label(self, person: str) -> Iterator["_Place"]:
        own = self._worked_in(person)
        for node in own:
            yield _Place(node, "you began it")
        for node in self._begun():
            yield _Place(node, "somebody began it and left")
        anchor = own[0] if own else None
        for node in _nearest_first(self.taxonomy.leaves, anchor):
            yield _Place(node, _where(node, anchor))

    def _to_audit(self, person: str) -> Iterator["_Place"]:
        own = self._worked_in(person)
        near = _nearest_first(self._begun(), own[0] if own else None)
        # A leaf that is still being labelled would only be audited in pieces.
        for node in sorted(near, key=lambda node: self._positives_wanted(person, node.id) > 0):
            yield _Place(node, "its labels wait for a second person")

    def _to_adjudicate(self, person: str) -> Iterator["_Place"]:
        most_first = sorted(self._begun(), key=lambda node: -self.state.progress(node.id).disputed)
        for node in most_first:
            yield _Place(node, "answers differ, and you gave none of them")

    def _positives_wanted(self, person: str, leaf: str) -> int:
        # As they may be told: an audit that disputes a positive would have another one wanted.
        labelled = self._progress(person, leaf).labelled_positive
        return max(self.targets.positives - labelled, 0)

    def _wants_labels(self, person: str, leaf: str) -> int:
        hard = self._progress(person, leaf).hard_negatives
        negatives = max(self.targets.hard_negatives - hard, 0)
        return self._positives_wanted(person, leaf) + negatives

    def _wants_audits(self, person: str, leaf: str) -> int:
        # The positives that wait would tell them from the negatives: the whole sheet does not. It
        # is offered to its end to who began it, and to nobody of whom negatives alone are left.
        if self.done(leaf) or not self._progress(person, leaf).to_audit:
            return 0
        return audit_sheet(self.state, leaf, auditor=person, count=1).left

    def _wants_adjudication(self, person: str, leaf: str) -> int:
        if not self.state.progress(leaf).disputed:
            return 0
        histories = self.state.histories(self.state.disputed(leaf))
        return sum(may_adjudicate(person, leaf, history) for history in histories.values())


_PLACES: dict[Task, Callable[[Board, str], Iterable["_Place"]]] = {
    Task.LABEL: Board._to_label,
    Task.AUDIT: Board._to_audit,
    Task.ADJUDICATE: Board._to_adjudicate,
}

_WAITING: dict[Task, Callable[[Board, str, str], int]] = {
    Task.LABEL: Board._wants_labels,
    Task.AUDIT: Board._wants_audits,
    Task.ADJUDICATE: Board._wants_adjudication,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A leaf in the order of the queue, before it is known whether anything waits there."""

    leaf: Category
    why: str
    assigned: bool = False


def _once(places: Iterable[_Place]) -> Iterator[_Place]:
    """The first place of every leaf."""
    seen: set[str] = set()
    for place in places:
        if place.leaf.id not in seen:
            seen.add(place.leaf.id)
            yield place


def _shared(node: Category, anchor: Category) -> int:
    """How many levels of the tree two leaves have in common."""
    pairs = zip(node.path[:-1], anchor.path[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], pairs))


def _nearest_first(leaves: Sequence[Category], anchor: Category | None) -> list[Category]:
    """Leaves by how much of their path they share with ``anchor``; else in the order given."""
    if anchor is None:
        return list(leaves)
    return sorted(leaves, key=lambda node: -_shared(node, anchor))


def _where(node: Category, anchor: Category | None) -> str:
    shared = _shared(node, anchor) if anchor else 0
    if anchor is None or not shared:
        return "nobody has begun it"
    if shared == len(anchor.path) - 1 == len(node.path) - 1:
        return f'it lies beside "{anchor.name}", where you worked last'
    return f'it lies in "{node.path[shared - 1]}", where you worked last'
