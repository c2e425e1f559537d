"""What training will take is said before it begins."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from productnet.errors import TrainingError
from productnet.master import memory
from productnet.master.batching import Examples, Prepared
from productnet.master.fields.columns import Vectors
from productnet.master.fields.frozen import Frozen
from productnet.master.memory import Need, check, free_memory, measure
from productnet.master.model import MasterModel
from productnet.master.network import MasterNetwork
from productnet.master.objective import Objective
from productnet.master.presets import PRESETS

CPU = torch.device("cpu")


def an_objective(width: int) -> tuple[Objective, Examples]:
    encoder = Frozen(encoder="any", dimension=width, scale=1.0)
    network = MasterNetwork({"one": encoder}, PRESETS["fast"], dimension=16, classes=5)
    data = Prepared({"one": Vectors(torch.randn(9, width), np.ones(9, dtype=bool))}, 9)
    objective = Objective(network, weights=torch.ones(5), label_smoothing=0.1)
    return objective, Examples.all_of(data, np.arange(9) % 5)


def test_what_does_not_depend_on_the_batch_is_counted() -> None:
    objective, examples = an_objective(100)
    parameters = sum(4 * one.numel() for one in objective.network.parameters())
    buffers = sum(4 * one.numel() for one in objective.network.buffers())
    need = measure(objective, examples, copies=2)
    assert need.fixed == 3 * parameters + 2 * (parameters + buffers)
    assert need.of(10) == need.fixed + 10 * need.per_product
    # At least what goes in: 100 numbers, their normalised copy, and the hidden layer's.
    assert 4 * (100 + 100 + 512) < need.per_product < 40 * 4 * (100 + 512)
    wider, others = an_objective(1_000)
    assert measure(wider, others, copies=0).per_product > need.per_product


def test_measuring_changes_nothing() -> None:
    objective, examples = an_objective(10)
    before = torch.get_rng_state()
    weights = {name: one.clone() for name, one in objective.network.state_dict().items()}
    measure(objective, examples, copies=0)
    assert torch.equal(torch.get_rng_state(), before)
    after = objective.network.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in weights.items())


def test_too_little_memory_names_the_largest_batch_that_fits() -> None:
    need = Need(fixed=2**30, per_product=2**20)
    check(need, 128, CPU, free=2 * 2**30)
    with pytest.raises(
        TrainingError, match=r"about 2\.00 GB in memory .* 1\.50 GB are free"
    ) as one:
        check(need, 1024, CPU, free=3 * 2**29)
    assert need.largest(3 * 2**29) == 358
    assert "The largest batch that fits has 358: --batch-size" in str(one.value)
    check(need, 358, CPU, free=3 * 2**29)
    with pytest.raises(TrainingError, match="Not even a batch of one product fits"):
        check(need, 1, CPU, free=2**30)


def test_training_that_does_not_fit_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 2**20)
    table = pa.table({"title": ["red mug", "blue mug", "a lamp"] * 4, "kind": ["m", "m", "l"] * 4})
    with pytest.raises(TrainingError, match="Training needs about .* Not even a batch of one"):
        MasterModel("paper").fit(table, "kind")


def test_free_memory_is_what_a_container_leaves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    everything = free_memory(CPU)
    assert everything > 0
    monkeypatch.setattr(memory, "_left_in_container", lambda: iter([12_345]))
    assert free_memory(CPU) == 12_345
