"""The kernel member: solved rightly, and part of one linear classifier over one embedding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from productnet.errors import TrainingError
from productnet.master.batching import Examples, Prepared
from productnet.master.fields.columns import Vectors
from productnet.master.fields.frozen import Frozen
from productnet.master.kernel import curved
from productnet.master.kernel_fit import choose, one_vs_rest
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Preset
from productnet.master.solved import solve_members

CLASSES = 5
ALONE = replace(PRESETS["best"], members=2, hidden=8, kernel=1.0, linear=0.0, landmarks=500)


def gold(count: int = 120, *, classes: int = CLASSES) -> Examples:
    rng = np.random.default_rng(0)
    truth = rng.permutation(count) % classes
    columns = {}
    for name, width in (("title", 12), ("image", 8)):
        centres = rng.normal(size=(classes, width))
        values = centres[truth] + rng.normal(size=(count, width))
        present = rng.random(count) < 0.9
        values[~present] = 0
        columns[name] = Vectors(torch.from_numpy(values).float(), present)
    return Examples.all_of(Prepared(columns, count), truth)


def network(
    preset: Preset = ALONE, *, dimension: int = 20, abstains: bool = False
) -> MasterNetwork:
    torch.manual_seed(0)
    encoders = {
        "title": Frozen(encoder="a", dimension=12, scale=1.0),
        "image": Frozen(encoder="b", dimension=8, scale=1.0),
    }
    return MasterNetwork(
        encoders,
        preset,
        dimension=dimension,
        classes=CLASSES,
        weights={"title": 1.5},
        abstains=abstains,
    ).eval()


def fitted(
    preset: Preset = ALONE, examples: Examples | None = None, *, dimension: int = 20
) -> MasterNetwork:
    solved = network(preset, dimension=dimension)
    solve_members(solved, examples or gold(), preset)
    return solved


def said(of: MasterNetwork, examples: Examples) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = of(examples.data.batch(examples.rows))
    return logits


def centred(logits: torch.Tensor) -> torch.Tensor:
    return logits - logits.mean(dim=1, keepdim=True)


def test_its_logits_are_those_of_kernel_ridge_regression() -> None:
    examples, solved = gold(), fitted()
    assert solved.kernel is not None
    batch = examples.data.batch(examples.rows)
    joined = solved.kernel.joined(solved.encode(batch), batch.present)
    targets = one_vs_rest(torch.from_numpy(examples.classes), CLASSES)
    choice = choose(joined, targets, torch.ones(120), examples.classes)
    kernel = curved(joined @ joined.T, torch.tensor(choice.curvature)).double() + 0.15
    dual = torch.linalg.solve(kernel + choice.ridge * torch.eye(120), targets.double())
    expected = (kernel @ dual / choice.temperature).float()
    difference = centred(said(solved, examples)) - centred(expected)
    # Apart by the jitter on the landmarks' kernel alone.
    assert difference.abs().max() < 0.05 * centred(expected).abs().max()


def test_it_left_out_each_product_in_turn() -> None:
    examples = gold(40)
    joined = F.normalize(torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    targets = one_vs_rest(torch.from_numpy(examples.classes), CLASSES)
    choice = choose(joined, targets, torch.ones(40), examples.classes)
    kernel = curved(joined @ joined.T, torch.tensor(choice.curvature)).double() + 0.15
    scores = []
    for row in range(40):
        rest = np.setdiff1d(np.arange(40), [row])
        own = kernel[rest][:, rest] + choice.ridge * torch.eye(39)
        scores.append(kernel[row, rest] @ torch.linalg.solve(own, targets[rest].double()))
    likelihood = -F.cross_entropy(
        torch.stack(scores) / choice.temperature, torch.from_numpy(examples.classes)
    )
    for factor in (0.7, 1.4):
        other = -F.cross_entropy(
            torch.stack(scores) / (choice.temperature * factor),
            torch.from_numpy(examples.classes),
        )
        assert other < likelihood + 1e-3


def test_its_part_of_the_embedding_has_the_distances_of_its_logits() -> None:
    examples, solved = gold(), fitted()
    assert solved.kernel is not None
    assert solved.kernel.width == 10
    batch = examples.data.batch(examples.rows)
    with torch.inference_mode():
        part = solved.kernel(solved.encode(batch), batch.present)
    logits = said(solved, examples)
    torch.testing.assert_close(
        torch.cdist(part, part), torch.cdist(logits, logits), rtol=1e-2, atol=1e-2
    )


def test_a_narrow_embedding_has_its_best_approximation() -> None:
    examples = gold()
    exact, narrow = said(fitted(), examples), said(fitted(dimension=6), examples)
    right = torch.from_numpy(examples.classes)
    assert (exact.argmax(dim=1) == right).float().mean() > 0.95
    assert (narrow.argmax(dim=1) == right).float().mean() > 0.6
    assert not torch.allclose(exact, narrow, atol=1e-2)


def test_the_ensemble_is_the_weighted_mean_and_linear_in_the_embedding() -> None:
    examples = gold()
    alone, others = said(fitted(), examples), said(network(), examples)
    mixed = fitted(replace(ALONE, kernel=0.25))
    torch.testing.assert_close(said(mixed, examples), 0.25 * alone + 0.75 * others)
    with torch.inference_mode():
        embedded = mixed.embed(examples.data.batch(examples.rows))
        equation_1 = F.linear(embedded, mixed.classify.weight, mixed.classify.bias)
    assert embedded.shape == (120, 20)
    torch.testing.assert_close(said(mixed, examples), equation_1)


def test_fewer_landmarks_than_products_approximate() -> None:
    examples = gold(300)
    few = fitted(replace(ALONE, landmarks=100), examples)
    assert few.kernel is not None
    assert len(few.kernel.landmarks) == 100
    right = torch.from_numpy(examples.classes)
    assert (said(few, examples).argmax(dim=1) == right).float().mean() > 0.95


def test_products_of_no_category_push_all_logits_below_that_of_none() -> None:
    examples = gold(classes=CLASSES + 1)
    abstaining = network(abstains=True)
    solve_members(abstaining, examples, ALONE)
    assert abstaining.kernel is not None
    assert abstaining.kernel.width == 10
    found = said(abstaining, examples).argmax(dim=1)
    none = examples.classes == CLASSES
    assert (found.numpy()[none] == CLASSES).mean() > 0.5
    assert (found.numpy()[~none] == examples.classes[~none]).mean() > 0.9


def test_a_solved_network_can_be_loaded_into_a_new_one_and_forgotten() -> None:
    examples, solved = gold(), fitted()
    fresh = network()
    first = {name: one.clone() for name, one in fresh.state_dict().items()}
    before = said(fresh, examples)
    fresh.load_state_dict(solved.state_dict())
    torch.testing.assert_close(said(fresh, examples), said(solved, examples))
    fresh.load_state_dict(first)
    torch.testing.assert_close(said(fresh, examples), before)


def test_curvature_bends_the_cosine_between_its_ends() -> None:
    cosine = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(curved(cosine, torch.tensor(0.0)), cosine)
    bent = curved(cosine, torch.tensor(2.0))
    torch.testing.assert_close(bent[[0, 2]], cosine[[0, 2]])
    assert bent[1] < 0.5


@pytest.mark.parametrize("settings", [{"kernel": 1.5}, {"kernel": 0.5, "landmarks": 0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=next(reversed(settings))):
        replace(PRESETS["best"], **settings)  # type: ignore[arg-type]
