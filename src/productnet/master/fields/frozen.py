"""Frozen features: what a registered pretrained encoder says of a field, computed once.

Named ``frozen:<encoder>``, such as ``frozen:efficientnet-lite0``. The encoder itself never
trains and is no part of the saved model; with a project its features come from the cache.
"""

from typing import Self

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from productnet.errors import EncoderError, TrainingError
from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Column, Vectors


class Frozen(FieldEncoder):
    """Features scaled to unit length, so that every product weighs alike; nothing in it is learnt.

    Args:
        encoder: Name in the registry of pretrained encoders.
        dimension: Numbers that it gives.
        scale: Length that features are scaled to.
    """

    def __init__(self, *, encoder: str, dimension: int, scale: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dimension = dimension
        self.scale = scale

    @classmethod
    def learn(cls, field: Field, *, variant: str, scale: float = 1.0) -> Self:
        """An encoder as wide as the features of these products."""
        if not variant:
            raise EncoderError(
                'Say which pretrained encoder is frozen, such as "frozen:efficientnet-lite0".'
            )
        features, _present = field.features(variant)
        return cls(encoder=variant, dimension=features.shape[1], scale=scale)

    @property
    def shared_as(self) -> str:
        """The pretrained encoder, and the length of its vectors."""
        return f"frozen:{self.encoder}:{self.scale}"

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {"encoder": self.encoder, "dimension": self.dimension, "scale": self.scale}

    def prepare(self, field: Field) -> Column:
        """Features of unit length times ``scale``; zeros where missing."""
        features, present = field.features(self.encoder)
        if features.shape[1] != self.dimension:
            raise EncoderError(
                f'Encoder "{self.encoder}" gives {features.shape[1]} numbers here, and gave '
                f"{self.dimension} when the model was trained. Train the model again."
            )
        broken = ~np.isfinite(features).all(axis=1)
        if broken.any():
            raise TrainingError(
                f'Encoder "{self.encoder}" gave numbers that are not finite for '
                f"{int(broken.sum())} of {len(broken)} products, the first at row "
                f"{int(broken.argmax())}. Compute its features again."
            )
        unit = F.normalize(torch.from_numpy(np.asarray(features, dtype=np.float32)), dim=1)
        return Vectors(unit.mul_(self.scale), np.asarray(present, dtype=bool))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(features (B, D),) -> (B, D)."""
        (features,) = inputs
        return features
