"""Fine-tuned: a pretrained encoder that trains with the rest, at a small learning rate.

Named ``finetuned:<encoder>``, such as ``finetuned:minilm``. Where ``frozen:`` computes features
once, this reads texts and pictures in every epoch, which costs a hundred times more; its
weights are part of the saved model. What is pretrained moves slowly while the layers above it
learn fast (discriminative learning rates: Howard and Ruder 2018, *Universal Language Model
Fine-tuning for Text Classification*, section 3.2, here one rate for all of the backbone).
"""

from typing import Self

import torch

from productnet.errors import EncoderError, did_you_mean
from productnet.master.fields.backbones import BACKBONES
from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Column

# Of a preset's rate of 0.003 it leaves 0.00006, at home with small transformers.
RATE = 0.02


class Finetuned(FieldEncoder):
    """A pretrained network's vector of unit length, with all of its weights trainable.

    Args:
        encoder: Name of the pretrained encoder.
        rate: Learning rate relative to the model's.
    """

    def __init__(self, *, encoder: str, rate: float) -> None:
        super().__init__()
        if encoder not in BACKBONES:
            raise EncoderError(
                f'Encoder "{encoder}" cannot be fine-tuned; {", ".join(BACKBONES)} can. '
                f"{did_you_mean(encoder, BACKBONES)}".rstrip()
            )
        self.encoder = encoder
        self.rate = rate
        self.backbone = BACKBONES[encoder]()
        self.dimension = self.backbone.dimension

    @classmethod
    def learn(cls, field: Field, *, variant: str, rate: float = RATE) -> Self:
        """The pretrained encoder that ``variant`` names."""
        encoder = cls(encoder=variant, rate=rate)
        encoder.backbone.load_pretrained()
        return encoder

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {"encoder": self.encoder, "rate": self.rate}

    def prepare(self, field: Field) -> Column:
        """What the backbone reads."""
        return self.backbone.prepare(field)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The column's batch as vectors: (B, dimension)."""
        return self.backbone(*inputs)
