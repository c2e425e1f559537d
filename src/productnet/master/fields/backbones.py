"""Pretrained networks that can be trained further: one class for text, one for pictures.

Each knows how its field becomes a column, and what it says of a batch of it: the same vector as
the frozen encoder of its name, until training moves it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.encoders import efficientnet, minilm
from productnet.encoders.efficientnet import VARIANTS, Variant
from productnet.encoders.pictures import square_pixels
from productnet.encoders.texts import well_formed
from productnet.errors import ImageError
from productnet.master.fields.base import Field
from productnet.master.fields.columns import Column, Images, Sequences


class Backbone(Protocol):
    """What the field encoder ``finetuned`` needs of a pretrained network."""

    dimension: int

    def load_pretrained(self) -> None:
        """Take over the published weights; raises EncoderError if they are missing."""
        ...

    def prepare(self, field: Field) -> Column:
        """The field's values in the form that ``forward`` takes batches of."""
        ...

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The column's batch as vectors: (B, dimension)."""
        ...


class TextBackbone(nn.Module):
    """MiniLM: the mean of its outputs over the tokens of a text, at unit length."""

    dimension = minilm.DIMENSION

    def __init__(self) -> None:
        super().__init__()
        self.network = minilm.untrained_network()

    def load_pretrained(self) -> None:
        """See ``Backbone.load_pretrained``."""
        self.network = minilm.pretrained_network()

    def prepare(self, field: Field) -> Column:
        """Texts as the ids of their first tokens."""
        texts = field.texts()
        present = np.array([text is not None for text in texts], dtype=bool)
        encodings = minilm.tokenizer().encode_batch([well_formed(text or "") for text in texts])
        return Sequences.of((encoding.ids for encoding in encodings), present)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(ids (B, L), lengths (B,)) -> (B, 384)."""
        ids, lengths = inputs
        mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]  # (B, L)
        said = self.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        summed = (said * mask[:, :, None]).sum(dim=1)  # (B, L, D) -> (B, D)
        return F.normalize(summed, dim=1)


class ImageBackbone(nn.Module):
    """EfficientNet-Lite: its last convolution averaged over the picture, at unit length.

    The statistics of its normalisation layers stay those of ImageNet: batches are small.
    """

    dimension = efficientnet.DIMENSION

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self._variant = variant
        self.network = _headless(efficientnet.untrained_network(variant))

    def load_pretrained(self) -> None:
        """See ``Backbone.load_pretrained``."""
        self.network = _headless(efficientnet.pretrained_network(self._variant))

    def train(self, mode: bool = True) -> Self:
        """As of any module, but for normalisation layers."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def prepare(self, field: Field) -> Column:
        """Images, read and decoded as batches ask for them."""

        def read(rows: np.ndarray) -> torch.Tensor:
            pixels = [_pixels(image, self._variant.side) for image in field.images(rows)]
            return torch.from_numpy(np.stack(pixels))  # (B, 3, S, S)

        return Images(read, field.has_image())

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(pixels (B, 3, S, S),) -> (B, 1280)."""
        (pixels,) = inputs
        # -> (B, D, S / 32, S / 32)
        features = self.network.extract_features(pixels)  # type: ignore[operator]
        return F.normalize(features.mean((2, 3)), dim=1)  # -> (B, D)


def _pixels(image: bytes | None, side: int) -> np.ndarray:
    """One image as (3, S, S) float32 about -1 to 1; zeros when missing or unreadable."""
    try:
        if image is not None:
            pixels = square_pixels(image, side).astype(np.float32)  # (S, S, 3)
            return (pixels.transpose(2, 0, 1) - 127) / 128
    except ImageError:
        pass  # The pool holds no such image: import checks each. A table may; it is missing.
    return np.zeros((3, side, side), dtype=np.float32)


def _headless(network: nn.Module) -> nn.Module:
    """The network without the classifier of ImageNet, which nothing here reaches."""
    network._fc = nn.Identity()
    return network


# Name of a pretrained encoder to what makes its trainable form, with weights from chance.
BACKBONES: Mapping[str, Callable[[], Backbone]] = {
    minilm.NAME: TextBackbone,
    **{name: partial(ImageBackbone, variant) for name, variant in VARIANTS.items()},
}
