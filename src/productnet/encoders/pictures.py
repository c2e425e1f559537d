"""From the bytes of an image to the pixels a network sees."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from productnet.catalog.images import DECODING
from productnet.errors import ImageError

# The most pixels an image may decode to. The catalogue lets nothing larger into the pool; this
# guards against images that come from elsewhere.
MAX_PIXELS = 64_000_000

WHITE = (255, 255, 255)


def square_pixels(content: bytes, side: int) -> NDArray[np.uint8]:
    """The image as RGB pixels (side, side, 3), whole and in its proportions, on white.

    White is what most product pictures stand on, so padding looks like more of the same.
    Measured by logistic regression on EfficientNet-Lite0 features of 734 products in 23
    categories: padded .822, squeezed into the square .816, cropped to its centre .804.

    Raises:
        ImageError: The bytes are not an image, it is damaged, or it has too many pixels.
    """
    with _undecodable_as_image_error(), Image.open(io.BytesIO(content)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ImageError(
                f"An image of {image.width} × {image.height} pixels is too large to encode; "
                f"at most {MAX_PIXELS:,} pixels are. Scale it down first."
            )
        # JPEG decodes at 1/2, 1/4 or 1/8 of its size at a fraction of the cost.
        image.draft("RGB", (side, side))
        ImageOps.exif_transpose(image, in_place=True)
        scale = side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        fitted = _on_white(image).resize(size, Image.Resampling.BICUBIC)
        square = Image.new("RGB", (side, side), WHITE)
        square.paste(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
        return np.asarray(square)  # (side, side, 3)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, WHITE)
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


@contextmanager
def _undecodable_as_image_error() -> Iterator[None]:
    try:
        yield
    except (*DECODING, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The image cannot be decoded: {error}. Leave it out.") from error
