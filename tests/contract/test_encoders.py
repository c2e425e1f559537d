"""What every shipped encoder promises, whichever it is."""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from productnet.encoders.base import ImageEncoder, TextEncoder
from productnet.encoders.pictures import square_pixels
from productnet.encoders.registry import (
    IMAGE_ENCODERS,
    TEXT_ENCODERS,
    encoder_slug,
    image_encoder,
    text_encoder,
)
from productnet.errors import ImageError

T = TypeVar("T", bytes, str)

# Two hundred times finer than the float16 that features are kept in.
CLOSE = 1e-5

TEXTS = [
    "A red enamel mug",
    "",
    " ",
    "mug " * 3_000,
    "白い磁器のカップ",
    "كوب",
    "☕" * 50,
    "\x00\x07\ufeff\u202e",
    "lone surrogate \ud800 here",
    "[CLS] [MASK] [SEP] ##ing",
    "a" * 100_000,
    "A red enamel mug",
]


@cache
def loaded_image_encoder(name: str) -> ImageEncoder:
    return image_encoder(name)


@cache
def loaded_text_encoder(name: str) -> TextEncoder:
    return text_encoder(name)


def picture(mode: str, size: tuple[int, int], kind: str = "PNG", seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels) if mode in "RGB L RGBA LA" else Image.new(mode, size)
    image.save(file, kind)
    return file.getvalue()


PICTURES = {
    "photograph": picture("RGB", (320, 200), "JPEG", seed=1),
    "one pixel": picture("RGB", (1, 1)),
    "a line": picture("RGB", (3_000, 1)),
    "grayscale": picture("L", (64, 64), "JPEG"),
    "print colours": picture("CMYK", (64, 64), "JPEG"),
    "palette": picture("P", (64, 64), "GIF"),
    "alpha": picture("RGBA", (64, 64)),
    "gray and alpha": picture("LA", (64, 64)),
    "one bit": picture("1", (64, 64)),
    "webp": picture("RGB", (64, 64), "WEBP"),
}


def check_vectors(vectors: np.ndarray, count: int, dimension: int) -> None:
    assert vectors.shape == (count, dimension)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("name", [*IMAGE_ENCODERS])
class TestImageEncoders:
    def test_says_who_it_is(self, name: str) -> None:
        encoder = loaded_image_encoder(name)
        assert encoder.name == name == encoder_slug(name)
        assert encoder.version

    def test_encodes_pictures_of_every_kind(self, name: str) -> None:
        encoder = loaded_image_encoder(name)
        vectors = encoder.encode(list(PICTURES.values()))
        check_vectors(vectors, len(PICTURES), encoder.dimension)
        assert len(np.unique(vectors[[0, 1, 3, 6]], axis=0)) == 4

    def test_nothing_in_nothing_out(self, name: str) -> None:
        encoder = loaded_image_encoder(name)
        check_vectors(encoder.encode([]), 0, encoder.dimension)

    def test_a_vector_depends_on_its_image_alone(self, name: str) -> None:
        check_independence(loaded_image_encoder(name).encode, list(PICTURES.values()))

    def test_images_may_be_decoded_elsewhere(self, name: str) -> None:
        encoder = loaded_image_encoder(name)
        images = list(PICTURES.values())
        pixels = np.stack([square_pixels(one, encoder.side) for one in images])
        np.testing.assert_allclose(
            encoder.encode_pixels(pixels), encoder.encode(images), atol=CLOSE
        )

    def test_a_damaged_image_is_refused(self, name: str) -> None:
        for content in (b"", b"not an image", PICTURES["photograph"][:200]):
            with pytest.raises(ImageError, match="cannot be decoded"):
                loaded_image_encoder(name).encode([PICTURES["one pixel"], content])


@pytest.mark.parametrize("name", [*TEXT_ENCODERS])
class TestTextEncoders:
    def test_says_who_it_is(self, name: str) -> None:
        encoder = loaded_text_encoder(name)
        assert encoder.name == name == encoder_slug(name)
        assert encoder.version

    def test_encodes_text_of_every_kind(self, name: str) -> None:
        encoder = loaded_text_encoder(name)
        vectors = encoder.encode(TEXTS)
        check_vectors(vectors, len(TEXTS), encoder.dimension)
        assert np.array_equal(vectors[0], vectors[-1])

    def test_nothing_in_nothing_out(self, name: str) -> None:
        encoder = loaded_text_encoder(name)
        check_vectors(encoder.encode([]), 0, encoder.dimension)

    def test_a_vector_depends_on_its_text_alone(self, name: str) -> None:
        check_independence(loaded_text_encoder(name).encode, TEXTS)

    def test_texts_of_like_meaning_are_near(self, name: str) -> None:
        texts = ["red coffee mug", "crimson cup for tea", "mens running shoes"]
        mug, cup, shoes = loaded_text_encoder(name).encode(texts)
        assert mug @ cup > mug @ shoes + 0.1


def check_independence(encode: Callable[[Sequence[T]], np.ndarray], inputs: Sequence[T]) -> None:
    together = encode(inputs)
    assert np.array_equal(together, encode(inputs))
    order = np.random.default_rng(0).permutation(len(inputs))
    shuffled = encode([inputs[row] for row in order])
    np.testing.assert_allclose(shuffled, together[order], rtol=CLOSE, atol=CLOSE)
    alone = np.concatenate([encode([one]) for one in inputs])
    np.testing.assert_allclose(alone, together, rtol=CLOSE, atol=CLOSE)
