"""What a solved member found, and how the solutions of several become part of one network.

Put side by side and factored they are a part of the embedding, to which all add, and columns of the
classifier: eq. 1 holds for them as it does for the members that are trained.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from productnet.master.network import MasterNetwork


class Solution(NamedTuple):
    """What one member found, in logits.

    Attributes:
        slopes: (K, F) on its features.
        intercepts: (K,).
        put: Makes the member give ``rows @ features`` from now on, of rows (r, F).
    """

    slopes: torch.Tensor
    intercepts: torch.Tensor
    put: Callable[[torch.Tensor], None]


def combine(network: MasterNetwork, found: Sequence[tuple[float, Solution]]) -> None:
    """Factor solutions, each with its share of the logits, into embedding and classifier; in place.

    What was trained has the rest. Where the part of the embedding is at least as wide as the
    solution's rank, one less than the categories (as many where the network abstains), it has
    exactly the distances of the solution's logits; else those of the best approximation of that
    rank.
    """
    share = sum(own for own, _ in found)
    slopes = torch.cat([own / share * one.slopes for own, one in found], dim=1)  # (K, F)
    intercepts = torch.stack([own / share * one.intercepts for own, one in found]).sum(dim=0)
    if not network.abstains:
        # What is added to all logits changes no probability, and would cost a dimension.
        slopes -= slopes.mean(dim=0)
        intercepts -= intercepts.mean()
    # The left singular vectors: with many words a decomposition of (K, F) itself takes minutes.
    _, left = torch.linalg.eigh((slopes @ slopes.T).double())  # ascending
    left = left.flip(1)[:, : network.solved_width].to(slopes.dtype)  # (K, r)
    rows = left.T @ slopes  # (r, F), orthogonal: distances are those of logits
    parts = rows.split([one.slopes.shape[1] for _, one in found], dim=1)
    for (_, one), part in zip(found, parts, strict=True):
        one.put(part)
    classify, inner = network.classify, network.classify.in_features - network.solved_width
    classify.weight[:, :inner] *= 1 - share
    classify.weight[:, inner:] = 0
    classify.weight[:, inner : inner + left.shape[1]] = share * left
    classify.bias.mul_(1 - share).add_(share * intercepts)
