"""Untrusted images let in: checked by decoding them whole, scaled down, and given a thumbnail."""

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from productnet.catalog.readers.rows import Fault, FaultKind
from productnet.errors import ImageError
from productnet.settings import ImageSettings

# Decoders that see untrusted bytes; Pillow has dozens, most of them rarely looked after.
SAFE_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

# Formats stored as they came; of the others the first frame is encoded anew. MPO is what Pillow
# calls a JPEG with a second picture behind it.
_KEPT = frozenset({"JPEG", "MPO", "PNG", "WEBP"})
_KEPT_MODES = frozenset({"RGB", "RGBA", "L", "LA", "P", "1"})

_IMAGE_QUALITY = 90
_THUMBNAIL_QUALITY = 85
_LARGEST_THUMBNAIL = 100_000  # bytes; a JPEG of that size may be mostly metadata
_ORIENTATION = 0x0112

# As sharp as bicubic when scaling down, at the cost of bilinear (Pillow's table of filters).
_FILTER = Image.Resampling.HAMMING

# What Pillow's decoders raise on bytes that are not what they claim to be.
DECODING = (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError,
             OverflowError, AttributeError, MemoryError, struct.error, zlib.error)  # fmt: skip
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class BadImage(ImageError):
    """An image that cannot be used; ``kind`` is the short code of the reason."""

    def __init__(self, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind

    def fault(self, field: str) -> Fault:
        """The same as a fault of a product's field."""
        return Fault(self.kind, str(self), field)


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image fit for the pool.

    Attributes:
        data: JPEG, PNG or WebP, upright, its sides at most ``images.max_side``.
        thumbnail: JPEG, its sides at most ``images.thumbnail_side``; empty unless asked for.
    """

    data: bytes
    thumbnail: bytes


def load_image(
    data: bytes, settings: ImageSettings, *, thumbnail: bool = True, decode: bool = True
) -> LoadedImage:
    """Check an encoded image by decoding all of it, and bring it to the pool's sizes.

    The number of pixels is read from the header and checked before anything is decoded. A JPEG
    far larger than needed is decoded at a fraction of its size, which still reads every byte.
    Memory is at most 4 bytes for each of ``max_pixels`` and a scaled copy. Pillow releases the
    interpreter lock while it works, so threads use several cores.

    Without ``decode`` an image that fits as it came is checked by its header alone: for whoever
    decodes it next, and then sees whether it is damaged.

    Raises BadImage.
    """
    if len(data) > settings.max_bytes:
        reason = f"{len(data):,} bytes; settings.images.max_bytes is {settings.max_bytes:,}."
        raise BadImage(FaultKind.IMAGE_TOO_LARGE, reason)
    try:
        with Image.open(io.BytesIO(data), formats=SAFE_FORMATS) as image:
            _check_pixels(image, settings)
            if not decode and _fits(image, settings):
                return LoadedImage(data, b"")
            return _fitted(data, image, settings, thumbnail=thumbnail)
    except _BOMBS as error:
        reason = f"The image claims more pixels than are safe to decode: {error}"
        raise BadImage(FaultKind.IMAGE_BOMB, reason) from error
    except UnidentifiedImageError:
        raise BadImage(FaultKind.IMAGE_CORRUPT, _what_it_is(data)) from None
    except DECODING as error:
        reason = f"The image is damaged: {error or type(error).__name__}."
        raise BadImage(FaultKind.IMAGE_CORRUPT, reason) from error


def _check_pixels(image: Image.Image, settings: ImageSettings) -> None:
    width, height = image.size
    if width * height > settings.max_pixels:
        raise BadImage(
            FaultKind.IMAGE_BOMB,
            f"{width} x {height} pixels; settings.images.max_pixels is {settings.max_pixels:,}.",
        )


def _fitted(
    data: bytes, image: Image.Image, settings: ImageSettings, *, thumbnail: bool
) -> LoadedImage:
    # draft() has a JPEG decoded at the smallest of 1, 1/2, 1/4 and 1/8 not below the size asked.
    if _fits(image, settings):
        serves_as_thumbnail = _serves_as_thumbnail(data, image, settings)
        image.draft(None, (settings.thumbnail_side, settings.thumbnail_side))
        image.load()
        if not thumbnail:
            return LoadedImage(data, b"")
        return LoadedImage(data, data if serves_as_thumbnail else _thumbnail(image, settings))
    image.draft(None, (settings.max_side, settings.max_side))
    whole = _plain(ImageOps.exif_transpose(image))
    whole.thumbnail((settings.max_side, settings.max_side), _FILTER, reducing_gap=2.0)
    encoded = _encoded(whole, "PNG" if whole.mode == "RGBA" else "JPEG", _IMAGE_QUALITY)
    return LoadedImage(encoded, _thumbnail(whole, settings) if thumbnail else b"")


def _fits(image: Image.Image, settings: ImageSettings) -> bool:
    """Whether the encoded image can be stored as it came."""
    return (
        image.format in _KEPT
        and max(image.size) <= settings.max_side
        and image.mode in _KEPT_MODES
        and not getattr(image, "is_animated", False)
        and image.getexif().get(_ORIENTATION, 1) == 1
    )


def _serves_as_thumbnail(data: bytes, image: Image.Image, settings: ImageSettings) -> bool:
    return (
        image.format == "JPEG"
        and image.mode == "RGB"
        and max(image.size) <= settings.thumbnail_side
        and len(data) <= _LARGEST_THUMBNAIL
    )


def _thumbnail(image: Image.Image, settings: ImageSettings) -> bytes:
    """A JPEG of the image, which is scaled in place."""
    small = _plain(image)
    small.thumbnail((settings.thumbnail_side, settings.thumbnail_side), _FILTER, reducing_gap=2.0)
    if small.mode == "RGBA":
        white = Image.new("RGB", small.size, "white")
        white.paste(small, mask=small.getchannel("A"))
        small = white
    return _encoded(small, "JPEG", _THUMBNAIL_QUALITY)


def _plain(image: Image.Image) -> Image.Image:
    """The image as RGB, or RGBA where it has transparency."""
    if image.mode in ("RGB", "RGBA"):
        return image
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip to white
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    transparent = image.mode in ("LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")


def _encoded(image: Image.Image, format: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, quality=quality)
    return buffer.getvalue()


def _what_it_is(data: bytes) -> str:
    if not data:
        return "The image is empty."
    if data.lstrip()[:1] == b"<":
        return "Not an image but HTML, XML or SVG."
    return f"Not an image of a known kind ({', '.join(SAFE_FORMATS)}); it starts {data[:8]!r}."
