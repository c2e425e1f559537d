import io

import numpy as np
import pytest
from PIL import Image

from productnet.encoders import pictures
from productnet.encoders.pictures import square_pixels
from productnet.errors import ImageError


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_the_whole_image_stands_on_white_in_its_proportions() -> None:
    pixels = square_pixels(encoded(Image.new("RGB", (200, 100), "blue")), 100)
    assert pixels.shape == (100, 100, 3)
    assert (pixels[:24] == 255).all()
    assert (pixels[26:74] == (0, 0, 255)).all()
    assert (pixels[76:] == 255).all()


def test_transparency_becomes_white() -> None:
    image = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    assert (square_pixels(encoded(image), 20) == 255).all()


def test_an_image_is_turned_as_its_camera_was() -> None:
    image = Image.new("RGB", (64, 64), "white")
    image.paste("black", (0, 0, 64, 32))  # the upper half
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = square_pixels(encoded(image, "JPEG", exif=exif), 64)
    assert pixels[8:24].mean() > 250
    assert pixels[40:56].mean() < 5


def test_too_many_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 99)
    with pytest.raises(ImageError, match="10 × 10 pixels is too large to encode; at most 99"):
        square_pixels(encoded(Image.new("RGB", (10, 10))), 8)


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ImageError, match="cannot be decoded"):
        square_pixels(encoded(Image.fromarray(np.zeros((8, 8), np.uint8))), 8)
