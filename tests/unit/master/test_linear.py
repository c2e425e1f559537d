"""The linear member: a linear SVM on all words, as one member of the network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC
from torch.nn import functional as F  # noqa: N812

from productnet.errors import TrainingError
from productnet.master import linear_fit
from productnet.master.batching import Examples, Prepared
from productnet.master.checkpoints import fingerprint
from productnet.master.fields.columns import Vectors
from productnet.master.fields.frozen import Frozen
from productnet.master.fields.tfidf import Tfidf
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Input, Preset
from productnet.master.solved import Jury, solve_members

CLASSES, WORDS = 4, 60
ALONE = replace(PRESETS["fast"], hidden=8, kernel=0.0, linear=1.0)


def gold(count: int = 100, *, classes: int = CLASSES) -> Examples:
    """Products whose class makes some words likelier, one of them without text."""
    rng = np.random.default_rng(0)
    truth = rng.permutation(count) % classes
    chances = rng.random((classes, WORDS)) ** 4
    words = (rng.random((count, WORDS)) < chances[truth]) * rng.random((count, WORDS))
    words[0] = 0
    values = torch.from_numpy(words[:, :3]).float()
    column = Vectors(values, np.any(words, axis=1), csr_matrix(words.astype(np.float32)))
    return Examples.all_of(Prepared({"text": column}, count), truth)


def network(
    preset: Preset = ALONE, *, dimension: int = 16, abstains: bool = False
) -> MasterNetwork:
    torch.manual_seed(0)
    encoders = {"text": Tfidf(features=3, width=3, word_count=WORDS)}
    return MasterNetwork(
        encoders, preset, dimension=dimension, classes=CLASSES, abstains=abstains
    ).eval()


def solved(
    preset: Preset = ALONE, examples: Examples | None = None, **settings: bool
) -> MasterNetwork:
    made = network(preset, **settings)
    solve_members(made, examples or gold(), preset)
    return made


def said(of: MasterNetwork, examples: Examples) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = of(examples.data.batch(examples.rows))
    return logits


def test_its_logits_are_those_of_a_linear_svm_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_fit, "_TOLERANCE", 1e-6)
    examples = gold()
    column = examples.data.columns["text"]
    assert isinstance(column, Vectors)
    assert column.words is not None
    svm = LinearSVC(C=1.0, tol=1e-6).fit(column.words, examples.classes)
    expected = torch.from_numpy(svm.decision_function(column.words)).float()
    expected -= expected.mean(dim=1, keepdim=True)
    # Sharpened by one number.
    logits = said(solved(), examples)
    ratio = float((logits * expected).sum() / expected.square().sum())
    assert (logits / ratio - expected).abs().max() < 0.01
    assert ratio == pytest.approx(linear_fit._SHARPNESS, rel=0.01)


def test_the_ensemble_is_the_weighted_mean_and_linear_in_the_embedding() -> None:
    examples = gold()
    parts = {"linear": ALONE, "kernel": replace(ALONE, kernel=1.0, linear=0.0)}
    alone = {name: said(solved(preset), examples) for name, preset in parts.items()}
    trained = said(network(), examples)
    both = solved(replace(ALONE, kernel=0.2, linear=0.5))
    expected = 0.5 * alone["linear"] + 0.2 * alone["kernel"] + 0.3 * trained
    torch.testing.assert_close(said(both, examples), expected, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        embedded = both.embed(examples.data.batch(examples.rows))
    equation_1 = F.linear(embedded, both.classify.weight, both.classify.bias)
    torch.testing.assert_close(said(both, examples), equation_1)


def test_held_out_products_find_the_shares() -> None:
    examples, held_out = gold(), gold(60)
    preset = replace(ALONE, kernel=0.2, linear=0.5)
    judged = network(preset)
    # What the linear SVM says is right, and what all others say is wrong.
    truth = said(solved(), held_out).argmax(dim=1).numpy()
    jury = Jury(truth, lambda: said(judged, held_out).numpy())
    solve_members(judged, examples, preset, jury=jury)
    kernel, linear = judged.shares.tolist()
    assert linear > 0.5
    assert 0 < kernel < linear
    # It says what one with these shares says that nobody judged.
    told = solved(replace(ALONE, kernel=kernel, linear=linear))
    torch.testing.assert_close(said(judged, examples), said(told, examples), rtol=1e-3, atol=1e-3)


def test_its_part_of_the_embedding_has_the_distances_of_its_logits() -> None:
    examples, of = gold(), solved()
    with torch.inference_mode():
        part = of.embed(examples.data.batch(examples.rows))[:, -of.solved_width :]
    logits = said(of, examples)
    torch.testing.assert_close(
        torch.cdist(part, part), torch.cdist(logits, logits), rtol=1e-2, atol=1e-2
    )


def test_products_of_no_category_push_all_logits_below_that_of_none() -> None:
    examples = gold(200, classes=CLASSES + 1)
    found = said(solved(examples=examples, abstains=True), examples).argmax(dim=1).numpy()
    none = examples.classes == CLASSES
    assert (found[none] == CLASSES).mean() > 0.7
    assert (found[~none] == examples.classes[~none]).mean() > 0.7


def test_a_class_that_no_product_has_is_never_said() -> None:
    examples = gold()
    without = examples.take(np.flatnonzero(examples.classes > 0))
    assert (said(solved(examples=without), without).argmax(dim=1) > 0).all()


def test_a_solved_network_can_be_loaded_into_a_new_one_and_forgotten() -> None:
    examples, of = gold(), solved()
    fresh = network()
    first = {name: one.clone() for name, one in fresh.state_dict().items()}
    before = said(fresh, examples)
    fresh.load_state_dict(of.state_dict())
    torch.testing.assert_close(said(fresh, examples), said(of, examples))
    fresh.load_state_dict(first)
    torch.testing.assert_close(said(fresh, examples), before)


def test_beyond_its_work_the_others_have_its_share_and_words_are_not_kept() -> None:
    preset = replace(PRESETS["fast"], kernel=0.2, linear=0.5, linear_work=400)
    assert preset.within_work(50, 4, trainings=2) is preset
    without = preset.within_work(51, 4, trainings=2)
    assert (without.kernel, without.linear) == (0.4, 0)
    assert [one.options.get("words") for one in preset.inputs] == [None, None, True]
    assert not any("words" in one.options for one in without.inputs)
    alone = replace(preset, kernel=0.0, linear=1.0).within_work(51, 4, trainings=2)
    assert not alone.solves


@pytest.mark.parametrize("count", [1, 5, 100])
def test_until_it_is_solved_it_says_nothing(count: int) -> None:
    of = network()
    assert of.linear is not None
    batch = gold().data.batch(np.arange(count))
    with torch.inference_mode():
        part = of.linear(of.encode(batch), batch.present, batch.inputs["text"][1:])
    assert torch.equal(part, torch.zeros(count, of.solved_width))


def test_many_categories_are_fitted_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_fit, "_TOLERANCE", 1e-6)
    together = said(solved(), gold())
    monkeypatch.setattr(linear_fit, "_AT_ONCE", 3)
    torch.testing.assert_close(said(solved(), gold()), together, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("weight", [0.25, 0.0])
def test_two_categories_are_parted_by_one_line(weight: float) -> None:
    # Classes 2 and 3 are what belongs to none of two categories.
    examples = gold()
    targets = examples.classes.clip(max=2)
    preset = replace(ALONE, rejected_weight=weight)
    torch.manual_seed(0)
    encoders = {"text": Tfidf(features=3, width=3, word_count=WORDS)}
    of = MasterNetwork(encoders, preset, dimension=8, classes=2, abstains=True).eval()
    solve_members(of, Examples.all_of(examples.data, targets), preset)
    known = targets < 2
    found = said(of, examples)[:, :2].argmax(dim=1).numpy()
    assert (found == targets)[known].mean() > 0.9


def test_other_fields_weigh_beside_the_words() -> None:
    examples = gold()
    truth = torch.from_numpy(examples.classes)
    pictures = Vectors(F.one_hot(truth, 5).float(), np.ones(100, dtype=bool))
    told = Prepared({**examples.data.columns, "image": pictures}, 100)
    torch.manual_seed(0)
    encoders = {
        "text": Tfidf(features=3, width=3, word_count=WORDS),
        "image": Frozen(encoder="b", dimension=5, scale=1.0),
    }
    of = MasterNetwork(encoders, ALONE, dimension=16, classes=CLASSES, weights={"text": 2.0})
    assert of.linear is not None
    assert of.linear.weight.tolist() == [0, 0.5]
    solve_members(of, Examples.all_of(told, examples.classes), ALONE)
    none = csr_matrix((100, WORDS), dtype=np.float32)
    silent = Vectors(torch.zeros(100, 3), np.zeros(100, dtype=bool), none)
    asked = Prepared({"text": silent, "image": pictures}, 100)
    found = said(of, Examples.all_of(asked, examples.classes)).argmax(dim=1)
    # Without words they would all be of one class.
    assert (found == truth).float().mean() > 0.7


def test_it_needs_an_input_that_keeps_its_words() -> None:
    without = MasterNetwork(
        {"text": Tfidf(features=3, width=3)}, ALONE, dimension=16, classes=CLASSES
    )
    assert without.linear is None
    assert without.solved_width == 0


def test_shares_of_more_than_all_are_refused() -> None:
    with pytest.raises(
        TrainingError, match=r"kernel is 0\.4 and linear 0\.7; they are shares, 0 to 1 in all"
    ):
        replace(PRESETS["best"], kernel=0.4, linear=0.7)
    assert replace(PRESETS["best"], kernel=0.9, linear=0.1).solves


def test_words_tell_one_training_from_another() -> None:
    told = []
    for word in (0, 1):
        words = csr_matrix(np.eye(1, WORDS, word, dtype=np.float32))
        column = Vectors(torch.zeros(1, 3), np.ones(1, dtype=bool), words)
        told.append(fingerprint({}, ["1"], [], [Prepared({"text": column}, 1)], {}))
    assert told[0] != told[1]


def test_an_input_that_weighs_nothing_is_refused() -> None:
    with pytest.raises(TrainingError, match="tfidf weighs 0"):
        Input(("title",), "tfidf", weight=0.0)
