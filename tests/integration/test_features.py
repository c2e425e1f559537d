"""The feature cache, with real encoders over a real pool."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.encoders import features as features_module
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import compute_features, open_features, read_features
from productnet.encoders.minilm import MiniLM
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.errors import EncoderError, UnknownProduct
from productnet.settings import CatalogSettings, Project, Settings

IMAGE_ENCODER = "efficientnet-lite0"
# Half a unit in the last place of float16, for values up to 8.
HALF = 2e-3


def picture(number: int) -> bytes:
    image = Image.new("RGB", (48, 32), "white")
    colour = (number * 37 % 256, number * 101 % 256, number * 53 % 256)
    ImageDraw.Draw(image).ellipse((4, 4, 20 + number % 24, 28), fill=colour)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def product(number: int, *, image: bool = True, text: bool = True) -> Product:
    return Product(
        id=f"product {number}",
        texts={"title": f"Mug number {number} in {'red' if number % 2 else 'blue'}"}
        if text
        else {},
        image=picture(number) if image else None,
        fingerprint=number.to_bytes(8, "big"),
    )


def make_project(root: Path, products: list[Product]) -> Project:
    settings = Settings(catalog=CatalogSettings(fields=("title", "description")))
    project = Project.create(root, settings)
    Pool.create(project.pool_path, settings.catalog.fields)
    add(project, products)
    return project


def add(project: Project, products: list[Product]) -> None:
    fields = project.settings.catalog.fields
    Pool.open(project.pool_path).upsert(products_to_table(products, fields))


class Counting:
    """Counts the contents that the encoders are given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoded = 0
        real = features_module._encoded

        def counted(keys: pa.Array, there: pa.BooleanArray, vectors: np.ndarray) -> pa.RecordBatch:
            self.encoded += len(vectors)
            return real(keys, there, vectors)

        monkeypatch.setattr(features_module, "_encoded", counted)


def test_features_are_those_of_the_encoder(tmp_path: Path) -> None:
    products = [product(0), product(1, image=False), product(2, text=False), product(3)]
    project = make_project(tmp_path / "shop", products)
    compute_features(project, IMAGE_ENCODER, modality="image")
    compute_features(project, "minilm", modality="text")

    vectors, present = read_features(project, IMAGE_ENCODER, modality="image")
    assert present.tolist() == [True, False, True, True]
    assert not vectors[1].any()
    images = [one.image for one in products if one.image is not None]
    np.testing.assert_allclose(
        vectors[present], image_encoder(IMAGE_ENCODER).encode(images), atol=HALF
    )

    ids = ["product 3", "product 2", "product 3"]
    vectors, present = read_features(project, "minilm", modality="text", ids=ids)
    assert present.tolist() == [True, False, True]
    expected = text_encoder("minilm").encode([products[3].texts["title"]])
    np.testing.assert_allclose(vectors[[0, 2]], np.repeat(expected, 2, axis=0), atol=HALF)
    assert not vectors[1].any()


def test_a_content_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    twins = [Product(f"twin {n}", {"title": "Same"}, fingerprint=bytes(8)) for n in range(5)]
    project = make_project(tmp_path / "shop", [*map(product, range(10)), *twins])
    compute_features(project, "static", modality="text")
    assert counting.encoded == 11
    compute_features(project, "static", modality="text")
    assert counting.encoded == 11
    add(project, [product(10), Product("product 3", {"title": "Now a bowl"}, fingerprint=bytes(8))])
    compute_features(project, "static", modality="text")
    assert counting.encoded == 13
    vectors, _ = read_features(project, "static", modality="text", ids=["product 3"])
    expected = text_encoder("static").encode(["Now a bowl"])
    np.testing.assert_allclose(vectors, expected, atol=HALF)


def test_each_field_has_features_of_its_own_and_shares_those_of_like_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    described = {"title": "A mug", "description": "For tea"}
    products = [Product("both", described, fingerprint=bytes(8)), product(1)]
    project = make_project(tmp_path / "shop", products)
    compute_features(project, "static", modality="text")
    assert counting.encoded == 2
    with pytest.raises(EncoderError, match="no text features"):
        open_features(project, "static", modality="text", fields=("title",))
    for name in ("title", "description"):
        compute_features(project, "static", modality="text", fields=(name,))
    # The second product has a title only: its text and its title are the same content.
    assert counting.encoded == 4
    encoder = text_encoder("static")
    titles = open_features(project, "static", modality="text", fields=("title",))
    expected = encoder.encode(["A mug", products[1].texts["title"]])
    np.testing.assert_allclose(titles.take(np.arange(2)), expected, atol=HALF)
    told = open_features(project, "static", modality="text", fields=("description",))
    assert told.present.tolist() == [True, False]
    np.testing.assert_allclose(told.take(np.arange(1)), encoder.encode(["For tea"]), atol=HALF)
    whole = open_features(project, "static", modality="text")
    expected = encoder.encode(["A mug. For tea"])
    np.testing.assert_allclose(whole.take(np.arange(1)), expected, atol=HALF)


