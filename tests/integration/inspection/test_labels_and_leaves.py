"""Planted errors of labels and leaves are told of, with advice; a clean shop is left in peace."""

import shutil
from collections import Counter
from pathlib import Path
from uuid import uuid4

import numpy as np

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.duplicate_reviews import DuplicateReviews
from productnet.database.database import Database
from productnet.embeddings.near_duplicates import FORMAT_VERSION, NearDuplicates
from productnet.inspection.flaws import Action, Severity
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.subject import Subject
from productnet.progress import SILENT
from productnet.settings import Project, Settings
from tests.integration.inspection.conftest import Find, gold

Shop = tuple[Project, dict[str, str]]


def by_size(truth: dict[str, str]) -> list[str]:
    """The leaves, the largest first."""
    return [leaf for leaf, _ in Counter(truth.values()).most_common()]


def flipped(truth: dict[str, str], *, share: float = 0.05, seed: int = 0) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    leaves = sorted(set(truth.values()))
    wrong = rng.choice(sorted(truth), round(share * len(truth)), replace=False).tolist()
    return {p: str(rng.choice([leaf for leaf in leaves if leaf != truth[p]])) for p in wrong}


def test_flipped_labels_are_told_of_leaf_by_leaf(shop: Shop, find: Find) -> None:
    _, truth = shop
    wrong = flipped(truth)
    flaws = find("labels", truth | wrong)
    told = {product for flaw in flaws for product in flaw.products}
    # Most leaves here are siblings, and a text does not tell each of them apart.
    assert len(told & wrong.keys()) >= 0.7 * len(wrong)
    assert len(told - wrong.keys()) <= 0.3 * len(wrong)
    assert all(flaw.action is Action.LOOK_AGAIN for flaw in flaws)
    for flaw in flaws:
        assert all((truth | wrong)[product] == flaw.leaves[0] for product in flaw.products)
    # The leaf with the most comes first, and its true leaves are named.
    assert [flaw.count for flaw in flaws] == sorted((flaw.count for flaw in flaws), reverse=True)
    assert sum(flaw.count for flaw in find("labels", truth)) <= 0.01 * len(truth)


def test_suspects_hold_the_flipped_in_their_first_tenth(shop: Shop) -> None:
    project, truth = shop
    for seed in range(3):
        wrong = flipped(truth, seed=seed)
        judged = Subject(project, state=gold(truth | wrong)).judged
        assert judged is not None
        first = [one.product for one in judged.suspects()[: round(len(truth) / 10)]]
        assert len(set(first) & wrong.keys()) >= 0.9 * len(wrong)


def test_copies_cannot_vouch_for_one_another(shop: Shop) -> None:
    """Two copies with one wrong label are both doubted where they lie in one part."""
    project, truth = shop
    ids = sorted(truth)
    copies = {product: place for place, product in enumerate(ids)}
    subject = Subject(project, state=gold(truth))
    vars(subject)["copies"] = copies | {ids[1]: 0}
    judged = subject.judged
    assert judged is not None
    assert len(judged.products) == len(truth)


def test_a_leaf_cut_in_two_by_chance_is_told_of_as_confusable(shop: Shop, find: Find) -> None:
    _, truth = shop
    one, donor = by_size(truth)[:2]
    rng = np.random.default_rng(0)
    cut = {
        product: donor if leaf == one and rng.random() < 0.5 else leaf
        for product, leaf in truth.items()
        if leaf != donor
    }
    [flaw] = find("siblings", cut)
    assert set(flaw.leaves) == {one, donor}
    assert flaw.action is Action.MERGE
    assert 0 < flaw.numbers["low"] <= flaw.numbers["share"] <= flaw.numbers["high"] <= 1
    assert flaw.numbers["neighbours_agree"] > 0.3 * flaw.count
    assert "Merge" in flaw.advice or "merge" in flaw.advice
    assert {truth[product] for product in flaw.products} == {one}
    assert not find("siblings", truth)


def test_a_handful_of_confusions_proves_nothing(shop: Shop, find: Find) -> None:
    _, truth = shop
    one, other = sorted(set(truth.values()))[:2]
    slips = [product for product, leaf in truth.items() if leaf == one][:2]
    assert not find("siblings", truth | dict.fromkeys(slips, other))


