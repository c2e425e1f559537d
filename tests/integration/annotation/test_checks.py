"""Check items measure people and leave no trace in gold; nobody can tell them from candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from productnet.annotation.beside import Beside
from productnet.annotation.commits import Status
from productnet.annotation.decisions import Role, Task, Verdict, decide
from productnet.annotation.leases import Leases
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality import checks as checks_module
from productnet.annotation.quality.checks import CheckItem, Checks
from productnet.annotation.state import LeafProgress
from productnet.annotation.workflow import Workflow
from productnet.database.database import Database
from productnet.errors import WorkflowError
from productnet.taxonomy.tree import Taxonomy

YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture
def workflow(database: Database, taxonomy: Taxonomy) -> Workflow:
    """Ann and Bob agree on p0 to p9 in mugs, half positive, and on p10 to p14 in cups."""
    products = {f"p{number}" for number in range(100)}
    made = Workflow(DecisionLog(database), taxonomy, products)
    for number in range(15):
        leaf = "mugs" if number < 10 else "cups"
        verdict = NO if number % 2 and number < 10 else YES
        made.label(
            f"p{number}", leaf, verdict=verdict, annotator="ann", source="keyword", score=0.5
        )
        made.audit(f"p{number}", leaf, verdict=verdict, annotator="bob")
    return made


@pytest.fixture
def checks(database: Database) -> Checks:
    return Checks(database)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def chosen(
    checks: Checks,
    workflow: Workflow,
    person: str = "cy",
    *,
    page: int = 6,
    seed: int = 0,
    exclude: Sequence[str] = (),
) -> list[CheckItem]:
    return checks.choose(
        "mugs",
        person,
        page=page,
        share=1.0,
        state=workflow.log.state(),
        siblings=("cups", "bowls"),
        exclude=exclude,
        rng=rng(seed),
    )


def test_what_is_certain_is_shown_again_yes_and_no_by_turns(
    checks: Checks, workflow: Workflow
) -> None:
    items = chosen(checks, workflow)
    assert sorted(item.expected for item in items) == [NO, NO, NO, YES, YES, YES]
    truth = {f"p{n}": YES if n in range(0, 10, 2) else NO for n in range(15)}
    assert all(truth[item.product] is item.expected for item in items)
    assert checks.waiting("mugs", "cy") == {item.product for item in items}


def test_what_was_left_unanswered_is_asked_again(checks: Checks, workflow: Workflow) -> None:
    items = {item.product: item.expected for item in chosen(checks, workflow)}
    # The page was lost; another shows the same ones, less what is on screen.
    again = {item.product for item in chosen(checks, workflow, seed=1)}
    assert again == items.keys()
    first, second, *others = items
    workflow.label(first, "mugs", verdict=items[first], annotator="cy")
    more = chosen(checks, workflow, page=20, exclude=[second])
    assert {item.product for item in more} == {f"p{n}" for n in range(15)} - {first, second}
    assert {item.product for item in more[:4]} == set(others)
    assert checks.waiting("mugs", "cy") == {f"p{n}" for n in range(15)} - {first}


def test_more_are_drawn_where_few_can_be_asked_and_none_comes_twice(
    checks: Checks, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_module, "_DRAWN", (1, 60))
    for seed in range(3):
        items = chosen(checks, workflow, page=8, seed=seed)
        assert len({item.product for item in items}) == len(items) == 8


def test_never_a_product_the_person_answered(checks: Checks, workflow: Workflow) -> None:
    assert not chosen(checks, workflow, "ann")
    assert not chosen(checks, workflow, "bob")
    workflow.label("p0", "bowls", verdict=NO, annotator="cy")
    assert "p0" not in {item.product for item in chosen(checks, workflow, page=50)}


def test_the_share_is_kept_in_the_mean_and_the_seed_decides(
    checks: Checks, workflow: Workflow
) -> None:
    def drawn(person: str, seed: int) -> list[CheckItem]:
        state = workflow.log.state()
        return checks.choose("mugs", person, page=20, share=0.05, state=state, rng=rng(seed))

    counts = [len(drawn(f"person{seed}", seed)) for seed in range(200)]
    assert 0.8 < np.mean(counts) < 1.2
    assert drawn("dee", 7) == drawn("eve", 7)


def test_an_answer_leaves_no_trace_in_the_log(checks: Checks, workflow: Workflow) -> None:
    items = {item.product: item.expected for item in chosen(checks, workflow)}
    before, gold = list(workflow.log.since()), workflow.log.state().gold_labels()
    first, *others = items
    wrong = NO if items[first] is YES else YES
    said = workflow.label(first, "mugs", verdict=wrong, annotator="cy", seconds=2.0)
    assert workflow.record(said) == 0
    page = [
        decide(Role.LABEL, product, "mugs", verdict=items[product], annotator="cy")
        for product in others[:3]
    ] + [decide(Role.LABEL, "p50", "mugs", verdict=YES, annotator="cy")]
    outcomes = workflow.record_each(page)
    assert [outcome.status for outcome in outcomes] == [Status.RECORDED] * 4
    assert workflow.record(*page) == 0
    assert list(workflow.log.since()) == [*before, (before[-1][0] + 1, page[-1])]
    assert workflow.log.state().gold_labels() == gold
    assert checks.answers("mugs", "cy") == {one.product: one.verdict for one in [said, *page[:3]]}
    assert checks.waiting("mugs", "cy") == set(others[3:])
    (result,) = checks.results(workflow.log.state())
    assert (result.person, result.accuracy.hits, result.accuracy.of) == ("cy", 3, 4)
    assert result.accuracy.low < 0.75 < result.accuracy.high


def test_what_it_is_told_is_what_any_candidate_is_told(checks: Checks, workflow: Workflow) -> None:
    item = chosen(checks, workflow)[0].product
    texts = []
    for product in (item, "p50"):
        said = workflow.label(product, "mugs", verdict=YES, annotator="cy")
        heard = [str(refusal(workflow, product, "cy"))]
        with pytest.raises(WorkflowError) as other_content:
            workflow.record(replace(said, verdict=NO))
        heard.append(str(other_content.value).replace(str(said.id), "ID"))
        with pytest.raises(WorkflowError) as not_theirs:
            workflow.undo(said.id, annotator="dee")
        heard.append(str(not_theirs.value).replace(str(said.id), "ID"))
        undo = workflow.undo(said.id, annotator="cy")
        assert workflow.record(undo) == 0
        with pytest.raises(WorkflowError) as twice:
            workflow.undo(said.id, annotator="cy")
        heard.append(str(twice.value).replace(str(said.id), "ID"))
        with pytest.raises(WorkflowError, match="cannot be undone"):
            workflow.undo(undo.id, annotator="cy")
        workflow.label(product, "mugs", verdict=UNSURE, annotator="cy")
        workflow.label(product, "mugs", verdict=NO, annotator="cy")
        texts.append([line.replace(f'"{product}"', "PRODUCT") for line in heard])
    assert texts[0] == texts[1]
    assert checks.answers("mugs", "cy") == {item: NO}


def refusal(workflow: Workflow, product: str, person: str) -> WorkflowError:
    with pytest.raises(WorkflowError) as refused:
        workflow.label(product, "mugs", verdict=YES, annotator=person)
    return refused.value


def test_counts_are_told_with_answers_to_checks_given_anywhere_and_without_leaves_one_audits(
    checks: Checks, workflow: Workflow, database: Database, database_url: str
) -> None:
    item = chosen(checks, workflow)[0]
    with Database.open(database_url) as elsewhere:
        there = Beside(elsewhere, Leases(elsewhere, lifetime=timedelta(minutes=5)))
        assert there.of("cy") == (set(), {})
        held = Leases(database, lifetime=timedelta(minutes=5))
        here = Beside(database, held)
        assert here.of("cy") == (set(), {})
        answer = workflow.label(item.product, "mugs", verdict=NO, annotator="cy", seconds=2.0)
        held.take("cups", Task.AUDIT, "cy")
        held.take("mugs", Task.LABEL, "cy")
        told = LeafProgress(labelled_negative=1, decisions=1, seconds=2.0)
        assert here.of("cy") == there.of("cy") == ({"cups"}, {"mugs": told})
        assert there.of("dan") == (set(), {})
        workflow.undo(answer.id, annotator="cy")
        held.release("cups", Task.AUDIT, "cy")
        taken_back = LeafProgress(decisions=1, seconds=2.0)
        assert here.of("cy") == there.of("cy") == (set(), {"mugs": taken_back})


def test_an_answer_taken_back_does_not_count(checks: Checks, workflow: Workflow) -> None:
    item = chosen(checks, workflow)[0]
    slip = workflow.label(item.product, "mugs", verdict=UNSURE, annotator="cy")
    (result,) = checks.results(workflow.log.state())
    assert (result.unsure, result.accuracy.of) == (1, 0)
    workflow.undo(slip.id, annotator="cy")
    assert not checks.results(workflow.log.state())
    assert item.product in checks.waiting("mugs", "cy")


def test_an_item_in_doubt_is_a_candidate_again_and_measures_nobody(
    checks: Checks, workflow: Workflow
) -> None:
    product = next(
        item.product for item in chosen(checks, workflow, page=50) if item.expected is YES
    )
    workflow.label(product, "mugs", verdict=NO, annotator="cy")
    assert checks.results(workflow.log.state())[0].accuracy.of == 1
    audit = next(one for one in workflow.standing([product])[product] if one.role is Role.AUDIT)
    workflow.undo(audit.id, annotator="bob")
    assert not checks.results(workflow.log.state())
    label = workflow.standing([product])[product][0]
    workflow.undo(label.id, annotator="ann")
    # Cy has answered, so is refused as before; Dee never was planted anything.
    assert "by cy" in str(refusal(workflow, product, "cy"))
    workflow.label(product, "mugs", verdict=YES, annotator="dee")
    assert product in workflow.log.state().positives("mugs")


def test_an_unanswered_item_whose_answer_is_lost_takes_a_label(
    checks: Checks, workflow: Workflow
) -> None:
    product = next(
        item.product for item in chosen(checks, workflow, page=50) if item.expected is YES
    )
    for said in reversed(workflow.standing([product])[product]):
        workflow.undo(said.id, annotator=said.annotator)
    workflow.label(product, "mugs", verdict=YES, annotator="cy")
    assert product in workflow.log.state().positives("mugs")
    assert not checks.answers("mugs", "cy")


def test_a_page_refused_takes_its_check_answers_back(checks: Checks, workflow: Workflow) -> None:
    item = chosen(checks, workflow)[0].product
    page = [
        decide(Role.LABEL, product, "mugs", verdict=YES, annotator="cy")
        for product in (item, "p50", "p50")
    ]
    with pytest.raises(WorkflowError, match="has a label already"):
        workflow.record(*page)
    assert not checks.answers("mugs", "cy")
    assert workflow.record(*page[:2]) == 2
    assert checks.answers("mugs", "cy") == {item: YES}


def test_audits_of_a_planted_product_are_audits(checks: Checks, workflow: Workflow) -> None:
    workflow.label("p50", "mugs", verdict=YES, annotator="ann")
    chosen(checks, workflow, "dee", page=50)
    audit = decide(Role.AUDIT, "p50", "mugs", verdict=YES, annotator="dee", id=uuid4())
    assert workflow.record(audit) == 1
    assert "p50" in workflow.log.state().gold("mugs")


@pytest.mark.parametrize("table", ["check_items", "check_answers"])
def test_the_database_refuses_to_forget(
    checks: Checks, workflow: Workflow, database: Database, table: str
) -> None:
    item = chosen(checks, workflow)[0].product
    workflow.label(item, "mugs", verdict=YES, annotator="cy")
    with pytest.raises(DBAPIError, match="appended, never changed"), database.engine.begin() as raw:
        raw.execute(text(f"DELETE FROM {table}"))
