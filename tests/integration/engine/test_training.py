"""A master model trained by a team of workers: the one that this process would have trained."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.master.fitting import Keeping
from productnet.master.model import MasterModel
from tests.unit.master.test_nested_and_team import TABLE, TEXT


def trained(folder: Path) -> int:
    preset = replace(TEXT, patience=None, epochs=2)
    model = MasterModel(preset, dimension=8, device="cpu")
    model.fit(TABLE, "kind", keeping=Keeping(folder / "checkpoints", every=0))
    model.save(folder / "model")
    return len(model.history)


def test_a_team_of_workers_trains_the_model_of_one_process(tmp_path: Path, workers: Engine) -> None:
    found = []
    for name, engine in (("alone", LOCAL), ("shared", workers)):
        folder = tmp_path / name
        folder.mkdir()
        told = engine.together(partial(trained, folder), folder=tmp_path / f"{name}.team")
        found.append(MasterModel.load(folder / "model"))
        assert told == len(found[-1].history) == 2
        assert not (tmp_path / f"{name}.team").exists()
    alone, shared = found
    losses = [[epoch.loss for epoch in model.history] for model in (alone, shared)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(alone.predict_proba(TABLE), shared.predict_proba(TABLE), atol=1e-3)
