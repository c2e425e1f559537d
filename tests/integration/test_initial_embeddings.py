"""From a pool to its first embedding set, with the encoders that ship as packages."""

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.initial import PROJECTION_FILE, embed_initial
from productnet.embeddings.projection import Part, Projection
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.errors import EmbeddingError
from productnet.settings import CatalogSettings, EncoderSettings, Project, Settings

KINDS = {"mug": "ellipse", "tray": "rectangle"}


def picture(number: int, shape: str) -> bytes:
    image = Image.new("RGB", (64, 64), "white")
    box = (8, 8, 40 + number % 20, 56)
    getattr(ImageDraw.Draw(image), shape)(box, fill=(number * 37 % 256, 80, 80), outline="black")
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def products(*, images: bool = True, texts: bool = True) -> list[Product]:
    made = []
    for number in range(40):
        kind = list(KINDS)[number % 2]
        made.append(
            Product(
                id=f"{kind} {number}",
                texts={"title": f"{kind} of series {number // 2}"} if texts else {},
                image=picture(number, KINDS[kind]) if images and number % 5 else None,
                fingerprint=number.to_bytes(8, "big"),
            )
        )
    return made


def make_project(root: Path, some: list[Product], *, dimension: int = 32) -> Project:
    encoders = EncoderSettings(text="static", dimension=dimension)
    settings = Settings(catalog=CatalogSettings(fields=("title",)), encoders=encoders)
    project = Project.create(root, settings)
    Pool.create(project.pool_path, ("title",)).append(products_to_table(some, ("title",)))
    return project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("initial") / "shop", products(), dimension=8)
    embed_initial(project)
    return project


def test_products_of_a_kind_are_near_one_another(shop: Project) -> None:
    embedding_set = embed_initial(shop)
    assert embedding_set.name == "initial"
    assert embedding_set.vectors.shape == (40, 8)
    rows, _ = embedding_set.nearest(np.asarray(embedding_set.vectors), k=5)
    assert (rows % 2 == np.arange(40)[:, None] % 2).mean() > 0.9


def test_the_stamp_says_what_was_lost(shop: Project) -> None:
    stamp = embed_initial(shop).stamp
    assert stamp.notes["products_with"] == {"image": 32, "text": 40}
    assert stamp.notes["joined_dimension"] == 1280 + 256
    assert 0.5 < stamp.notes["neighbours_kept"] < 1
    assert "efficientnet-lite0@" in stamp.encoder
    assert "static@" in stamp.encoder


def test_embedding_again_keeps_the_set_and_a_change_makes_another(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", products(images=False))
    first = embed_initial(project)
    assert embed_initial(project).stamp == first.stamp
    vectors = np.array(first.vectors)
    (project.embeddings_path / "initial" / "stamp.json").unlink()
    assert np.array_equal(embed_initial(project).vectors, vectors)
    new = Product("bowl", {"title": "A bowl"}, fingerprint=bytes(8))
    Pool.open(project.pool_path).upsert(products_to_table([new], ("title",)))
    assert embed_initial(project).ids.to_pylist()[-1] == "bowl"


KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.projection import Projection
from productnet.settings import Project

Projection.__call__ = lambda self, parts: os.kill(os.getpid(), signal.SIGKILL)
embed_initial(Project.open(Path(sys.argv[1])))
"""


def test_killed_and_run_again_equals_undisturbed(tmp_path: Path) -> None:
    undisturbed, killed = (
        make_project(tmp_path / name, products(images=False)) for name in ("undisturbed", "killed")
    )
    expected = embed_initial(undisturbed)
    arguments = [sys.executable, "-c", KILLED, str(killed.root)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert [path.suffix for path in killed.embeddings_path.iterdir()] == [".draft"]
    embedding_set = embed_initial(killed)
    assert np.array_equal(embedding_set.vectors, expected.vectors)
    assert embedding_set.ids == expected.ids
    assert [path.name for path in killed.embeddings_path.iterdir()] == ["initial"]


def test_text_alone_is_enough_and_loads_no_image_encoder(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop", products(images=False))
    assert embed_initial(project).stamp.notes["products_with"] == {"text": 40}
    assert not list(project.features_path.glob("efficientnet*"))


def test_images_alone_are_enough(tmp_path: Path) -> None:
    some = products(texts=False)
    embedding_set = embed_initial(make_project(tmp_path / "shop", some))
    known = np.array([one.image is not None for one in some])
    lengths = np.linalg.norm(embedding_set.vectors, axis=1)
    np.testing.assert_allclose(lengths, known, atol=1e-5)


def test_all_dimensions_are_kept_on_request(tmp_path: Path) -> None:
    stamp = embed_initial(make_project(tmp_path / "shop", products(), dimension=5_000)).stamp
    assert stamp.dimension == stamp.notes["joined_dimension"] == 1280 + 256
    assert stamp.notes["neighbours_kept"] == 1


def test_a_product_from_elsewhere_is_embedded_into_the_same_space(shop: Project) -> None:
    some = products()
    embedding_set = embed_initial(shop)
    projection = Projection.load(embedding_set.path / PROJECTION_FILE)
    one = some[3]
    assert one.image is not None
    here = np.ones(1, np.bool_)
    vectors = projection(
        {
            "image": Part(image_encoder("efficientnet-lite0").encode([one.image]), here),
            "text": Part(text_encoder("static").encode([one.texts["title"]]), here),
        }
    )
    rows, cosines = embedding_set.nearest(vectors, k=1)
    assert embedding_set.ids[rows[0, 0]].as_py() == one.id
    assert cosines[0, 0] > 0.999


def test_a_pool_without_anything_to_embed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="has no products to embed"):
        embed_initial(make_project(tmp_path / "empty", []))
    with pytest.raises(EmbeddingError, match=r"No product of .* has an image or a text"):
        embed_initial(make_project(tmp_path / "bare", products(images=False, texts=False)))


def test_embedding_again_takes_the_place_of_a_rounds_set_that_is_gone(
    tmp_path: Path, shop: Project
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shop.root, copy)
    project = Project.open(copy)
    lost = '{"round": 3, "embedding_set": "round-0003"}'
    project.active_path.write_text(lost)
    with pytest.raises(EmbeddingError, match="productnet embed"):
        active_set(project)
    embed_initial(project)
    assert active_set(project).name == "initial"


@pytest.mark.parametrize("text", ['{"round": "x", "embedding_set": "a"}', "[1]", "{}"])
def test_an_active_file_of_other_content_is_refused(tmp_path: Path, text: str) -> None:
    project = Project.create(tmp_path / "shop", Settings())
    project.active_path.write_text(text)
    with pytest.raises(EmbeddingError, match="Delete it and run"):
        read_active(project)
