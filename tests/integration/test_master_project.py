"""The master model on a project: features from the cache, the whole pool block by block."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.encoders import features
from productnet.errors import TrainingError, UnknownProduct
from productnet.master import model as model_module
from productnet.master.model import MasterModel
from productnet.master.presets import PRESETS
from productnet.settings import CatalogSettings, Project, Settings

FIELDS = ("title", "brand")
KINDS = ("mug", "lamp", "chair")
FAST = replace(PRESETS["fast"], hidden=16, epochs=30, min_steps=0, batch_size=8)


class Hashed:
    """Stands in for a pretrained encoder of anything: counts of hashed pieces."""

    name, version, dimension, side = "hashed", "1", 16, 1

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, inputs: Sequence[bytes | str]) -> np.ndarray:
        self.calls += 1
        vectors = np.zeros((len(inputs), 16), dtype=np.float32)
        for vector, one in zip(vectors, inputs, strict=True):
            for piece in one.split():
                vector[crc32(piece if isinstance(piece, bytes) else piece.encode()) % 16] += 1
        return vectors


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Hashed:
    hashed = Hashed()
    for modality in ("image", "text"):
        monkeypatch.setattr(features, f"{modality}_encoder", lambda name: hashed)
        monkeypatch.setitem(features._ENCODERS, modality, lambda name: hashed)
    return hashed


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "shop", Settings(catalog=CatalogSettings(fields=FIELDS)))
    products = [
        Product(
            id=f"p{number}",
            texts={} if number % 6 == 5 else {"title": f"{KINDS[number % 3]} number {number}"},
            image=None if number % 5 == 4 else f"picture of {KINDS[number % 3]}".encode(),
            fingerprint=bytes(8),
        )
        for number in range(48)
    ]
    Pool.create(project.pool_path, FIELDS).upsert(products_to_table(products, FIELDS))
    return project


LABELS = {f"p{number}": KINDS[number % 3] for number in range(30)}


def test_trains_on_the_labelled_and_embeds_the_whole_pool(
    project: Project, encoder: Hashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "_PRODUCTS_A_BLOCK", 10)
    model = MasterModel(FAST, dimension=8).fit(project, LABELS)
    calls = encoder.calls
    blocks = list(model.embed(project))
    assert [len(block.ids) for block in blocks] == [10, 10, 10, 10, 8]
    ids = [product_id for block in blocks for product_id in block.ids]
    assert ids == Pool.open(project.pool_path).ids().to_pylist()
    predicted = dict(zip(ids, model.predict(project), strict=True))
    known = [number for number in range(48) if number % 6 != 5 or number % 5 != 4]
    assert [predicted[f"p{number}"] for number in known] == [KINDS[n % 3] for n in known]
    assert np.concatenate([block.vectors for block in blocks]).shape == (48, 8)
    assert encoder.calls == calls, "features of an unchanged pool are computed once"


def test_image_only_and_text_only(project: Project, encoder: Hashed) -> None:
    for fields in (("image",), ("text",)):
        model = MasterModel(FAST, dimension=8, fields=fields).fit(project, LABELS)
        accuracy = np.mean(
            [
                category == KINDS[int(product_id[1:]) % 3]
                for block in model.embed(project)
                for product_id, category in zip(
                    block.ids, np.array(model.classes)[block.probabilities.argmax(1)], strict=True
                )
            ]
        )
        assert accuracy > 0.8


def test_a_changed_pool_is_encoded_again(project: Project, encoder: Hashed) -> None:
    model = MasterModel(FAST, dimension=8).fit(project, LABELS)
    fresh = Product(id="new", texts={"title": "mug number 99"}, fingerprint=bytes(8))
    Pool.open(project.pool_path).upsert(products_to_table([fresh], FIELDS))
    ids = [product_id for block in model.embed(project) for product_id in block.ids]
    predicted = dict(zip(ids, model.predict(project), strict=True))
    assert predicted["new"] == "mug"


def test_labels_that_do_not_fit_the_project_are_refused(project: Project, encoder: Hashed) -> None:
    with pytest.raises(UnknownProduct, match='no product "p99"'):
        MasterModel(FAST).fit(project, {"p1": "mug", "p99": "lamp"})
    with pytest.raises(TrainingError, match="labels are a mapping"):
        MasterModel(FAST).fit(project, "title")
    with pytest.raises(TrainingError, match='no field "size"'):
        MasterModel(FAST, fields=("size",)).fit(project, LABELS)
