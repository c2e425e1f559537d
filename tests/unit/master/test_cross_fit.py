"""Calibration on gold judged out of its fold, with encoders that need no weights."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from productnet.errors import ModelError, TrainingError, UsageError
from productnet.master import solved
from productnet.master.classes import deal_folds, stratified_holdout
from productnet.master.copies import number_groups
from productnet.master.cross_fit import folds_for, trainings_for
from productnet.master.model import MasterModel
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Input
from productnet.master.products import Products
from productnet.master.solution import Solution, combine

WORDS = replace(
    PRESETS["fast"],
    inputs=(Input(("title",), "tfidf", {"width": 16}),),
    hidden=16,
    epochs=6,
    min_steps=30,
    batch_size=32,
    dropout=0.1,
)
KINDS = ("mugs", "cups", "lamps", "chairs", "kites", "tents", "pens")


def shop(count: int, *, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> pa.Table:
    """Products whose title mostly tells their kind: a fifth are named after the next kind too."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        other = kinds[(number + 1) % len(kinds)] if rng.random() < 0.2 else kind
        words = [f"{rng.choice(['red', 'big', 'old'])}", kind, other, f"no{number} seed{seed}"]
        rows.append({"id": f"p{number}", "title": " ".join(words), "kind": kind})
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def model() -> MasterModel:
    return MasterModel(WORDS, dimension=8).fit(shop(210), "kind", folds=3)


def test_every_product_is_judged_once_by_a_network_that_had_not_seen_it(model: MasterModel) -> None:
    held_out = model.certainty.held_out
    assert len(held_out) == 210
    assert held_out.folds == 3
    assert np.bincount(held_out.truth).tolist() == [30] * 7
    assert np.bincount(held_out.unknown_leaf).tolist() == [30] * 7
    assert len(model.history) > 0
    # What it was taught looks more known than leaves that were hidden.
    assert np.median(held_out.known) > np.median(held_out.unknown)


@pytest.mark.parametrize(("folds", "patience"), [(1, None), (3, None), (3, 3)])
def test_the_shares_are_found_once_and_kept_by_whatever_is_trained_afterwards(
    monkeypatch: pytest.MonkeyPatch, folds: int, patience: int | None
) -> None:
    asked: list[int] = []
    combined: list[list[float]] = []

    def found(
        opinions: list[np.ndarray], classes: np.ndarray, prior: list[float], *, weights: np.ndarray
    ) -> list[float]:
        assert weights.tolist() == [1.0] * len(classes)
        asked.append(len(classes))
        assert len(opinions) == len(prior) == 3
        return [0.2, 0.7, 0.1]

    def spied(network: MasterNetwork, members: list[tuple[float, Solution]]) -> None:
        combined.append([share for share, _ in members])
        combine(network, members)

    monkeypatch.setattr(solved, "stacked_shares", found)
    monkeypatch.setattr(solved, "combine", spied)
    inputs = (Input(("title",), "tfidf", {"width": 16, "words": True}),)
    words = replace(WORDS, inputs=inputs, patience=patience, refit=patience is None)
    model = MasterModel(words, dimension=8).fit(shop(210), "kind", folds=folds)
    assert asked == [21]
    # Each member alone, for the jury; then fit, what judges gold, and refit.
    assert combined[:2] == [[1.0], [1.0]]
    trainings = 1 + (patience is None) + (folds + 3 if folds > 1 else 0)
    assert combined[2:] == [pytest.approx([0.7, 0.1])] * trainings
    assert trainings <= trainings_for(folds)
    assert patience or trainings == trainings_for(folds)
    assert "kernel machine 0.70, linear SVM 0.10" in model.model_card()


def test_a_share_is_judged_without_folds_and_nobody_knows_the_unknown() -> None:
    model = MasterModel(WORDS, dimension=8).fit(shop(210), "kind")
    assert 0 < len(model.certainty.held_out) < 40
    assert model.certainty.held_out.unknown == ()
    with pytest.raises(ModelError, match="cannot tell unknown products"):
        model.decide(shop(7), precision=0.9, false_accept=0.1)


def test_products_given_to_calibrate_by_are_used_unless_gold_is_judged_in_folds() -> None:
    given = (shop(70, seed=3), "kind")
    for folds, judged in ((1, 70), (2, 140)):
        model = MasterModel(WORDS, dimension=8)
        model.fit(shop(140), "kind", validation=given, folds=folds)
        assert len(model.certainty.held_out) == judged


def test_same_seed_same_promises(model: MasterModel) -> None:
    again = MasterModel(WORDS, dimension=8).fit(shop(210), "kind", folds=3)
    assert again.certainty.held_out == model.certainty.held_out
    np.testing.assert_array_equal(again.encode(shop(7)), model.encode(shop(7)))


def test_the_weights_do_not_depend_on_how_calibration_was_learnt(model: MasterModel) -> None:
    other = MasterModel(WORDS, dimension=8).fit(shop(210), "kind")
    np.testing.assert_array_equal(other.encode(shop(7)), model.encode(shop(7)))


