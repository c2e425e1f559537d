"""A training that is stopped anywhere and started again ends with the very same weights."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from productnet.errors import ModelError, TrainingError
from productnet.master.fitting import Keeping
from productnet.master.model import MasterModel
from productnet.master.presets import PRESETS, Input, Preset
from productnet.progress import Advance

ROOT = Path(__file__).parents[2]

TEXT = replace(
    PRESETS["paper"],
    inputs=(
        Input(("title",), "attention-lstm", {"width": 8, "hidden": 8}),
        Input(("description",), "dpcnn", {"width": 8, "maps": 8, "max_length": 16}),
        Input(("brand",), "fasttext", {"buckets": 64, "width": 8}),
    ),
    hidden=16,
    batch_size=8,
    epochs=6,
    learning_rate=0.01,
)
STOPPED_EARLY = replace(TEXT, patience=3)
REFITTED = replace(
    TEXT,
    patience=None,
    refit=True,
    missing="learnt",
    field_dropout=0.2,
    normalise=True,
    nested=(4,),
)
TABLE = pa.table(
    {
        "id": [f"p{row}" for row in range(48)],
        "title": ["red mug", "oak chair", "desk lamp big", None] * 12,
        "description": ["a mug", "a chair for you", None, "some lamp or so"] * 12,
        "brand": [None, "Acme", "Acme", "Umbra"] * 12,
        "kind": ["mugs", "chairs", "lamps", "lamps"] * 12,
    }
)


class Killed(Exception):
    """Stands in for a kill: nothing after it runs."""


class KilledAfter:
    """Stops training after so many batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        def advance(done: int, /, note: str = "") -> None:
            self.left -= done == 1
            if self.left < 0:
                raise Killed

        yield advance


def fitted(preset: Preset, **keyword: object) -> MasterModel:
    return MasterModel(preset, dimension=8, seed=3).fit(TABLE, "kind", **keyword)  # type: ignore[arg-type]


def weights(model: MasterModel, folder: Path) -> dict[str, np.ndarray]:
    model.save(folder)
    return {name: one.numpy() for name, one in load_file(folder / "weights.safetensors").items()}


@pytest.mark.parametrize("preset", [STOPPED_EARLY, REFITTED], ids=["early stopping", "refit"])
@pytest.mark.parametrize("batches", [3, 14, 29])
def test_a_resumed_training_equals_one_undisturbed(
    preset: Preset, batches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.master.training._LOOK", 1)
    expected = fitted(preset)
    keeping = Keeping(tmp_path / "checkpoints", every=0)
    with pytest.raises(Killed):
        fitted(preset, keeping=keeping, progress=KilledAfter(batches))
    assert list((tmp_path / "checkpoints").glob("*/*.safetensors"))
    resumed = fitted(preset, keeping=keeping)
    assert resumed.history == expected.history
    assert resumed.temperature == expected.temperature
    wanted, found = weights(expected, tmp_path / "one"), weights(resumed, tmp_path / "other")
    assert wanted.keys() == found.keys()
    assert all(np.array_equal(one, found[name]) for name, one in wanted.items())


def test_a_checkpoint_is_only_gone_on_with_by_the_same_training(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path / "checkpoints", every=0)
    fitted(TEXT, keeping=keeping)
    (first,) = (tmp_path / "checkpoints").iterdir()
    other = MasterModel(TEXT, dimension=8, seed=4).fit(TABLE, "kind", keeping=keeping)
    (second,) = (tmp_path / "checkpoints").iterdir()
    assert first != second
    assert other.history == MasterModel(TEXT, dimension=8, seed=4).fit(TABLE, "kind").history
    brand = pa.array(["Acme"] * 48)
    changed = TABLE.set_column(3, "brand", brand)
    MasterModel(TEXT, dimension=8, seed=4).fit(changed, "kind", keeping=keeping)
    assert [second] != list((tmp_path / "checkpoints").iterdir())


def test_a_damaged_checkpoint_says_what_to_delete(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path / "checkpoints")
    fitted(TEXT, keeping=keeping)
    (file,) = (tmp_path / "checkpoints").glob("*/fit-*.safetensors")
    with safe_open(file, framework="pt") as opened:
        assert set(opened.metadata()) == {"training"}
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"fit-\w+\.safetensors is damaged: .* Delete "):
        fitted(TEXT, keeping=keeping)


# The command with a small preset, which kills its own process without warning at a checkpoint.
COMMAND = """
import os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
from productnet.cli import main
from productnet.master import checkpoints, fitting, presets, state, training
from tests.integration.test_training_resumed import REFITTED

presets.PRESETS["small"] = REFITTED
training._LOOK = 6
checkpoints.Checkpoints.due = True
keep, left = state.State.keep, [int(sys.argv.pop(1))]

def keep_and_die(self, *arguments, **keyword):
    keep(self, *arguments, **keyword)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

state.State.keep = keep_and_die
main.run()
"""


def test_the_command_goes_on_after_kill_9(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "feed.parquet")

    def train(out: str, *options: str, die_at: int) -> int:
        start = [sys.executable, "-c", COMMAND, str(ROOT), str(die_at), "train"]
        start += [str(tmp_path / "feed.parquet"), "--label", "kind", "--preset", "small"]
        start += ["--out", str(tmp_path / out), "--folds", "1", *options]
        return subprocess.run(start, check=False).returncode

    # Of the 13 checkpoints of the first phase and as many of the refit.
    assert train("one", die_at=18) == -signal.SIGKILL
    assert list((tmp_path / "one.checkpoints").glob("*/*.safetensors"))
    log = ("--log", str(tmp_path / "log"))
    assert train("one", die_at=-1) == train("other", *log, die_at=-1) == 0
    assert "<svg" in (tmp_path / "log" / "learning-curve.svg").read_text()
    assert list((tmp_path / "log").glob("events.*"))
    assert not (tmp_path / "one.checkpoints").exists()
    one, other = ((tmp_path / out / "weights.safetensors").read_bytes() for out in ("one", "other"))
    assert one == other


def test_logs_are_what_tensorboard_reads(tmp_path: Path) -> None:
    loading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = fitted(REFITTED, keeping=Keeping(log=tmp_path / "log"))
    read = loading.EventAccumulator(str(tmp_path / "log"))
    read.Reload()
    curves = set(read.Tags()["scalars"])
    assert {"fit/loss", "fit/validation accuracy", "refit/epoch loss"} <= curves
    shown = [event.value for event in read.Scalars("fit/epoch loss")]
    np.testing.assert_allclose(shown, [epoch.loss for epoch in model.history], rtol=1e-6)


def test_logs_without_tensorboard_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match=r"pip install 'productnet\[tensorboard\]'"):
        fitted(TEXT, keeping=Keeping(log=tmp_path / "log"))
