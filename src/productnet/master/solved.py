"""The solved members: the kernel machine and the linear SVM, whose solutions no descent finds."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from productnet.master.batching import Examples
from productnet.master.kernel_fit import fit_kernel
from productnet.master.linear_fit import fit_linear
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.solution import Solution, combine
from productnet.master.stacking import stacked_shares


class Jury(NamedTuple):
    """M products that were not learnt from, to judge a network by.

    Attributes:
        truth: True class of each, (M,).
        hears: What the network, as it is when asked, says of them: logits (M, C).
    """

    truth: np.ndarray
    hears: Callable[[], np.ndarray]


@torch.no_grad()
def solve_members(
    network: MasterNetwork, examples: Examples, preset: Preset, *, jury: Jury | None = None
) -> None:
    """Solve the network's kernel and linear members, and give them their shares; in place.

    The other members are trained already. The shares are those that the network has; a jury finds
    them anew.
    """
    if not len(examples):
        return
    network.eval()
    # What the trained members say is heard first, while they are alone.
    opinions = [jury.hears()] if jury else []
    found: list[Solution] = []
    if network.kernel is not None:
        found.append(fit_kernel(network, network.kernel, examples, preset))
    if network.linear is not None:
        found.append(fit_linear(network, network.linear, examples, preset))
    if not found:
        return
    if jury:
        opinions += [_opinion(network, one, jury) for one in found]
        prior = network.shares.tolist()
        labelled = jury.truth < network.classify.out_features
        weights = np.where(labelled, 1.0, preset.rejected_weight)
        shares = stacked_shares(opinions, jury.truth, [1 - sum(prior), *prior], weights=weights)
        network.shares.copy_(torch.tensor(shares[1:]))
    combine(network, list(zip(network.shares.tolist(), found, strict=True)))


def _opinion(network: MasterNetwork, solution: Solution, jury: Jury) -> np.ndarray:
    """What the jury hears where one solution has all of the logits; all is as before then."""
    classify = {name: one.clone() for name, one in network.classify.state_dict().items()}
    combine(network, [(1.0, solution)])
    opinion = jury.hears()
    solution.put(solution.slopes[:0])
    network.classify.load_state_dict(classify)
    return opinion
