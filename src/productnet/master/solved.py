"""The solved members: the kernel machine and the linear SVM, whose solutions no descent finds."""

import torch

from productnet.master.batching import Examples
from productnet.master.kernel_fit import fit_kernel
from productnet.master.linear_fit import fit_linear
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.solution import Solution, combine


@torch.no_grad()
def solve_members(network: MasterNetwork, examples: Examples, preset: Preset) -> None:
    """Solve the network's kernel and linear members, and give them their shares; in place.

    The other members are trained already.
    """
    if not len(examples):
        return
    network.eval()
    if network.linear is None:  # there are no words to read
        preset = preset.without_linear()
    found: list[tuple[float, Solution]] = []
    if network.kernel is not None:
        found.append((preset.kernel, fit_kernel(network, network.kernel, examples, preset)))
    if network.linear is not None:
        found.append((preset.linear, fit_linear(network, network.linear, examples, preset)))
    if found:
        combine(network, found)
