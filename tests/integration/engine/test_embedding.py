"""The pool embedded by workers: what this process alone would have made of it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.initial import embed_initial
from productnet.encoders.feature_store import FeatureTable, Modality
from productnet.encoders.features import compute_features, read_features
from productnet.engine.base import Engine
from productnet.settings import CatalogSettings, EncoderSettings, Project, Settings

ENCODERS: dict[str, Modality] = {"efficientnet-lite0": "image", "static": "text"}


def picture(number: int) -> bytes:
    colours = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).resize((64, 48)).save(file, "PNG")
    return file.getvalue()


def product(number: int) -> Product:
    """Some have no image, some no text; of the last ten each is like one of the first."""
    twin = number % 90
    image = picture(twin) if twin % 7 else None
    return Product(
        id=f"product {number}",
        texts={"title": f"Mug number {twin}"} if twin % 5 else {},
        image=image[:60] if image and twin == 33 else image,
        fingerprint=number.to_bytes(8, "big"),
    )


def make_project(root: Path) -> Project:
    settings = Settings(
        catalog=CatalogSettings(fields=("title",)),
        encoders=EncoderSettings(image="efficientnet-lite0", text="static", dimension=16),
    )
    project = Project.create(root, settings)
    pool = Pool.create(project.pool_path, ("title",))
    for start in range(0, 100, 40):  # fragments of their own
        numbers = range(start, min(start + 40, 100))
        pool.append(products_to_table([product(n) for n in numbers], ("title",)))
    return project


def test_workers_make_what_one_process_makes_and_keep_each_feature_once(
    tmp_path: Path, workers: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several pieces of each fragment; by itself this pool is one.
    smaller = {**(compute_features.__kwdefaults__ or {}), "chunk_products": 16}
    monkeypatch.setattr(compute_features, "__kwdefaults__", smaller)
    project, alone = make_project(tmp_path / "shared"), make_project(tmp_path / "alone")
    shared, expected = embed_initial(project, engine=workers), embed_initial(alone)
    assert shared.ids == expected.ids
    np.testing.assert_allclose(shared.vectors, expected.vectors, atol=1e-5)
    for encoder, modality in ENCODERS.items():
        for mine, theirs in zip(
            read_features(project, encoder, modality=modality),
            read_features(alone, encoder, modality=modality),
            strict=True,
        ):
            assert np.array_equal(mine, theirs)
        keys, of_one = (
            FeatureTable.open(one, encoder).keys().to_pylist() for one in (project, alone)
        )
        assert len(keys) == len(set(keys))
        assert set(keys) == set(of_one)
