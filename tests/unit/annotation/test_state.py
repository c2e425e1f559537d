"""The projection, on arbitrary logs: few products, leaves and people, so that they collide."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.rules import check
from productnet.annotation.state import LeafProgress, State
from productnet.annotation.verdicts import Stage
from productnet.errors import WorkflowError

PRODUCTS = ("p1", "p2", "p3")
LEAVES = ("mugs", "cups", "bowls")
PEOPLE = ("ann", "bob", "cy", "dee")
SOURCES = ("random", "keyword", "active", "master")

_Choice = tuple[str, str, Role, str, Verdict, str | None, float | None, int | None]


@st.composite
def logs(draw: st.DrawFn, max_size: int = 25) -> list[Decision]:
    """Decisions of every role, rules broken and undos of anything among them."""
    choices = st.tuples(
        st.sampled_from(PRODUCTS),
        st.sampled_from(LEAVES),
        st.sampled_from([*2 * (Role.LABEL, Role.AUDIT, Role.CHALLENGE), Role.ADJUDICATE]),
        st.sampled_from(PEOPLE),
        st.sampled_from(list(Verdict)),
        st.sampled_from([None, *SOURCES]),
        st.none() | st.floats(0, 1),
        st.none() | st.integers(0, max_size),
    )
    log: list[Decision] = []
    for number, choice in enumerate(draw(st.lists(choices, max_size=max_size))):
        log.append(_decision(number, choice, log))
    return log


def _decision(number: int, choice: _Choice, log: list[Decision]) -> Decision:
    product, category, role, annotator, verdict, source, score, undone = choice
    made = UUID(int=number + 1)
    at = datetime.fromtimestamp(1e9 + number, UTC)
    if undone is not None and undone < len(log) and log[undone].role is not Role.UNDO:
        return undo_of(log[undone], id=made, at=at)
    return Decision(
        id=made,
        product=product,
        category=category,
        verdict=verdict,
        role=role,
        annotator=annotator,
        at=at,
        seconds=1.0,
        source=source,
        score=score,
    )


def undo_of(decision: Decision, *, id: UUID, at: datetime) -> Decision:
    """The undo of a decision by whoever took it."""
    return Decision(
        id=id,
        product=decision.product,
        category=decision.category,
        verdict=None,
        role=Role.UNDO,
        annotator=decision.annotator,
        at=at,
        undoes=decision.id,
    )


def numbered(log: list[Decision]) -> list[tuple[int, Decision]]:
    """The log as it would be read, from sequence number 1."""
    return list(enumerate(log, start=1))


def verdicts(state: State) -> dict[str, object]:
    """Everything a state says of pairs, to compare; what decisions cost is left out."""
    return {
        leaf: (
            list(state.pairs(leaf).items()),
            state.positives(leaf),
            state.negatives(leaf),
            state.unsure(leaf),
            state.gold(leaf),
            state.hard_negatives(leaf),
            state.disputed(leaf),
        )
        for leaf in LEAVES
    }


@given(logs(), st.integers(0, 25))
def test_taking_decisions_in_by_and_by_gives_what_all_at_once_gives(
    log: list[Decision], cut: int
) -> None:
    at_once, in_parts, one_by_one = State(), State(), State()
    at_once.apply(numbered(log))
    in_parts.apply(numbered(log)[:cut])
    verdicts(in_parts)
    in_parts.apply(numbered(log)[cut:])
    for item in numbered(log):
        one_by_one.apply([item])
        verdicts(one_by_one)
    assert verdicts(in_parts) == verdicts(at_once)
    assert verdicts(one_by_one) == verdicts(at_once)
    assert [in_parts.progress(leaf) for leaf in LEAVES] == [
        at_once.progress(leaf) for leaf in LEAVES
    ]
    assert in_parts.categories() == one_by_one.categories() == at_once.categories()


@given(logs())
def test_a_product_is_gold_for_at_most_one_leaf(log: list[Decision]) -> None:
    state = State()
    for item in numbered(log):
        state.apply([item])
        gold = [product for leaf in LEAVES for product in state.gold(leaf)]
        assert len(gold) == len(set(gold))
        assert set(state.gold_labels()) == set(gold)


@given(logs(), st.data())
def test_undo_restores_the_state_before(log: list[Decision], data: st.DataObject) -> None:
    state = State()
    state.apply(numbered(log))
    before = verdicts(state)
    last = data.draw(logs(max_size=1).filter(bool))[0]
    last = replace(last, id=UUID(int=900))
    state.apply([(len(log) + 1, last)])
    undo = undo_of(last, id=UUID(int=901), at=last.at)
    state.apply([(len(log) + 2, undo)])
    assert verdicts(state) == before


@given(logs(), st.data())
def test_an_undone_decision_might_as_well_not_have_been(
    log: list[Decision], data: st.DataObject
) -> None:
    answers = [decision for decision in log if decision.role is not Role.UNDO]
    state, without = State(), State()
    if not answers:
        return
    undone = data.draw(st.sampled_from(answers))
    undo = undo_of(undone, id=UUID(int=900), at=undone.at)
    state.apply([*numbered(log), (len(log) + 1, undo)])
    without.apply([item for item in numbered(log) if item[1] is not undone])
    assert verdicts(state) == verdicts(without)


@given(logs())
def test_what_the_rules_let_through_keeps_them(log: list[Decision]) -> None:
    state = State()
    for seq, decision in numbered(log):
        history = state.history(decision.product)
        try:
            check(decision, history)
        except WorkflowError:
            continue
        before = state.pair(decision.product, decision.category)
        state.apply([(seq, decision)])
        pair = state.pair(decision.product, decision.category)
        votes = [v for v in state.history(decision.product) if v.category == decision.category]
        by_role = {role: {v.annotator for v in votes if v.role is role} for role in Role}
        assert not by_role[Role.LABEL] & by_role[Role.AUDIT]
        assert not by_role[Role.ADJUDICATE] & (by_role[Role.LABEL] | by_role[Role.AUDIT])
        if decision.role is Role.CHALLENGE:
            assert before.stage in (Stage.CONFIRMED, Stage.SETTLED)
            assert pair.stage is Stage.DISPUTED
        if decision.role is Role.ADJUDICATE:
            assert before.stage is Stage.DISPUTED or before.gold
            assert pair.stage is Stage.SETTLED


@given(logs())
def test_hard_negatives_are_known_negatives_and_no_more_than_the_positives(
    log: list[Decision],
) -> None:
    state = State()
    state.apply(numbered(log))
    for leaf in LEAVES:
        hard = state.hard_negatives(leaf)
        errors = [state.pair(product, leaf).master_error for product in hard]
        assert len(hard) <= len(state.positives(leaf))
        assert set(hard) <= set(state.negatives(leaf))
        assert errors == sorted(errors, reverse=True)
        assert all(state.pair(product, leaf).source not in (None, "random") for product in hard)


def said(number: int, product: str, verdict: Verdict, **details: object) -> Decision:
    fields = {"source": "active", "score": 0.5, "seconds": 2.0, **details}
    return Decision(
        id=UUID(int=number),
        product=product,
        category="mugs",
        verdict=verdict,
        role=Role.LABEL,
        annotator="ann",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        **fields,  # type: ignore[arg-type]
    )


def test_hard_negatives_run_from_the_masters_errors_to_the_closest_to_the_rest() -> None:
    yes, no = Verdict.POSITIVE, Verdict.NEGATIVE
    log = [
        *(said(number, f"yes{number}", yes) for number in range(1, 5)),
        said(5, "far", no, score=0.1),
        said(6, "by chance", no, source="random", score=0.99),
        said(7, "close", no, score=0.9),
        said(8, "recommended", no, source="master", score=0.05),
        said(9, "closer", no, source="nearest", score=0.95),
        said(10, "farthest", no, score=0.01),
    ]
    state = State()
    state.apply(numbered(log))
    assert list(state.hard_negatives("mugs")) == ["recommended", "closer", "close", "far"]
    assert state.pair("recommended", "mugs").master_error


def test_progress_counts_what_a_lead_asks_for() -> None:
    state = State()
    state.apply(
        numbered(
            [
                said(1, "a", Verdict.POSITIVE),
                said(2, "b", Verdict.NEGATIVE),
                said(3, "c", Verdict.UNSURE),
                replace(said(4, "a", Verdict.POSITIVE), role=Role.AUDIT, annotator="bob"),
                replace(said(5, "b", Verdict.POSITIVE), role=Role.AUDIT, annotator="bob"),
                said(6, "d", Verdict.POSITIVE),
            ]
        )
    )
    assert state.progress("mugs") == LeafProgress(
        labelled_positive=2,
        unsure=1,
        gold=1,
        disputed=1,
        to_audit=1,
        decisions=6,
        seconds=12.0,
    )
    assert state.decided_by("bob", "mugs") == {"a", "b"}
    assert state.decided_by("ann", "mugs") == {"a", "b", "c", "d"}
    assert sum((state.progress(leaf) for leaf in LEAVES), LeafProgress()).decisions == 6
