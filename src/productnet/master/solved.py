"""The solved members: the kernel machine and the linear SVM, whose solutions no descent finds.

Each gives slopes and intercepts on features of its own. Put side by side and factored they are a
part of the embedding, to which both add, and columns of the classifier: eq. 1 holds for them as it
does for the members that are trained.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from productnet.master.batching import Examples
from productnet.master.kernel_fit import fit_kernel
from productnet.master.linear_fit import fit_linear
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset


class Solution(NamedTuple):
    """What one member found, in logits.

    Attributes:
        share: What it weighs in the network's logits.
        slopes: (K, F) on its features.
        intercepts: (K,).
        put: Makes the member give ``rows @ features`` of rows (r, F).
    """

    share: float
    slopes: torch.Tensor
    intercepts: torch.Tensor
    put: Callable[[torch.Tensor], None]


@torch.no_grad()
def solve_members(network: MasterNetwork, examples: Examples, preset: Preset) -> None:
    """Solve the network's kernel and linear members, and give them their shares; in place.

    The other members are trained already. Where the part of the embedding is at least as wide as
    the solution's rank, one less than the categories (as many where the network abstains), it has
    exactly the distances of the solution's logits; else those of the best approximation of that
    rank.
    """
    if not len(examples):
        return
    network.eval()
    work = len(examples) * network.classify.out_features
    linear = network.linear if work <= preset.linear_work else None
    found: list[Solution] = []
    if network.kernel is not None:
        share = preset.kernel if linear is not None else preset.kernel / (1 - preset.linear)
        solved, put = fit_kernel(network, network.kernel, examples, preset)
        found.append(Solution(share, *solved, put))
    if linear is not None:
        solved, put = fit_linear(network, linear, examples, preset)
        found.append(Solution(preset.linear, *solved, put))
    if found:
        _put(network, found)


def _put(network: MasterNetwork, found: list[Solution]) -> None:
    """Factor the solutions into embedding and classifier, and mix them with what was trained."""
    share = sum(one.share for one in found)
    slopes = torch.cat([one.share / share * one.slopes for one in found], dim=1)  # (K, F)
    intercept = sum((one.share / share * one.intercepts for one in found), torch.zeros(()))
    if not network.abstains:
        # What is added to all logits changes no probability, and would cost a dimension.
        slopes, intercept = slopes - slopes.mean(dim=0), intercept - intercept.mean()
    # The left singular vectors: with many words a decomposition of (K, F) itself takes minutes.
    _, left = torch.linalg.eigh((slopes @ slopes.T).double())  # ascending
    left = left.flip(1)[:, : network.solved].to(slopes.dtype)  # (K, r)
    rows = left.T @ slopes  # (r, F), orthogonal: distances are those of logits
    for one, part in zip(found, rows.split([one.slopes.shape[1] for one in found], 1), strict=True):
        one.put(part)
    classify, inner = network.classify, network.classify.in_features - network.solved
    classify.weight[:, :inner] *= 1 - share
    classify.weight[:, inner:] = 0
    classify.weight[:, inner : inner + left.shape[1]] = share * left
    classify.bias.mul_(1 - share).add_(share * intercept)
