"""The master network: field encoders, concatenation, two layers, softmax (paper section 2.2).

A preset may have several *members*: pairs of layers that read the same fields, each trained on a
loss of its own. Their embeddings side by side are the embedding, and since the mean of linear
classifiers is linear, eq. 1 holds for the ensemble as it does for the paper's one pair.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.fields.base import FieldEncoder
from productnet.master.fields.columns import Tensors
from productnet.master.kernel import KernelMember
from productnet.master.linear import LinearMember
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
        weights: What each input weighs in the solved members; 1 where not named.
        abstains: Whether "none of them" is an output as well. Its logit is always 0: it needs no
            weights, and the logits of the categories say how sure the model is, not only which
            of them it prefers.
    """

    shares: torch.Tensor  # (S,), of the solved members there are: kernel machine, linear SVM

    def __init__(
        self,
        encoders: Mapping[str, FieldEncoder],
        preset: Preset,
        *,
        dimension: int,
        classes: int,
        weights: Mapping[str, float] | None = None,
        abstains: bool = False,
    ) -> None:
        super().__init__()
        self.abstains = abstains
        self.encoders = nn.ModuleDict(encoders)
        self.field_dropout = preset.field_dropout
        self.field_swap = preset.field_swap
        self.absent = (
            nn.ParameterDict(
                {name: nn.Parameter(torch.zeros(one.dimension)) for name, one in encoders.items()}
            )
            if preset.missing == "learnt"
            else None
        )
        dimensions = [encoder.dimension for encoder in encoders.values()]
        joined = sum(dimensions)
        # The input whose words the linear member reads.
        self.word_input = next((name for name, one in encoders.items() if one.word_count), None)
        if self.word_input is None:
            preset = preset.without_linear()
        # Whatever the classes, so that another target can take over the body.
        self.solved_width = dimension // 2 if preset.solves else 0
        self.kernel = self.linear = None
        weighed = {name: (weights or {}).get(name, 1.0) for name in encoders}
        if self.solved_width and preset.kernel:
            self.kernel = KernelMember(dimensions, list(weighed.values()), self.solved_width)
        if self.solved_width and preset.linear and self.word_input is not None:
            own = weighed[self.word_input]
            beside = [0 if name == self.word_input else one / own for name, one in weighed.items()]
            count = encoders[self.word_input].word_count
            self.linear = LinearMember(dimensions, beside, words=count, width=self.solved_width)
        # What each solved member has of the logits; the trained ones have the rest.
        members = ((self.kernel, preset.kernel), (self.linear, preset.linear))
        shares = [share for member, share in members if member is not None]
        self.register_buffer("shares", torch.tensor(shares, dtype=torch.float32))
        widths = member_widths(dimension - self.solved_width, preset.members)
        self.members = nn.ModuleList(Member(joined, width, preset) for width in widths)
        self.classify = nn.Linear(dimension, classes)

    @property
    def outputs(self) -> int:
        """How many logits there are (C): K, and one more if the model abstains."""
        return self.classify.out_features + self.abstains

    @property
    def encoders_by_name(self) -> dict[str, FieldEncoder]:
        """The field encoder of each input, in the order of ``Batch.present``."""
        return {n: one for n, one in self.encoders.items() if isinstance(one, FieldEncoder)}

    def shares_by_part(self) -> dict[str, float]:
        """What each part has of the logits, by its name; empty where nothing is solved."""
        solved = {"kernel machine": self.kernel, "linear SVM": self.linear}
        named = [name for name, member in solved.items() if member is not None]
        shares = dict(zip(named, self.shares.tolist(), strict=True))
        rest = max(0.0, 1 - sum(shares.values()))
        return {"trained layers": rest, **shares} if shares else {}

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of everything that training changes, for ``load_state_dict``."""
        return {name: one.clone() for name, one in self.state_dict().items()}

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Whatever is trained meanwhile, the network has the weights it came with afterwards."""
        weights = self.weights()
        yield
        self.load_state_dict(weights)

    def embed(self, batch: Batch) -> torch.Tensor:
        """The embedding of each product, not normalised: (B, D), the members' side by side."""
        encoded = self.encode(batch)
        embedded = [
            member(self._joined(*self._disturbed(encoded, batch.present))) / len(self.members)
            for member in self.members
        ]  # divided, so that the sum that classifies is the mean of what members say
        if self.solved_width:
            embedded.append(self._solved(encoded, batch))
        return torch.cat(embedded, dim=1)  # M of (B, D / M) -> (B, D)

    def _solved(self, encoded: Sequence[torch.Tensor], batch: Batch) -> torch.Tensor:
        """What the solved members make of a batch: (B, their part of the embedding)."""
        solved = encoded[0].new_zeros(len(batch.present), self.solved_width)
        if self.training:
            return solved  # they learn nothing by descent, and what they cost is saved
        if self.kernel is not None:
            solved = solved + self.kernel(encoded, batch.present)
        if self.linear is not None and self.word_input is not None:
            words = batch.inputs[self.word_input][1:]
            solved = solved + self.linear(encoded, batch.present, words)
        return solved

    def encode(self, batch: Batch) -> list[torch.Tensor]:
        """What each field encoder makes of its input: F of (B, F_i)."""
        return [encoder(*batch.inputs[name]) for name, encoder in self.encoders.items()]

    def logits(self, embedded: torch.Tensor) -> torch.Tensor:
        """The logits of each embedding (B, D): (B, C), that of "none of them" last."""
        of_classes = torch.as_tensor(self.classify(embedded))  # (B, D) -> (B, K)
        return F.pad(of_classes, (0, 1)) if self.abstains else of_classes

    def member_logits(self, embedded: torch.Tensor) -> list[torch.Tensor]:
        """What each trained member says by itself, of embeddings (B, D): M of (B, C).

        Their mean is ``logits`` until others are solved. Training lowers the loss of each,
        so that they stay different.
        """
        if len(self.members) == 1 and not self.solved_width:
            return [self.logits(embedded)]
        widths = [member.width for member in self.members if isinstance(member, Member)]
        trained = sum(widths)
        parts = torch.split(embedded[:, :trained] * len(self.members), widths, dim=1)
        weights = torch.split(self.classify.weight[:, :trained], widths, dim=1)
        said = [
            F.linear(part, weight, self.classify.bias)  # (B, D / M) -> (B, K)
            for part, weight in zip(parts, weights, strict=True)
        ]
        return [F.pad(one, (0, 1)) if self.abstains else one for one in said]

    def forward(self, batch: Batch) -> torch.Tensor:
        """The logits of each product: (B, C)."""
        return self.logits(self.embed(batch))

    def _disturbed(
        self, encoded: Sequence[torch.Tensor], present: torch.Tensor
    ) -> tuple[Sequence[torch.Tensor], torch.Tensor]:
        """In training some inputs are another product's; anew for each member."""
        if not self.training or not self.field_swap:
            return encoded, present
        rows = torch.arange(len(present), device=present.device)
        others = torch.randperm(len(present), device=present.device)
        swapped = torch.rand(present.shape, device=present.device) < self.field_swap  # (B, F)
        sources = torch.where(swapped, others[:, None], rows[:, None])  # (B, F)
        fields = [one[sources[:, place]] for place, one in enumerate(encoded)]
        return fields, present.gather(0, sources)

    def _joined(self, encoded: Sequence[torch.Tensor], present: torch.Tensor) -> torch.Tensor:
        """Fields side by side, what is missing or hidden replaced: (B, sum F_i)."""
        if self.absent is None:
            return torch.cat(list(encoded), dim=1)
        shown = self._shown(present)  # (B, F)
        fields = [
            torch.where(shown[:, place, None], one, self.absent[name])
            for place, (name, one) in enumerate(zip(self.encoders, encoded, strict=True))
        ]
        return torch.cat(fields, dim=1)

    def _shown(self, present: torch.Tensor) -> torch.Tensor:
        """Hides some inputs in training, never a product's last one: (B, F) bool."""
        if not self.training or not self.field_dropout:
            return present
        kept = present & (torch.rand(present.shape, device=present.device) >= self.field_dropout)
        return torch.where(kept.any(dim=1, keepdim=True), kept, present)


class Member(nn.Module):
    """The two layers after concatenation: (B, joined) -> (B, width)."""

    def __init__(self, joined: int, width: int, preset: Preset) -> None:
        super().__init__()
        self.width = width
        self.fuse = nn.Sequential(
            nn.LayerNorm(joined) if preset.normalise else nn.Identity(),
            nn.Dropout(preset.dropout),
            nn.Linear(joined, preset.hidden),
            nn.ReLU(),
            nn.LayerNorm(preset.hidden) if preset.normalise else nn.Identity(),
            nn.Dropout(preset.dropout),
            nn.Linear(preset.hidden, width),
        )

    def forward(self, joined: torch.Tensor) -> torch.Tensor:
        """This member's part of the embedding."""
        return torch.as_tensor(self.fuse(joined))


def member_widths(dimension: int, members: int) -> list[int]:
    """How an embedding of this dimension is shared among members; none gets less than one.

    Example:
        >>> member_widths(256, 3)
        [86, 85, 85]
    """
    count = min(members, dimension)
    return [dimension // count + (place < dimension % count) for place in range(count)]
