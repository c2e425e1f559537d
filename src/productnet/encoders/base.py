"""What an encoder is: a frozen pretrained network that turns an image or a text into a vector.

Every encoder of the registry keeps four promises, which one contract test holds them to: a
result depends on the input alone and not on what else is in the call, results come in the order
of the inputs, an empty call gives an empty array, and text of any kind is encoded.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
PixelArray = NDArray[np.uint8]


class Encoder(Protocol):
    """What image and text encoders have in common.

    Attributes:
        name: The name it was asked for by.
        version: Changes whenever the same input may give another vector; features are kept
            under it.
        dimension: Length D of a vector.
    """

    name: str
    version: str
    dimension: int


class ImageEncoder(Encoder, Protocol):
    """Turns encoded images into vectors.

    Attributes:
        side: Pixels S of the square that it sees, as ``square_pixels`` makes it. Decoding may be
            done apart from encoding, and elsewhere.
    """

    side: int

    def encode(self, images: Sequence[bytes]) -> FloatArray:
        """Vectors (B, D) of B encoded images (JPEG, PNG, WebP …), not normalised.

        Raises ImageError if one cannot be decoded.
        """
        ...

    def encode_pixels(self, pixels: PixelArray) -> FloatArray:
        """The same of images decoded already: (B, S, S, 3) -> (B, D)."""
        ...


class TextEncoder(Encoder, Protocol):
    """Turns texts into vectors."""

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors (B, D) of B texts."""
        ...
