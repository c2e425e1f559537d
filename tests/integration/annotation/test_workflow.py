"""The workflow as people meet it, on every database."""

from itertools import permutations
from uuid import uuid4

import numpy as np
import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.verdicts import Reason, Stage
from productnet.annotation.workflow import Workflow
from productnet.errors import UnknownCategory, UnknownProduct, WorkflowError

YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE


def test_from_label_to_gold(workflow: Workflow) -> None:
    workflow.label("p1", "mugs", verdict=YES, annotator="ann", source="keyword", score=0.7)
    assert not workflow.log.state().gold_labels()
    workflow.audit("p1", "mugs", verdict=YES, annotator="bob")
    assert workflow.log.state().gold_labels() == {"p1": "mugs"}


def test_from_difference_to_settlement(workflow: Workflow) -> None:
    workflow.label("p1", "mugs", verdict=YES, annotator="ann")
    workflow.audit("p1", "mugs", verdict=UNSURE, annotator="bob")
    (dispute,) = workflow.disputes()
    assert (dispute.product, dispute.category, dispute.reason) == ("p1", "mugs", Reason.DIFFER)
    assert [vote.verdict for vote in dispute.votes] == [YES, UNSURE]
    assert not workflow.disputes("mugs", adjudicator="bob")
    assert not workflow.disputes("cups")
    workflow.adjudicate("p1", "mugs", verdict=NO, annotator="cy")
    assert not workflow.disputes()
    assert workflow.log.state().pair("p1", "mugs").stage is Stage.SETTLED


def test_gold_in_two_leaves_goes_to_an_adjudicator(workflow: Workflow) -> None:
    for leaf in ("mugs", "cups"):
        workflow.label("p1", leaf, verdict=YES, annotator="ann")
        workflow.audit("p1", leaf, verdict=YES, annotator="bob")
    assert workflow.log.state().gold_labels() == {"p1": "mugs"}
    (dispute,) = workflow.disputes()
    assert (dispute.category, dispute.reason) == ("cups", Reason.GOLD_ELSEWHERE)
    workflow.adjudicate("p1", "cups", verdict=YES, annotator="cy")
    assert workflow.log.state().gold_labels() == {"p1": "cups"}
    assert list(workflow.log.state().negatives("mugs")) == ["p1"]


def test_a_challenged_gold_goes_to_somebody_who_has_not_answered(workflow: Workflow) -> None:
    workflow.label("p1", "mugs", verdict=YES, annotator="ann", note="a handle, so a mug")
    workflow.audit("p1", "mugs", verdict=YES, annotator="bob")
    doubt = workflow.challenge("p1", "mugs", annotator="local-model", score=0.97)
    assert not workflow.log.state().gold_labels()
    assert workflow.log.state().progress("mugs").decisions == 2
    (dispute,) = workflow.disputes(adjudicator="cy")
    assert dispute.reason is Reason.CHALLENGED
    assert not workflow.disputes(adjudicator="ann") + workflow.disputes(adjudicator="bob")
    said = workflow.standing(["p1", "p2"])
    assert [(one.role, one.note) for one in said["p1"]] == [
        (Role.LABEL, "a handle, so a mug"),
        (Role.AUDIT, None),
        (Role.CHALLENGE, None),
    ]
    assert said["p2"] == []
    workflow.undo(doubt.id, annotator="local-model")
    assert workflow.log.state().gold_labels() == {"p1": "mugs"}
    assert [one.role for one in workflow.standing(["p1"])["p1"]] == [Role.LABEL, Role.AUDIT]
    workflow.challenge("p1", "mugs", verdict=NO, annotator="lead")
    workflow.adjudicate("p1", "mugs", verdict=NO, annotator="cy")
    workflow.challenge("p1", "mugs", annotator="ann")
    assert not workflow.disputes(adjudicator="cy")
    workflow.adjudicate("p1", "mugs", verdict=YES, annotator="dee")
    assert workflow.log.state().gold_labels() == {"p1": "mugs"}


def test_what_nothing_rests_on_is_undone_in_any_order(workflow: Workflow) -> None:
    mine = [
        workflow.label(f"p{number}", leaf, verdict=YES, annotator="ann")
        for number in range(5)
        for leaf in ("mugs", "cups")
    ]
    workflow.audit("p0", "mugs", verdict=YES, annotator="bob")
    for place in rng(3).permutation(len(mine)):
        decision = mine[place]
        if (decision.product, decision.category) == ("p0", "mugs"):
            with pytest.raises(WorkflowError, match="has been audited since"):
                workflow.undo(decision.id, annotator="ann")
        else:
            workflow.undo(decision.id, annotator="ann")
    state = workflow.log.state()
    assert [list(state.positives(leaf)) for leaf in ("mugs", "cups")] == [["p0"], []]


