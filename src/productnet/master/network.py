"""The master network: field encoders, concatenation, two layers, softmax (paper section 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.fields.base import FieldEncoder
from productnet.master.fields.columns import Tensors
from productnet.master.presets import Preset


@dataclass(frozen=True, slots=True)
class Batch:
    """B products as tensors.

    Attributes:
        inputs: What each field encoder takes, by the input's name.
        present: Which inputs each product has, (B, F) bool.
    """

    inputs: Mapping[str, Tensors]
    present: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        moved = {
            name: tuple(tensor.to(device, non_blocking=True) for tensor in tensors)
            for name, tensors in self.inputs.items()
        }
        return Batch(moved, self.present.to(device, non_blocking=True))


class MasterNetwork(nn.Module):
    """From a batch to an embedding ``f(x)``, and to the logits ``w_k . f(x) + b_k`` of eq. 1.

    Args:
        encoders: One field encoder an input, by the input's name.
        preset: Widths, dropout, and what a missing field is.
        dimension: Of the embedding.
        classes: How many categories there are.
        abstains: Whether "none of them" is an output as well. Its logit is always 0: it needs no
            weights, and the logits of the categories say how sure the model is, not only which
            of them it prefers.
    """

    def __init__(
        self,
        encoders: Mapping[str, FieldEncoder],
        preset: Preset,
        *,
        dimension: int,
        classes: int,
        abstains: bool = False,
    ) -> None:
        super().__init__()
        self.abstains = abstains
        self.encoders = nn.ModuleDict(encoders)
        self.field_dropout = preset.field_dropout
        self.absent = (
            nn.ParameterDict(
                {name: nn.Parameter(torch.zeros(one.dimension)) for name, one in encoders.items()}
            )
            if preset.missing == "learnt"
            else None
        )
        joined = sum(encoder.dimension for encoder in encoders.values())
        self.fuse = nn.Sequential(
            nn.LayerNorm(joined) if preset.normalise else nn.Identity(),
            nn.Dropout(preset.dropout),
            nn.Linear(joined, preset.hidden),
            nn.ReLU(),
            nn.LayerNorm(preset.hidden) if preset.normalise else nn.Identity(),
            nn.Dropout(preset.dropout),
            nn.Linear(preset.hidden, dimension),
        )
        self.classify = nn.Linear(dimension, classes)

    @property
    def outputs(self) -> int:
        """How many logits there are (C): K, and one more if the model abstains."""
        return self.classify.out_features + self.abstains

    @property
    def encoders_by_name(self) -> dict[str, FieldEncoder]:
        """The field encoder of each input, in the order of ``Batch.present``."""
        return {n: one for n, one in self.encoders.items() if isinstance(one, FieldEncoder)}

    def embed(self, batch: Batch) -> torch.Tensor:
        """The embedding of each product, not normalised: (B, D)."""
        present = self._shown(batch.present)  # (B, F)
        fields = []
        for place, (name, encoder) in enumerate(self.encoders.items()):
            encoded = encoder(*batch.inputs[name])  # (B, F_i)
            if self.absent is not None:
                encoded = torch.where(present[:, place, None], encoded, self.absent[name])
            fields.append(encoded)
        return torch.as_tensor(self.fuse(torch.cat(fields, dim=1)))  # (B, sum F_i) -> (B, D)

    def logits(self, embedded: torch.Tensor) -> torch.Tensor:
        """The logits of each embedding (B, D): (B, C), that of "none of them" last."""
        of_classes = torch.as_tensor(self.classify(embedded))  # (B, D) -> (B, K)
        return F.pad(of_classes, (0, 1)) if self.abstains else of_classes

    def forward(self, batch: Batch) -> torch.Tensor:
        """The logits of each product: (B, C)."""
        return self.logits(self.embed(batch))

    def _shown(self, present: torch.Tensor) -> torch.Tensor:
        """Hides some inputs in training, never a product's last one: (B, F) bool."""
        if not self.training or not self.field_dropout:
            return present
        kept = present & (torch.rand(present.shape, device=present.device) >= self.field_dropout)
        return torch.where(kept.any(dim=1, keepdim=True), kept, present)
