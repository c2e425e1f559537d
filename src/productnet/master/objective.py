"""The objective: what training lowers, over a whole batch or over one process's share of it.

Cross-entropy against smoothed targets. With *nested* dimensions the first 64, 128 ... numbers of
the embedding are made to classify by themselves, with the same columns of ``w_k``: Kusupati et
al. 2022, *Matryoshka Representation Learning*, equation 1 with all weights 1 and tied
classifiers (MRL-E), averaged rather than summed so that the learning rate keeps its meaning. A
model that predicts a number lowers the Huber loss of its standardised value instead.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from productnet.master.network import Batch, MasterNetwork


class Objective(nn.Module):
    """The network with its loss, as one module, so that it can be compiled and spread over GPUs.

    Args:
        network: Trained in place.
        weights: What an example of each output weighs, (C,).
        label_smoothing: Share of the target spread over all outputs.
        nested: Dimensions below the embedding's own that classify by themselves.
        number: Whether the target is a number, and not a class.
    """

    weights: torch.Tensor

    def __init__(
        self,
        network: MasterNetwork,
        *,
        weights: torch.Tensor,
        label_smoothing: float,
        nested: Sequence[int] = (),
        number: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.label_smoothing = label_smoothing
        self.nested = tuple(nested)
        self.number = number
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, batch: Batch, targets: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
        """The loss of these products (B,), whose batch weighs ``whole`` with what others hold."""
        embedded = self.network.embed(batch)  # (B, D)
        # Of each member by itself, then of the first few dimensions alone.
        said = self.network.member_logits(embedded)
        said += [nested_logits(self.network, embedded, dimension) for dimension in self.nested]
        return torch.stack([self._loss(logits, targets) for logits in said]).mean() / whole

    def weigh(self, targets: torch.Tensor) -> torch.Tensor:
        """What examples with these targets (B,) weigh together."""
        if self.number:
            return torch.tensor(float(len(targets)), device=self.weights.device)
        return self.weights[targets].sum()

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.number:
            return F.smooth_l1_loss(logits[:, 0].float(), targets.float(), reduction="sum")
        return F.cross_entropy(
            logits.float(),
            targets,
            weight=self.weights,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )


def nested_logits(network: MasterNetwork, embedded: torch.Tensor, dimension: int) -> torch.Tensor:
    """What the first ``dimension`` numbers of an embedding (B, D) say by themselves: (B, C)."""
    of_classes = F.linear(
        embedded[:, :dimension], network.classify.weight[:, :dimension], network.classify.bias
    )  # (B, d) -> (B, K)
    return F.pad(of_classes, (0, 1)) if network.abstains else of_classes
