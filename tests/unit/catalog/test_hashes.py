"""Copies have near hashes, different products have not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from productnet.catalog.hashes import (
    IMAGE_VIEWS,
    ImageHash,
    image_distance,
    image_hash,
    text_hash,
    text_similarity,
)

NEAR = 16


def picture(seed: int, *, size: tuple[int, int] = (160, 160)) -> Image.Image:
    """Some shapes on white, with a margin."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y = rng.integers(20, 100, 2).tolist()
        width, height = rng.integers(10, 40, 2).tolist()
        draw.ellipse((x, y, x + width, y + height), fill=tuple(rng.integers(0, 200, 3).tolist()))
    return image


def encoded(image: Image.Image, *, format: str = "JPEG", quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, format, quality=quality)
    return file.getvalue()


def hashed(image: Image.Image, *, format: str = "JPEG", quality: int = 90) -> ImageHash:
    found = image_hash(encoded(image, format=format, quality=quality))
    assert found is not None
    return found


def distance(first: Image.Image, second: ImageHash) -> int:
    return int(image_distance(hashed(first)[None], second[None])[0])


def padded(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", (image.width + 60, image.height + 30), "white")
    ground.paste(image, (30, 15))
    return ground


COPIES = {
    "encoded again": lambda image: hashed(image, quality=35),
    "as PNG": lambda image: hashed(image, format="PNG"),
    "half the size": lambda image: hashed(image.resize((80, 80), Image.Resampling.BICUBIC)),
    "brighter": lambda image: hashed(ImageEnhance.Brightness(image).enhance(1.08)),
    "cropped": lambda image: hashed(image.crop((4, 3, 157, 156))),
    "on a larger ground": lambda image: hashed(padded(image)),
}


@pytest.mark.parametrize("change", list(COPIES))
def test_a_copy_of_an_image_is_near_it(change: str) -> None:
    distances = [distance(picture(seed), COPIES[change](picture(seed))) for seed in range(12)]
    assert np.mean(np.array(distances) <= NEAR) >= 0.9, distances


def test_other_images_are_far() -> None:
    distances = [distance(picture(seed), hashed(picture(seed + 1))) for seed in range(20)]
    assert min(distances) > 2 * NEAR


def test_an_image_that_shows_nothing_has_no_hash() -> None:
    assert image_hash(encoded(Image.new("RGB", (200, 200), "white"))) is None
    assert image_hash(encoded(picture(0).resize((12, 12)))) is None
    assert image_hash(b"not an image") is None
    assert image_hash(encoded(picture(0))[:300]) is None


def test_what_reaches_the_edges_is_hashed_whole() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    assert hashed(Image.fromarray(noise)).shape == (IMAGE_VIEWS, 32)
    # A gradient leaves its ground by less than what counts as content.
    ramp = np.tile(np.linspace(100, 120, 90, dtype=np.uint8), (90, 1))
    assert hashed(Image.fromarray(ramp)).shape == (IMAGE_VIEWS, 32)


def test_texts_of_the_same_words_have_the_same_hash() -> None:
    words = ["blue", "mug", "350", "ml"]
    assert np.array_equal(text_hash(words), text_hash(words[::-1]))


@pytest.mark.parametrize("shared", [0, 30, 60, 90])
def test_the_share_of_words_is_estimated(shared: int) -> None:
    estimates = []
    for trial in range(20):
        both = [f"both {trial} {number}" for number in range(shared)]
        only = [[f"{side} {trial} {number}" for number in range(100 - shared)] for side in "ab"]
        first, second = (text_hash(both + one)[None] for one in only)
        estimates.append(text_similarity(first, second)[0])
    assert np.mean(estimates) == pytest.approx(shared / (200 - shared), abs=0.04)


def test_half_a_character_is_a_word_like_any_other() -> None:
    assert text_hash(["\ud800"]).shape == (64,)


def test_hashes_stay_what_they_were() -> None:
    """They are kept on disk: raise the format version of signatures when they change."""
    assert text_hash(["blue", "mug"])[:4].tolist() == [9472, 6624, 15313, 61058]
