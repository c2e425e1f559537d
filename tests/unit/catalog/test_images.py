"""Images are checked whole, scaled, turned upright, and given a thumbnail."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from productnet.catalog.image_sources import image_references
from productnet.catalog.images import BadImage, LoadedImage, load_image
from productnet.catalog.readers.rows import FaultKind
from productnet.settings import ImageSettings

SETTINGS = ImageSettings(max_side=64, thumbnail_side=16, max_pixels=100_000, max_bytes=200_000)


def noisy(size: tuple[int, int]) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def encoded(
    format: str = "JPEG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object
) -> bytes:
    noise = noisy(size).convert(mode)
    buffer = io.BytesIO()
    noise.save(buffer, format, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_small_image_is_kept_as_it_came(format: str) -> None:
    data = encoded(format)
    loaded = load_image(data, SETTINGS)
    assert loaded.data == data
    assert opened(loaded.thumbnail).size == (16, 12)
    assert opened(loaded.thumbnail).format == "JPEG"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_large_image_is_scaled_down(format: str) -> None:
    loaded = load_image(encoded(format, (200, 100)), SETTINGS)
    assert opened(loaded.data).size == (64, 32)
    assert opened(loaded.data).format == "JPEG"
    assert opened(loaded.thumbnail).size == (16, 8)


def test_transparency_is_kept_and_the_thumbnail_is_on_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(buffer, "PNG")
    loaded = load_image(buffer.getvalue(), SETTINGS)
    assert (opened(loaded.data).format, opened(loaded.data).mode) == ("PNG", "RGBA")
    assert opened(loaded.thumbnail).getpixel((8, 8)) == (255, 255, 255)


def test_exif_orientation_turns_the_image_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    loaded = load_image(encoded(size=(40, 20), exif=exif), SETTINGS)
    assert opened(loaded.data).size == (20, 40)
    assert opened(loaded.data).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "LA", "I;16", "1"])
def test_every_mode_becomes_a_thumbnail(mode: str) -> None:
    grey = Image.new("I;16", (40, 30), 40_000)
    image = grey if mode == "I;16" else noisy((40, 30)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    loaded = load_image(buffer.getvalue(), SETTINGS)
    assert opened(loaded.thumbnail).mode == "RGB"
    if mode == "I;16":
        red = opened(loaded.thumbnail).getpixel((0, 0))
        assert isinstance(red, tuple)
        assert 150 <= red[0] <= 160


def test_the_first_frame_of_a_moving_image_counts() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    pixel = opened(load_image(buffer.getvalue(), SETTINGS).data).getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > 50 > pixel[2]


def test_a_thumbnail_is_made_when_asked_for() -> None:
    data = encoded("PNG")
    assert load_image(data, SETTINGS, thumbnail=False) == LoadedImage(data, b"")


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (png_claiming(100_000, 100_000), FaultKind.IMAGE_BOMB, "pixels"),
        (png_claiming(1_000, 101), FaultKind.IMAGE_BOMB, "1000 x 101 pixels; settings.images.max"),
        (encoded("PNG", (400, 251), "L"), FaultKind.IMAGE_BOMB, "max_pixels is 100,000"),
        (b"x" * 200_001, FaultKind.IMAGE_TOO_LARGE, "max_bytes is 200,000"),
        (encoded("JPEG")[:-300], FaultKind.IMAGE_CORRUPT, "damaged: image file is truncated"),
        (encoded("JPEG", (200, 100))[:-3000], FaultKind.IMAGE_CORRUPT, "damaged"),
        (encoded("PNG")[:-300], FaultKind.IMAGE_CORRUPT, "damaged"),
        (encoded("WEBP")[:-300], FaultKind.IMAGE_CORRUPT, ""),
        (b"", FaultKind.IMAGE_CORRUPT, "empty"),
        (b"<html>404</html>", FaultKind.IMAGE_CORRUPT, "HTML"),
        (b"no image at all", FaultKind.IMAGE_CORRUPT, "starts b'no image'"),
        (encoded("TIFF"), FaultKind.IMAGE_CORRUPT, "known kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_images_are_refused_with_the_reason(data: bytes, kind: FaultKind, message: str) -> None:
    with pytest.raises(BadImage) as raised:
        load_image(data, SETTINGS)
    assert raised.value.kind == kind
    assert message in str(raised.value)
    assert " at 0x" not in str(raised.value)  # the same reason on every run


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, []),
        ("", []),
        (b"\xff", [b"\xff"]),
        ("a b, c.jpg", ["a b, c.jpg"]),
        ("a.jpg|b.JPG;c.webp", ["a.jpg", "b.JPG", "c.webp"]),
        ("https://h/w_1,h_2/a, https://h/b", ["https://h/w_1,h_2/a", "https://h/b"]),
        ('["a.jpg", "b.jpg"]', ["a.jpg", "b.jpg"]),
        ({"bytes": b"\xff", "path": "a.jpg"}, [b"\xff"]),
        ({"bytes": None, "path": "a.jpg"}, ["a.jpg"]),
        ([{"bytes": b"\xff", "path": None}, "b.jpg"], [b"\xff", "b.jpg"]),
    ],
)
def test_a_cell_names_images_in_many_ways(cell: object, expected: list[object]) -> None:
    assert list(image_references(cell)) == expected
