"""A trained model comes back from disk, or says clearly why it does not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.errors import ModelError
from productnet.master.model import MasterModel
from productnet.master.presets import PRESETS, Input
from productnet.master.storage import FORMAT_VERSION

TEXT_ONLY = replace(
    PRESETS["paper"],
    inputs=(
        Input(("title",), "attention-lstm", {"width": 8, "hidden": 8}),
        Input(("description",), "dpcnn", {"width": 8, "maps": 8, "max_length": 16}),
        Input(("brand",), "fasttext", {"buckets": 256, "width": 8}),
        Input(("text",), "tfidf", {"width": 8}),
    ),
    hidden=16,
)
TABLE = pa.table(
    {
        "title": ["red mug", "oak chair", "desk lamp"] * 8,
        "description": ["a mug", "a chair for you", None] * 8,
        "brand": [None, "Acme", "Acme"] * 8,
        "kind": ["mugs", "chairs", "lamps"] * 8,
    }
)


@pytest.fixture
def model() -> MasterModel:
    return MasterModel(TEXT_ONLY, dimension=8, epochs=4, taxonomy="v7").fit(TABLE, "kind")


def test_a_loaded_model_answers_as_the_saved_one(model: MasterModel, tmp_path: Path) -> None:
    folder = tmp_path / "rounds" / "1"
    model.save(folder)
    loaded = MasterModel.load(folder)
    assert np.array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))
    assert np.array_equal(loaded.encode(TABLE), model.encode(TABLE))
    assert loaded.classes == model.classes
    assert loaded.history == model.history
    assert loaded.preset == model.preset
    assert loaded.taxonomy == "v7"
    assert sorted(file.name for file in folder.iterdir()) == [
        "MODEL_CARD.md",
        "model.json",
        "weights.safetensors",
    ]


def test_a_model_that_may_say_none_still_may_when_loaded(tmp_path: Path) -> None:
    table = TABLE.append_column("id", pa.array([f"p{row}" for row in range(len(TABLE))]))
    kinds = dict(zip(table["id"].to_pylist(), table["kind"].to_pylist(), strict=True))
    labels = {product: kind for product, kind in kinds.items() if kind != "lamps"}
    lamps = {product: ["mugs"] for product in kinds.keys() - labels.keys()}
    model = MasterModel(TEXT_ONLY, dimension=8, epochs=8).fit(table, labels, negatives=lamps)
    model.save(tmp_path / "model")
    chances = MasterModel.load(tmp_path / "model").predict_proba(table)
    assert np.array_equal(chances, model.predict_proba(table))
    assert (chances.sum(axis=1) < 1).all()


def test_a_model_saved_before_models_could_say_none_loads(
    model: MasterModel, tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    card = tmp_path / "model" / "model.json"
    described = json.loads(card.read_text())
    del described["abstains"], described["preset"]["rejected_weight"]
    card.write_text(json.dumps(described))
    loaded = MasterModel.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))


def test_saving_again_replaces_the_model_and_leaves_nothing_behind(
    model: MasterModel, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    model.save(folder)
    other = MasterModel(TEXT_ONLY, dimension=4, epochs=1).fit(TABLE, "kind")
    other.save(folder)
    assert MasterModel.load(folder).dimension == 4
    assert list(tmp_path.iterdir()) == [folder]


def test_other_folders_are_not_overwritten(model: MasterModel, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(ModelError, match=r"is not a saved model\. Choose another"):
        model.save(tmp_path / "photos")


def _edit(folder: Path, **changes: object) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_damage_is_named(model: MasterModel, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(ModelError, match="holds no saved model"):
        MasterModel.load(folder)
    model.save(folder)
    _edit(folder, format_version=99)
    with pytest.raises(ModelError, match="has model format 99"):
        MasterModel.load(folder)
    _edit(folder, format_version=FORMAT_VERSION, dimension="many")
    with pytest.raises(ModelError, match="damaged at dimension"):
        MasterModel.load(folder)
    _edit(folder, dimension=16)
    with pytest.raises(ModelError, match=r"does not fit together: .*MasterNetwork"):
        MasterModel.load(folder)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelError, match="is not the file that was saved"):
        MasterModel.load(folder)
    weights.unlink()
    with pytest.raises(ModelError, match=r"it has no weights\.safetensors"):
        MasterModel.load(folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match="damaged at its start"):
        MasterModel.load(folder)