def test_undo_makes_room_for_another_answer(workflow: Workflow) -> None:
    slip = workflow.label("p1", "mugs", verdict=NO, annotator="ann")
    again = uuid4()
    undone = workflow.undo(slip.id, annotator="ann", id=again)
    assert workflow.undo(slip.id, annotator="ann", id=again).id == undone.id
    assert workflow.log.state().pair("p1", "mugs").stage is Stage.SUGGESTED
    workflow.label("p1", "mugs", verdict=YES, annotator="ann")
    assert list(workflow.log.state().positives("mugs")) == ["p1"]
    with pytest.raises(WorkflowError, match="was undone already"):
        workflow.undo(slip.id, annotator="ann")
    with pytest.raises(WorkflowError, match="is an undo and cannot be undone"):
        workflow.undo(undone.id, annotator="ann")
    with pytest.raises(WorkflowError, match="There is no decision"):
        workflow.undo(uuid4(), annotator="ann")


def test_only_products_of_the_pool_and_leaves_of_the_taxonomy(workflow: Workflow) -> None:
    with pytest.raises(UnknownProduct, match='no product "px"'):
        workflow.label("px", "mugs", verdict=YES, annotator="ann")
    with pytest.raises(UnknownCategory, match='Did you mean "mugs"'):
        workflow.label("p1", "mug", verdict=YES, annotator="ann")
    with pytest.raises(WorkflowError, match='Choose one of them, such as "mugs"'):
        workflow.label("p1", "kitchen", verdict=YES, annotator="ann")


def test_a_page_is_recorded_whole_or_not_at_all(workflow: Workflow) -> None:
    page = [
        decide(Role.LABEL, product, "mugs", verdict=YES, annotator="ann")
        for product in ("p1", "p2", "p1")
    ]
    with pytest.raises(WorkflowError, match="has a label already"):
        workflow.record(*page)
    assert not workflow.log.state().positives("mugs")
    assert workflow.record(*page[:2]) == 2
    assert workflow.record(*page[:2]) == 0


@pytest.mark.parametrize("trusted", [True, False])
def test_labels_of_a_feed(workflow: Workflow, trusted: bool) -> None:
    labels = {"p1": "mugs", "p2": "cups", "p3": "kitchen", "px": "mugs"}
    first = workflow.import_labels(labels, trusted=trusted)
    assert (first.added, first.repeated) == (2, 0)
    assert "people label leaves only" in first.skipped["p3"]
    assert "no product" in first.skipped["px"]
    again = workflow.import_labels(labels, trusted=trusted)
    assert (again.added, again.repeated) == (0, 2)
    state = workflow.log.state()
    assert state.gold_labels() == ({"p1": "mugs", "p2": "cups"} if trusted else {})
    assert state.progress("mugs").to_audit == (0 if trusted else 1)
    assert state.progress("mugs").decisions == 0
    if not trusted:
        workflow.audit("p1", "mugs", verdict=YES, annotator="bob")
        assert workflow.log.state().gold_labels() == {"p1": "mugs"}


def test_labels_of_a_feed_do_not_cover_what_people_said(workflow: Workflow) -> None:
    workflow.label("p1", "mugs", verdict=NO, annotator="ann")
    result = workflow.import_labels({"p1": "mugs"}, trusted=False)
    assert "has a label already, by ann" in result.skipped["p1"]
    workflow.import_labels({"p1": "mugs"}, trusted=True)
    assert workflow.log.state().pair("p1", "mugs").stage is Stage.DISPUTED


def test_retries_in_any_order_leave_one_state(workflow: Workflow) -> None:
    sent = [
        decide(role, product, "mugs", verdict=YES, annotator=by)
        for product in ("p1", "p2")
        for role, by in ((Role.LABEL, "ann"), (Role.AUDIT, "bob"))
    ]
    workflow.record(*sent)
    before = workflow.log.state().pairs("mugs")
    for order in permutations(sent):
        for decision in order:
            assert workflow.record(decision) == 0
    assert workflow.log.state().pairs("mugs") == before


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
