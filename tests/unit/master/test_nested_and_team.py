"""Embeddings that can be cut off, and training in a team of processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.errors import ModelError, TrainingError
from productnet.master.model import MasterModel
from productnet.master.pipeline import ahead
from productnet.master.presets import PRESETS, Input

TEXT = replace(
    PRESETS["paper"],
    inputs=(
        Input(("title",), "attention-lstm", {"width": 8, "hidden": 8}),
        Input(("brand",), "fasttext", {"buckets": 64, "width": 8}),
    ),
    hidden=16,
    batch_size=7,
    epochs=4,
    dropout=0.0,
    class_weights=True,
    label_smoothing=0.1,
    learning_rate=0.01,
)
TABLE = pa.table(
    {
        "title": ["red mug", "oak chair", "desk lamp big", None, "mug"] * 9,
        "brand": [None, "Acme", "Acme", "Umbra", "Acme"] * 9,
        "kind": ["mugs", "chairs", "lamps", "lamps", "mugs"] * 9,
    }
)


def test_an_embedding_is_cut_off_at_nested_dimensions() -> None:
    model = MasterModel(TEXT, dimension=8, nested=(4, 2)).fit(TABLE, "kind")
    whole, half = model.encode(TABLE), model.encode(TABLE, dimension=4)
    assert half.shape == (45, 4)
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, rtol=1e-5)
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(half, expected, atol=1e-6)
    assert np.array_equal(model.encode(TABLE, dimension=8), whole)
    with pytest.raises(ModelError, match=r"at 3 dimensions, only at 2, 4, 8\. .*nested=\(3,\)"):
        model.encode(TABLE, dimension=3)


def test_the_first_numbers_alone_learn_to_tell_classes_apart() -> None:
    longer = replace(TEXT, epochs=15)
    plain, nested = (
        MasterModel(longer, dimension=16, nested=cuts).fit(TABLE, "kind") for cuts in ((), (2,))
    )

    def apart(model: MasterModel) -> float:
        """How much nearer products of a class are than others, in the first two numbers."""
        vectors = model.encode(TABLE)[:, :2]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        kinds = np.array(TABLE["kind"].to_pylist())
        same = kinds[:, None] == kinds
        likeness = vectors @ vectors.T
        return float(likeness[same].mean() - likeness[~same].mean())

    assert apart(nested) > apart(plain)


@pytest.mark.parametrize("wrong", [0, 8, 9])
def test_a_nested_dimension_is_below_the_whole(wrong: int) -> None:
    with pytest.raises(TrainingError, match=f"Nested dimension {wrong} is not below"):
        MasterModel(TEXT, dimension=8, nested=(wrong,))


@pytest.mark.parametrize("workers", [0, 3])
def test_batches_made_ahead_come_in_order_and_errors_come_through(workers: int) -> None:
    assert list(ahead(lambda one: one * one, range(50), workers=workers)) == [
        one * one for one in range(50)
    ]

    def fails(one: int) -> int:
        if one == 7:
            raise ValueError("seven")
        return one

    seen: list[int] = []
    with pytest.raises(ValueError, match="seven"):
        seen.extend(ahead(fails, range(50), workers=workers))


# Trains as one of however many processes torchrun started, and says what came of it.
TRAINED = """
import json, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.unit.master.test_nested_and_team import TABLE, TEXT
from productnet.master.fitting import Keeping
from productnet.master.model import MasterModel
folder = Path(sys.argv[1])
preset = replace(TEXT, patience=None, refit=True)
model = MasterModel(preset, dimension=8, device="cpu", nested=(4,))
keeping = Keeping(folder / "checkpoints", every=0)
model.fit(TABLE, "kind", keeping=keeping).save(folder / "model")
model.fit(TABLE, "kind", keeping=keeping)  # from the checkpoint: over at once
"""


def test_a_team_trains_the_model_that_one_process_would(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    script = tmp_path / "trained.py"
    script.write_text(TRAINED)
    found = {}
    for size in (1, 2):
        folder = tmp_path / str(size)
        folder.mkdir()
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        start += ["--nproc-per-node", str(size), str(script), str(folder), str(root)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        subprocess.run(start, check=True, env=environment, capture_output=True, text=True)
        found[size] = MasterModel.load(folder / "model")
        card = json.loads((folder / "model" / "model.json").read_text())
        assert len(card["history"]) == len(found[size].history)
    losses = [[epoch.loss for epoch in found[size].history] for size in (1, 2)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    one, two = (found[size].predict_proba(TABLE) for size in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-3)