def test_another_version_of_the_encoder_encodes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    project = make_project(tmp_path / "shop", [product(n) for n in range(4)])
    compute_features(project, "minilm", modality="text")
    monkeypatch.setattr(MiniLM, "version", "another")
    compute_features(project, "minilm", modality="text")
    assert counting.encoded == 8
    assert open_features(project, "minilm", modality="text").encoder == "minilm@another"


def test_features_of_an_older_pool_are_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", [product(0)])
    with pytest.raises(
        EncoderError, match=r'no text features of encoder "static".*productnet embed'
    ):
        read_features(project, "static", modality="text")
    compute_features(project, "static", modality="text")
    read_features(project, "static", modality="text")
    with pytest.raises(EncoderError, match="no image features"):
        read_features(project, "static", modality="image")
    add(project, [product(1)])
    with pytest.raises(EncoderError, match="no text features"):
        read_features(project, "static", modality="text")


def test_a_product_that_is_not_there_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", [product(0)])
    compute_features(project, "static", modality="text")
    with pytest.raises(UnknownProduct, match="product 7"):
        read_features(project, "static", modality="text", ids=["product 0", "product 7"])


def test_a_corrupt_image_costs_only_itself(tmp_path: Path) -> None:
    broken = Product("broken", {}, image=picture(1)[:60], fingerprint=bytes(8))
    project = make_project(tmp_path / "shop", [product(0), broken, product(2)])
    compute_features(project, IMAGE_ENCODER, modality="image")
    _, present = read_features(project, IMAGE_ENCODER, modality="image")
    assert present.tolist() == [True, False, True]


def test_an_empty_pool_has_no_features(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", [])
    compute_features(project, "static", modality="text")
    vectors, present = read_features(project, "static", modality="text")
    assert vectors.shape == (0, 256)
    assert present.shape == (0,)


def test_damaged_features_are_reported_with_what_to_do(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", [product(n) for n in range(4)])
    compute_features(project, "static", modality="text")
    (data,) = project.features_path.glob("static.lance/data/*.lance")
    data.write_bytes(data.read_bytes()[:50])
    with pytest.raises(
        EncoderError, match=r"damaged.*Delete that folder and run `productnet embed`"
    ):
        read_features(project, "static", modality="text")


def test_a_table_killed_while_being_created_is_created_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", [product(0)])
    (project.features_path / "static.lance" / "data").mkdir(parents=True)
    compute_features(project, "static", modality="text")
    assert open_features(project, "static", modality="text").present.all()


KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import compute_features
from productnet.encoders.registry import IMAGE_ENCODERS, TEXT_ENCODERS
from productnet.settings import Project

root, name, modality, calls = sys.argv[1:]
encoder = type((IMAGE_ENCODERS if modality == "image" else TEXT_ENCODERS)[name]())
encode, left = encoder.encode, int(calls)

def encode_and_die(self, contents):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(self, contents)

encoder.encode = encode_and_die
compute_features(Project.open(Path(root)), name, modality=modality, chunk_products=32)
"""


@pytest.mark.parametrize(("name", "modality"), [(IMAGE_ENCODER, "image"), ("minilm", "text")])
def test_killed_and_run_again_equals_undisturbed(
    name: str, modality: Modality, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = [product(n, image=n % 7 > 0, text=n % 5 > 0) for n in range(150)]
    undisturbed = make_project(tmp_path / "undisturbed", products)
    compute_features(undisturbed, name, modality=modality, chunk_products=32)

    killed = make_project(tmp_path / "killed", products)
    for calls in ("0", "3"):
        arguments = [sys.executable, "-c", KILLED, str(killed.root), name, modality, calls]
        assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    with pytest.raises(EncoderError, match="Compute them with `productnet embed`"):
        open_features(killed, name, modality=modality)

    counting = Counting(monkeypatch)
    compute_features(killed, name, modality=modality, chunk_products=32)
    had_none = sum(one.image is None if modality == "image" else not one.texts for one in products)
    assert 0 < counting.encoded < len(products) - had_none - 60
    for mine, theirs in zip(
        read_features(killed, name, modality=modality),
        read_features(undisturbed, name, modality=modality),
        strict=True,
    ):
        assert np.array_equal(mine, theirs)
    assert open_features(killed, name, modality=modality).ids == pa.array([p.id for p in products])
