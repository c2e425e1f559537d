"""An exported model answers as the model itself, without torch."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from torch import nn

from productnet.errors import ModelError
from productnet.master import exporting
from productnet.master.fields.base import FieldEncoder
from productnet.master.fields.frozen import Frozen
from productnet.master.fields.inception import Inception
from productnet.master.model import MasterModel
from productnet.master.network import MasterNetwork
from productnet.master.presets import PRESETS, Input
from productnet.master.storage import Card, SavedInput

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "onnx_predictor.py"

TEXT = replace(
    PRESETS["paper"],
    inputs=(
        Input(("title",), "attention-lstm", {"width": 8, "hidden": 8}),
        Input(("description",), "dpcnn", {"width": 8, "maps": 8, "max_length": 16}),
        Input(("brand",), "fasttext", {"buckets": 64, "width": 8}),
        Input(("text",), "tfidf", {"width": 6, "words": True}),
    ),
    kernel=0.3,
    linear=0.3,
    missing="learnt",
    normalise=True,
    hidden=16,
    batch_size=8,
    epochs=3,
)
TABLE = pa.table(
    {
        "title": ["red enamel mug", "oak chair", "desk lamp, big", None] * 6,
        "description": ["a mug for you and me", "a chair", None, "some lamp or so  2.5 oz"] * 6,
        "brand": [None, "Acme", "Acme & Sons", "Umbra"] * 6,
        "kind": ["mugs", "chairs", "lamps", "lamps"] * 6,
    }
)

# Runs the documented predictor where torch cannot be imported.
WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is not wanted here")

sys.meta_path.insert(0, NoTorch())
import json, runpy
from pathlib import Path
Predictor = runpy.run_path(sys.argv[1])["OnnxPredictor"]
predictor = Predictor(Path(sys.argv[2]))
embedded, said = predictor.run(json.loads(sys.stdin.read()))
print(json.dumps({"embedding": embedded.tolist(), "said": said.tolist()}))
"""


@pytest.fixture(scope="module")
def model() -> MasterModel:
    return MasterModel(TEXT, dimension=8).fit(TABLE, "kind")


@pytest.fixture(scope="module")
def exported(model: MasterModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "exported"
    assert model.export_onnx(folder).difference < 1e-4
    return folder


def test_the_documented_predictor_answers_as_the_model_without_torch(
    model: MasterModel, exported: Path
) -> None:
    products = TABLE.select(["title", "description", "brand"]).slice(0, 7)
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(EXAMPLE), str(exported)],
        input=json.dumps(products.to_pylist()),
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(answer.stdout)
    np.testing.assert_allclose(said["said"], model.predict_proba(products), atol=1e-4)
    np.testing.assert_allclose(said["embedding"], model.encode(products), atol=1e-4)


def test_the_files_say_what_the_graph_takes_and_gives(model: MasterModel, exported: Path) -> None:
    about = json.loads((exported / "inputs.json").read_text())
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    told = [tensor["name"] for one in about["inputs"] for tensor in one["tensors"]]
    assert [one.name for one in session.get_inputs()] == [*told, "present"]
    assert [one.name for one in session.get_outputs()] == about["outputs"]
    assert about["classes"] == list(model.classes)
    ids = about["inputs"][0]["tensors"][0]
    assert (ids["type"], ids["shape"]) == ("int64", [None, None])
    assert about["inputs"][0]["config"]["words"]


def test_an_export_replaces_an_export_and_nothing_else(
    model: MasterModel, exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ModelError, match="is no ONNX export. Choose another folder"):
        model.export_onnx(tmp_path)
    with pytest.raises(ModelError, match="not trained yet"):
        MasterModel().export_onnx(tmp_path / "new")


def test_a_graph_that_answers_otherwise_is_not_written(
    model: MasterModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_write_graph", lambda graph, samples, file: None)
    monkeypatch.setattr(exporting, "_difference", lambda file, graph, samples: 0.01)
    with pytest.raises(ModelError, match=r"differs from the model by 1\.0e-02, more than 1e-04"):
        model.export_onnx(tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_pictures_and_frozen_features_are_exported_too(tmp_path: Path) -> None:
    inputs: dict[str, FieldEncoder] = {
        "image by frozen": Frozen(encoder="efficientnet-lite0", dimension=12, scale=1.0),
        "image by inception": Inception(side=75, rate=1.0),
    }
    # Its first layers alone: exporting all of them takes minutes.
    pictures = inputs["image by inception"]
    assert isinstance(pictures, Inception)
    pictures.network.features = nn.Sequential(*list(pictures.network.features)[:2])
    pictures.dimension = 32
    network = MasterNetwork(inputs, TEXT, dimension=8, classes=3, abstains=True)
    card = Card(
        preset=TEXT,
        inputs={
            name: SavedInput(("image",), kind, one.config())
            for (name, one), kind in zip(
                inputs.items(), ("frozen:efficientnet-lite0", "inception-v4:random"), strict=True
            )
        },
        dimension=8,
        classes=("a", "b", "c"),
        temperature=1.7,
        history=(),
        seed=0,
        abstains=True,
    )
    exported = exporting.export_onnx(network, card, tmp_path / "exported")
    assert exported.difference < 1e-4
    about = json.loads((tmp_path / "exported" / "inputs.json").read_text())
    shapes = [tensor["shape"] for one in about["inputs"] for tensor in one["tensors"]]
    assert shapes == [[None, 12], [None, 3, 75, 75]]
