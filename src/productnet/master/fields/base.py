"""What a field encoder is: learnt from the training products, then one vector a product."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import numpy as np
import torch
from pydantic import JsonValue
from torch import nn

from productnet.master.fields.columns import Column

Json = JsonValue


class Field(Protocol):
    """What one input of the model holds for N products; an encoder asks for what it can read."""

    def __len__(self) -> int: ...

    def texts(self) -> list[str | None]:
        """The text of each product; None where it has none."""
        ...

    def images(self, rows: np.ndarray) -> Sequence[bytes | None]:
        """The encoded images of these rows (B,); None where a product has none."""
        ...

    def features(self, encoder: str) -> tuple[np.ndarray, np.ndarray]:
        """A pretrained encoder's output, (N, D) float32, and which are present, (N,) bool."""
        ...

    def has_image(self) -> np.ndarray:
        """Whether each product has an image, (N,) bool, without decoding any."""
        ...


class FieldEncoder(nn.Module, ABC):
    """Turns one input of a product into a vector of ``dimension`` numbers.

    A class is one line of the registry. Its constructor takes JSON values only, which
    ``config`` gives back: that and the weights are all that a saved model keeps.
    """

    # Reads pictures; text otherwise.
    reads_images: ClassVar[bool] = False
    # Learning rate relative to the model's: smaller for what is pretrained.
    rate: float = 1.0

    dimension: int
    # Words whose weights its batches carry behind the vectors, for the linear member (V).
    word_count: int = 0

    # ``learn(field, *, variant, **settings)`` gives an encoder with what must be known before
    # training: vocabulary, sizes. Each class has settings of its own, which presets name;
    # ``variant`` is what stood behind the colon of the encoder's name. Raises EncoderError if
    # weights are needed that are not here.
    learn: ClassVar[Callable[..., "FieldEncoder"]]

    @property
    def shared_as(self) -> str | None:
        """What is common to all encoders that prepare the same columns, whatever they learnt.

        None where a column depends on what this very encoder learnt.
        """
        return None

    def counted_anew(self, field: Field) -> "FieldEncoder":
        """One made of these products, if that takes counting and no training; else itself."""
        return self

    @abstractmethod
    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""

    @abstractmethod
    def prepare(self, field: Field) -> Column:
        """The field's values in the form that ``forward`` takes batches of."""

    @abstractmethod
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The column's batch as vectors: (B, dimension)."""
