"""The paper's image encoder: Inception-v4 trained with the rest of the master model.

Images are stretched to a square of 299 pixels between -1 and 1. A missing image is a zero
image, as in the paper (section 2.2).
"""

import io
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from productnet.errors import EncoderError
from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Column, Images
from productnet.master.fields.inception_v4 import FEATURES, InceptionV4

_TIMM_NAME = "inception_v4.tf_in1k"


class Inception(FieldEncoder):
    """Inception-v4's pooled ``mixed_7d`` features, with all of its weights trainable.

    Args:
        side: Pixels that images are scaled to; 299 in the paper.
        rate: Learning rate relative to the model's.
    """

    reads_images: ClassVar[bool] = True

    def __init__(self, *, side: int, rate: float) -> None:
        super().__init__()
        self.dimension = FEATURES
        self.side = side
        self.rate = rate
        self.network = InceptionV4()

    @classmethod
    def learn(cls, field: Field, *, variant: str, side: int = 299) -> Self:
        """Inception-v4 with weights by variant: ``random``, a safetensors file, or timm's."""
        if variant == "random":
            return cls(side=side, rate=1.0)
        encoder = cls(side=side, rate=0.1)
        weights = _read(Path(variant)) if variant else _from_timm()
        load_backbone(encoder.network, weights, source=variant or f"timm's {_TIMM_NAME}")
        return encoder

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {"side": self.side, "rate": self.rate}

    def prepare(self, field: Field) -> Column:
        """Images, read and decoded as batches ask for them."""

        def read(rows: np.ndarray) -> torch.Tensor:
            pixels = [_pixels(image, self.side) for image in field.images(rows)]
            return torch.from_numpy(np.stack(pixels))  # (B, 3, S, S)

        return Images(read, field.has_image())

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(pixels (B, 3, S, S),) -> (B, 1536)."""
        (pixels,) = inputs
        return torch.as_tensor(self.network(pixels))


def load_backbone(network: InceptionV4, weights: dict[str, torch.Tensor], *, source: str) -> None:
    """Take over weights named as timm names them; its classifier is left out.

    Raises EncoderError if a weight is missing or has another shape.
    """
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in weights:
            raise EncoderError(
                f"{source} is not Inception-v4: it has no weight {name}. "
                "Weights are named as in timm's inception_v4."
            )
        if weights[name].shape != tensor.shape:
            raise EncoderError(
                f"{source} is not Inception-v4: its {name} has shape "
                f"{tuple(weights[name].shape)}, expected {tuple(tensor.shape)}."
            )
    network.load_state_dict({name: weights.get(name, wanted[name]) for name in wanted})


def _read(file: Path) -> dict[str, torch.Tensor]:
    try:
        read: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise EncoderError(
            f"Inception-v4 weights cannot be read from {file}: {error}. Name a safetensors file "
            "with timm's weight names, or train from chance with inception-v4:random."
        ) from error
    return read


def _from_timm() -> dict[str, torch.Tensor]:
    advice = (
        "Name a safetensors file (inception-v4:FILE), train from chance (inception-v4:random), "
        'or take another image encoder, as in MasterModel(preset="paper", '
        'image="efficientnet-lite0").'
    )
    try:
        import timm
    except ImportError as error:
        raise EncoderError(
            f"Pretrained Inception-v4 weights come from timm, which is not installed. {advice}"
        ) from error
    try:
        model = timm.create_model(_TIMM_NAME, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise EncoderError(
            f"timm could not bring the weights of {_TIMM_NAME}: {error}. {advice}"
        ) from error
    weights: dict[str, torch.Tensor] = model.state_dict()
    return weights


def _pixels(image: bytes | None, side: int) -> np.ndarray:
    """One image as (3, S, S) float32 between -1 and 1; zeros when missing or unreadable."""
    if image is None:
        return np.zeros((3, side, side), dtype=np.float32)
    try:
        with Image.open(io.BytesIO(image)) as opened:
            small = opened.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    except (OSError, ValueError, Image.DecompressionBombError):
        # The pool holds no such image: import checks each. A table may; it counts as missing.
        return np.zeros((3, side, side), dtype=np.float32)
    return np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1
