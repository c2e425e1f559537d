"""What a person is offered next, and why."""

from datetime import UTC, datetime, timedelta

from productnet.annotation.assignments import Assignment
from productnet.annotation.decisions import Decision, Role, Task, Verdict, decide
from productnet.annotation.leases import Lease
from productnet.annotation.queue import Board
from productnet.annotation.state import State
from productnet.settings import TargetSettings
from productnet.taxonomy.tree import Category, Taxonomy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YES, NO = Verdict.POSITIVE, Verdict.NEGATIVE
TAXONOMY = Taxonomy(
    [
        Category("/".join(path).lower(), path)
        for path in [
            ("Garden",),
            ("Garden", "Pots"),
            ("Kitchen",),
            ("Kitchen", "Drinks"),
            ("Kitchen", "Drinks", "Cups"),
            ("Kitchen", "Drinks", "Mugs"),
            ("Kitchen", "Pans"),
            ("Wear",),
            ("Wear", "Hats"),
        ]
    ],
    name="t",
    version="1",
)
MUGS, CUPS, PANS = "kitchen/drinks/mugs", "kitchen/drinks/cups", "kitchen/pans"
POTS, HATS = "garden/pots", "wear/hats"


def label(product: str, leaf: str, by: str = "ann", verdict: Verdict = YES) -> Decision:
    said = Role.LABEL
    return decide(said, product, leaf, verdict=verdict, annotator=by, at=NOW, source="active")


def audit(product: str, leaf: str, by: str = "bob", verdict: Verdict = YES) -> Decision:
    return decide(Role.AUDIT, product, leaf, verdict=verdict, annotator=by, at=NOW)


def board(
    *decisions: Decision, leases: list[Lease] | None = None, given: list[Assignment] | None = None
) -> Board:
    state = State()
    state.apply(enumerate(decisions, start=1))
    targets = TargetSettings(positives=2, hard_negatives=1)
    return Board(state, TAXONOMY, targets, leases or [], given or [])


def lease(leaf: str, task: Task, holder: str) -> Lease:
    return Lease(leaf, task, holder, NOW, NOW + timedelta(minutes=5))


def given(leaf: str, task: Task, person: str) -> Assignment:
    return Assignment(leaf, task, person, "lead", NOW)


def offered(made: Board, person: str, task: Task, count: int = 10) -> list[str]:
    return [offer.leaf.id for offer in made.queue(person, task, count=count)]


DONE = [
    label("a", POTS),
    label("b", POTS),
    label("c", POTS, verdict=NO),
    audit("a", POTS),
    audit("b", POTS),
]


def test_a_fresh_project_is_offered_in_the_order_of_the_tree() -> None:
    assert offered(board(), "ann", Task.LABEL) == [POTS, CUPS, MUGS, PANS, HATS]
    assert offered(board(), "ann", Task.LABEL, count=2) == [POTS, CUPS]
    assert not offered(board(), "ann", Task.AUDIT)
    assert not offered(board(), "ann", Task.ADJUDICATE)


def test_auditedthen_begun_then_near() -> None:
    made = board(label("h", HATS, "bob"), label("m", MUGS), given=[given(PANS, Task.LABEL, "ann")])
    offers = made.queue("ann", Task.LABEL, count=10)
    assert [(offer.leaf.id, offer.why) for offer in offers] == [
        (PANS, "lead gave it to you"),
        (MUGS, "you began it"),
        (HATS, "somebody began it and left"),
        (CUPS, 'it lies beside "Mugs", where you worked last'),
        (POTS, "nobody has begun it"),
    ]
    assert [offer.assigned for offer in offers] == [True, False, False, False, False]
    assert [offer.waiting for offer in offers] == [3, 2, 2, 3, 3]
    assert offers[1].progress == made.state.progress(MUGS)


def test_leaves_of_others_and_finished_ones_are_left_out() -> None:
    made = board(
        *DONE,
        leases=[
            lease(CUPS, Task.LABEL, "bob"),
            lease(MUGS, Task.LABEL, "ann"),
            lease(PANS, Task.AUDIT, "ann"),
        ],
        given=[given(HATS, Task.LABEL, "bob")],
    )
    assert made.done(POTS)
    assert offered(made, "ann", Task.LABEL) == [MUGS]
    # What waits for its audit only is not labelled further.
    assert POTS not in offered(board(*DONE[:3]), "ann", Task.LABEL)
    assert POTS in offered(board(*DONE[:2]), "ann", Task.LABEL)


def test_an_audit_is_of_what_somebody_else_labelled() -> None:
    labels = [label("m", MUGS), label("h", HATS), label("h2", HATS), label("h3", HATS, verdict=NO)]
    made = board(*labels, label("p", PANS, "bob"), label("c", CUPS, verdict=NO))
    assert offered(made, "ann", Task.AUDIT) == [PANS]
    offers = made.queue("bob", Task.AUDIT, count=10)
    assert [(offer.leaf.id, offer.waiting) for offer in offers] == [(HATS, 3), (MUGS, 1)]
    assert not offered(board(*DONE), "cy", Task.AUDIT)
    # A sheet is offered to its end to who works on it; to others not when only its noes are left.
    audited = [audit("h", HATS, by="cy"), audit("h2", HATS, by="cy", verdict=NO)]
    begun = board(*labels, *audited)
    assert offered(begun, "cy", Task.AUDIT) == [HATS, MUGS]
    assert offered(begun, "di", Task.AUDIT) == [MUGS]
    held = board(*labels, leases=[lease(HATS, Task.AUDIT, "cy"), lease(MUGS, Task.LABEL, "bob")])
    assert not offered(held, "bob", Task.AUDIT)
    assert offered(held, "cy", Task.AUDIT) == [HATS, MUGS]


def test_disputes_go_to_who_gave_no_answer_even_in_a_finished_leaf() -> None:
    made = board(
        *DONE,
        audit("c", POTS, verdict=YES),
        label("m", MUGS),
        audit("m", MUGS, verdict=NO),
        label("n", MUGS),
        audit("n", MUGS, verdict=NO),
        leases=[lease(MUGS, Task.LABEL, "ann")],
    )
    offers = made.queue("cy", Task.ADJUDICATE, count=10)
    assert [(offer.leaf.id, offer.waiting) for offer in offers] == [(MUGS, 2), (POTS, 1)]
    assert not offered(made, "ann", Task.ADJUDICATE)
    assert not offered(made, "bob", Task.ADJUDICATE)


def test_leaves_of_an_older_taxonomy_are_passed_over() -> None:
    made = board(label("x", "gone"), given=[given("gone too", Task.LABEL, "ann")])
    assert offered(made, "ann", Task.LABEL) == [POTS, CUPS, MUGS, PANS, HATS]
    assert not offered(made, "bob", Task.AUDIT)