def test_only_what_is_sure_enough_gets_a_category(model: MasterModel) -> None:
    table = shop(140, seed=4)
    decided = model.decide(table, precision=0.9)
    assert decided.ids == table["id"].to_pylist()
    assert 0 < decided.coverage <= 1
    pairs = zip(decided.categories, decided.likeliest, strict=True)
    assert all(category in (None, likeliest) for category, likeliest in pairs)
    assert model.predict(table, precision=0.9) == decided.categories
    assert model.predict(table) == decided.likeliest
    rows = decided.table()
    assert rows.column_names == ["product", "category", "likeliest", "confidence"]
    assert rows["category"].null_count == sum(one is None for one in decided.categories)
    assert model.decide(table.slice(0, 0), precision=0.9).coverage == 0.0


def test_products_of_no_category_are_mostly_left_out(model: MasterModel) -> None:
    strange = shop(100, seed=9, kinds=("spades", "boots", "dolls"))
    known = shop(140, seed=4)
    careful = {
        name: model.decide(table, precision=0.5, false_accept=0.2).coverage
        for name, table in (("strange", strange), ("known", known))
    }
    assert careful["strange"] < 0.3 < careful["known"]


@pytest.mark.parametrize("kind", ["lac", "aps", "raps"])
def test_sets_hold_the_truth_as_promised(model: MasterModel, kind: str) -> None:
    table = shop(350, seed=5)
    sets = model.category_sets(table, coverage=0.9, kind=kind)
    held = np.mean(
        [truth in one for truth, one in zip(table["kind"].to_pylist(), sets, strict=True)]
    )
    assert held > 0.84
    assert model.category_sets(table.slice(0, 0)) == []


def test_copies_are_held_out_together_and_count_once() -> None:
    copies = pa.concat_tables([shop(140), shop(140)])
    copies = copies.set_column(0, "id", pa.array([f"c{n}" for n in range(280)]))
    by_title = MasterModel(WORDS, dimension=8).fit(copies, "kind", folds=2)
    assert len(by_title.certainty.held_out) == 140
    alone: dict[str, str] = {}
    every = MasterModel(WORDS, dimension=8).fit(copies, "kind", folds=2, groups=alone)
    assert len(every.certainty.held_out) == 280
    # Judged beside its own copy, a product is no test.
    assert every.certainty.held_out.correct.mean() >= by_title.certainty.held_out.correct.mean()


def test_a_model_that_held_nothing_out_promises_nothing() -> None:
    table = shop(7)
    model = MasterModel(replace(WORDS, validation_share=0.0), dimension=4).fit(table, "kind")
    assert not model.is_calibrated
    with pytest.raises(ModelError, match="can promise nothing"):
        model.predict(table, precision=0.9)


def test_mistakes_are_named(model: MasterModel) -> None:
    with pytest.raises(UsageError, match=r"A wanted precision.*not 95"):
        model.predict(shop(7), precision=95)
    with pytest.raises(UsageError, match="The false-accept rate is a share"):
        model.decide(shop(7), precision=0.9, false_accept=0)
    with pytest.raises(TrainingError, match="folds is 0"):
        MasterModel(WORDS).fit(shop(14), "kind", folds=0)


def test_products_of_one_title_or_one_key_share_a_number() -> None:
    ids = pa.array(["a", "b", "c", "d", "e"])
    titles = pa.table({"title": ["Red mug", "mug, red", None, None, "lamp"]})
    products = Products(ids, titles, None)
    assert number_groups(products, None).tolist() == [0, 0, 1, 2, 3]
    assert number_groups(products, {"a": "e", "d": "e"}).tolist() == [0, 1, 2, 0, 3]


def test_folds_keep_groups_together_and_every_class_in_training() -> None:
    rng = np.random.default_rng(0)
    classes, groups = rng.integers(0, 9, 400), rng.integers(0, 150, 400)
    for held_out in (
        [stratified_holdout(classes, share=0.3, rng=rng, groups=groups)],
        [
            np.flatnonzero(deal_folds(classes, folds=4, rng=rng, groups=groups) == fold)
            for fold in range(4)
        ],
    ):
        for rows in held_out:
            left = np.setdiff1d(np.arange(400), rows)
            assert len(rows) > 50
            assert not set(groups[rows]) & set(groups[left])
            assert set(classes[left]) == set(range(9))


def test_a_class_that_is_one_group_is_never_held_out() -> None:
    classes, groups = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 4, 4, 3])
    fold_of = deal_folds(classes, folds=3, rng=np.random.default_rng(0), groups=groups)
    assert (fold_of[3:] == -1).all()
    assert sorted(fold_of[:2].tolist()) != [-1, -1]


def test_quick_presets_judge_all_of_a_little_gold() -> None:
    assert folds_for(PRESETS["fast"], 10_000) == 5
    assert folds_for(PRESETS["fast"], 10_001) == 1
    assert folds_for(PRESETS["paper"], 100) == 1
