from pathlib import Path

import numpy as np
import pytest

from productnet.embeddings.initial import neighbours_kept
from productnet.embeddings.projection import Part, Projection
from productnet.errors import EmbeddingError

COUNT, IMAGE, TEXT = 600, 48, 24


def parts(*, seed: int = 0, missing: float = 0.0) -> dict[str, Part]:
    """Products of twelve kinds, which show in the image and in the text."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(COUNT) % 12
    made = {}
    for name, dimension in (("image", IMAGE), ("text", TEXT)):
        centres = np.random.default_rng(dimension).normal(size=(12, dimension))
        noise = rng.normal(size=(COUNT, dimension))
        vectors = (3 + centres[kinds] + 0.3 * noise).astype(np.float32)
        made[name] = Part(vectors, rng.random(COUNT) >= missing)
    return made


def without_images(products: dict[str, Part]) -> dict[str, Part]:
    image = products["image"]
    nothing = Part(np.zeros_like(image.vectors), np.zeros(COUNT, np.bool_))
    return {"image": nothing, "text": products["text"]}


def test_vectors_have_length_one_and_the_dimension_asked_for() -> None:
    vectors = Projection.fit(parts(), dimension=16)(parts())
    assert vectors.shape == (COUNT, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("dimension", [IMAGE + TEXT, 10_000])
def test_nothing_is_reduced_when_there_is_nothing_to_reduce(dimension: int) -> None:
    projection = Projection.fit(parts(), dimension=dimension)
    assert projection.axes is None
    assert projection.dimension == IMAGE + TEXT
    joined = projection.join(parts())
    assert neighbours_kept(projection, joined, rng=np.random.default_rng(0)) == 1.0


def test_more_dimensions_keep_more_neighbours() -> None:
    kept = []
    for dimension in (2, 8, 64):
        projection = Projection.fit(parts(), dimension=dimension)
        joined = projection.join(parts())
        kept.append(neighbours_kept(projection, joined, rng=np.random.default_rng(0)))
    assert 0 < kept[0] < kept[1] < kept[2] < 1


def test_a_product_without_image_stays_near_itself_with_image() -> None:
    products = parts(missing=0.2)
    projection = Projection.fit(products, dimension=16)
    whole, textual = projection(parts()), projection(without_images(parts()))
    own = (whole * textual).sum(axis=1)
    kind_of_nearest = (textual @ whole.T).argmax(axis=1) % 12
    assert own.mean() > 0.8
    assert (kind_of_nearest == np.arange(COUNT) % 12).mean() > 0.95


def test_a_product_of_which_nothing_is_known_is_the_zero_vector() -> None:
    projection = Projection.fit(parts(missing=0.3), dimension=16)
    nothing = {
        name: Part(np.zeros((1, size), np.float32), np.zeros(1, np.bool_))
        for name, size in (("image", IMAGE), ("text", TEXT))
    }
    assert not projection(nothing).any()


def test_products_with_either_but_never_both_are_embedded() -> None:
    products = parts()
    even = np.arange(COUNT) % 2 == 0
    split = {
        "image": Part(products["image"].vectors, even),
        "text": Part(products["text"].vectors, ~even),
    }
    vectors = Projection.fit(split, dimension=16)(split)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_one_modality_is_enough_and_another_is_refused() -> None:
    only_text = {"text": parts()["text"]}
    projection = Projection.fit(only_text, dimension=8)
    assert projection(only_text).shape == (COUNT, 8)
    with pytest.raises(EmbeddingError, match="made of text; the features given are of image"):
        projection({"image": parts()["image"]})


def test_fitting_again_gives_the_same() -> None:
    first, second = (Projection.fit(parts(missing=0.2), dimension=16) for _ in range(2))
    assert np.array_equal(first.axes, second.axes)  # type: ignore[arg-type]
    assert np.array_equal(first.guesses["image"], second.guesses["image"])


def test_it_is_read_back_as_written(tmp_path: Path) -> None:
    projection = Projection.fit(parts(missing=0.2), dimension=16)
    path = tmp_path / "projection.safetensors"
    path.write_bytes(projection.to_bytes())
    assert np.array_equal(Projection.load(path)(parts()), projection(parts()))
    path.write_bytes(b"something else")
    with pytest.raises(EmbeddingError, match="is not a projection"):
        Projection.load(path)