def test_two_leaves_in_one_are_told_of_as_wide(shop: Shop, find: Find) -> None:
    _, truth = shop
    one, *others = by_size(truth)
    far = next(leaf for leaf in others if leaf.split("/")[0] != one.split("/")[0])
    merged = {product: one if leaf == far else leaf for product, leaf in truth.items()}
    flaw = find("wide", merged)[0]
    assert flaw.leaves == (one,)
    assert flaw.action is Action.SPLIT
    # The products of one half come first.
    half = flaw.products[: round(flaw.count - flaw.numbers["smaller"])]
    assert max(Counter(truth[product] for product in half).values()) >= 0.9 * len(half)
    # Of a dozen leaves that nobody merged, one at most is told of.
    clean = find("wide", truth)
    assert len(clean) <= 1
    assert all(flaw.leaves != (one,) for flaw in clean)


def test_thin_leaves_come_one_by_one_and_those_below_the_target_together(
    shop: Shop, find: Find
) -> None:
    _, truth = shop
    leaves = sorted(set(truth.values()))
    few = [product for product, leaf in truth.items() if leaf == leaves[0]][:4]
    labels = {product: leaf for product, leaf in truth.items() if leaf != leaves[0]}
    thin, *rest = find("thin", labels | dict.fromkeys(few, leaves[0]))
    assert (thin.leaves, thin.severity) == ((leaves[0],), Severity.WARNING)
    assert "has 4 gold products of the 60 wanted" in thin.seen
    assert {flaw.kind for flaw in rest} <= {"below the target", "no gold"}
    assert not find("thin", {})


def test_near_duplicates_answered_differently_are_an_error_until_told_apart(
    shop: Shop, find: Find, tmp_path: Path
) -> None:
    project = Project.open(Path(shutil.copytree(shop[0].root, tmp_path / "shop")))
    truth = shop[1]
    one, other = by_size(truth)[:2]
    copies = [next(p for p, leaf in truth.items() if leaf == want) for want in (one, other)]
    stamp = {"format_version": FORMAT_VERSION}
    NearDuplicates.write(project.near_duplicates_path / "groups", [copies], stamp=stamp)
    [flaw] = find("copies", truth, project=project)
    assert (flaw.severity, set(flaw.leaves)) == (Severity.ERROR, {one, other})
    assert set(flaw.products) == set(copies)
    with Database.open(project.database_url) as database:
        DuplicateReviews(database).record(uuid4(), copies, apart=copies, person="ann")
    assert not find("copies", truth, project=project)


def test_a_yes_and_a_no_for_near_duplicates_are_an_error(shop: Shop, tmp_path: Path) -> None:
    project = Project.open(Path(shutil.copytree(shop[0].root, tmp_path / "shop")))
    leaf = by_size(shop[1])[0]
    copies = [product for product, of in shop[1].items() if of == leaf][:2]
    stamp = {"format_version": FORMAT_VERSION}
    NearDuplicates.write(project.near_duplicates_path / "groups", [copies], stamp=stamp)
    state = gold({copies[0]: leaf})
    no = decide(Role.LABEL, copies[1], leaf, verdict=Verdict.NEGATIVE, annotator="ann")
    state.apply([(2, no)])
    [flaw] = INSPECTIONS["copies"](Subject(project, state=state), SILENT)
    assert flaw.kind == "near-duplicates with yes and no"
    assert flaw.numbers == {"yes": 1, "no": 1}


def test_too_little_gold_finds_nothing(shop: Shop, find: Find) -> None:
    for name in ("labels", "siblings", "narrow", "wide", "copies"):
        assert not find(name, {})


def test_thresholds_are_settings(shop: Shop, find: Find) -> None:
    project, truth = shop
    wrong = flipped(truth)
    strict = Project(project.root, Settings.model_validate({"inspection": {"suspected": 0.999}}))
    all_told = find("labels", truth | wrong)
    sure = find("labels", truth | wrong, project=strict)
    assert sum(flaw.count for flaw in sure) < sum(flaw.count for flaw in all_told)
