"""Solving the kernel member: curvature and ridge by leave-one-out, then one linear system.

All in float32: the ridge is far above its rounding. Nothing here is random but which landmarks
a training set larger than the cap gets, and that is the same for the same number of products.
Memory: three matrices of landmarks by landmarks, the landmarks, and one batch, whatever the number
of products; 0.3 GB for 4,096 landmarks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from productnet.master.batching import Examples
from productnet.master.calibration import fit_temperature
from productnet.master.kernel import KernelMember, curved
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.solution import Solution

# What leave-one-out chooses from. Equal products have kernel 1: a ridge is a share of that.
CURVATURES = (0.0, 0.5, 1.0)
RIDGES = (0.003, 0.01, 0.03)

# The kernel of the intercept, small beside 1 a product: it is hardly shrunk.
_INTERCEPT = 0.15

# Added to the landmarks' own kernel, so that copies leave it invertible; well below any ridge.
_JITTER = 1e-3

# Products that curvature and ridge are chosen on: more settle nothing and cost their cube.
_CHOSEN_ON = 2_048


@dataclass(frozen=True, slots=True)
class Choice:
    """What leave-one-out found.

    Attributes:
        curvature: Of the kernel.
        ridge: Of the regression.
        temperature: What makes the left-out scores, divided by it, the likeliest logits.
    """

    curvature: float
    ridge: float
    temperature: float


@dataclass(frozen=True, slots=True)
class Block:
    """B products as the kernel machine learns from them.

    Attributes:
        joined: (B, J) rows of unit length.
        targets: (B, K) one versus rest.
        weights: (B,) of each product.
    """

    joined: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


@torch.no_grad()
def fit_kernel(
    network: MasterNetwork, member: KernelMember, examples: Examples, preset: Preset
) -> Solution:
    """Choose curvature, ridge and landmarks, which the member then has, and solve.

    The slopes are on likeness to the landmarks, whitened (m).
    """
    _centre(network, member, examples, preset)
    rng, most = np.random.default_rng(0), min(preset.landmarks, len(examples))
    some = np.sort(rng.permutation(len(examples))[:_CHOSEN_ON])
    marks = np.sort(rng.permutation(len(examples))[:most])
    blocks = _Blocks(network, member, examples, preset)
    chosen, landmarks = blocks.rows(some), blocks.rows(marks)
    choice = choose(chosen.joined, chosen.targets, chosen.weights, examples.classes[some])
    member.curvature.fill_(choice.curvature)
    member.landmarks = landmarks.joined
    factor, solution = solve(member, blocks, ridge=choice.ridge)
    # Sharpened to logits, so that their mean with the other members' is one of equals.
    solution /= choice.temperature

    def put(rows: torch.Tensor) -> None:
        folded = torch.linalg.solve_triangular(factor.T, rows.T, upper=True).T
        member.project = torch.zeros(member.width, len(member.landmarks), device=folded.device)
        member.project[: len(folded)] = folded

    return Solution(solution[:-1].T, solution[-1], put)


def one_vs_rest(classes: torch.Tensor, count: int) -> torch.Tensor:
    """1 for a product's class, -1 for the others, (N, K); -1 for all where it has none."""
    targets = torch.full((len(classes), count), -1.0)
    labelled = torch.nonzero(classes < count)[:, 0]
    targets[labelled, classes[labelled]] = 1.0
    return targets


def choose(
    joined: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, classes: np.ndarray
) -> Choice:
    """The curvature and ridge under which products left out one by one are likeliest.

    Args:
        joined: (N, J) rows of unit length.
        targets: (N, K) one versus rest.
        weights: (N,) of each product.
        classes: (N,) its class; K for none of them.
    """
    cosine = joined @ joined.T
    best: tuple[float, Choice] | None = None
    for curvature in CURVATURES:
        kernel = curved(cosine, cosine.new_tensor(curvature)) + _INTERCEPT
        for ridge in RIDGES:
            factor = torch.linalg.cholesky(kernel + torch.diag(ridge / weights))
            dual = torch.cholesky_solve(targets, factor)  # (N, K)
            scores = targets - dual / torch.cholesky_inverse(factor).diagonal()[:, None]
            if (classes >= targets.shape[1]).any():
                scores = torch.nn.functional.pad(scores, (0, 1))
            left_out = scores.cpu().numpy()
            temperature = fit_temperature(left_out, classes)
            likelihood = -float(
                torch.nn.functional.cross_entropy(
                    torch.from_numpy(left_out / temperature), torch.from_numpy(classes)
                )
            )
            if best is None or likelihood > best[0]:
                best = likelihood, Choice(curvature, ridge, temperature)
    assert best is not None
    return best[1]


def solve(
    member: KernelMember, blocks: Iterable[Block], *, ridge: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ridge regression on likeness to the landmarks, whitened.

    Returns:
        (m, m) lower factor L of the landmarks' kernel, and (m + 1, K): what multiplies
        ``L^-1 k(x)`` and, last, the intercept.
    """
    own = member.alike(member.landmarks, member.landmarks)
    own.diagonal().add_(_JITTER)
    factor = torch.linalg.cholesky(own)
    gram = own.new_zeros(len(own) + 1, len(own) + 1)
    crossed: torch.Tensor | None = None
    for block in blocks:
        likeness = member.alike(member.landmarks, block.joined)  # (m, B)
        whitened = torch.linalg.solve_triangular(factor, likeness, upper=False)
        intercept = torch.full_like(whitened[:1], _INTERCEPT**0.5)
        features = torch.cat([whitened, intercept])  # (m + 1, B)
        weighed = features * block.weights
        gram.addmm_(weighed, features.T)
        moved = weighed @ block.targets  # (m + 1, K)
        crossed = moved if crossed is None else crossed + moved
    assert crossed is not None
    gram.diagonal().add_(ridge)
    solution = torch.cholesky_solve(crossed, torch.linalg.cholesky(gram))  # (m + 1, K)
    solution[-1] *= _INTERCEPT**0.5
    return factor, solution


class _Blocks:
    """Products as the kernel machine sees them, batch by batch, as often as they are asked for."""

    def __init__(
        self, network: MasterNetwork, member: KernelMember, examples: Examples, preset: Preset
    ) -> None:
        self._network, self._member = network, member
        self._examples, self._preset = examples, preset
        self._device = network.classify.weight.device

    def __iter__(self) -> Iterator[Block]:
        for places in self._examples.in_order(self._preset.batch_size):
            yield self._block(places)

    def rows(self, places: np.ndarray) -> Block:
        """These products at once."""
        parts = [
            self._block(places[start : start + self._preset.batch_size])
            for start in range(0, len(places), self._preset.batch_size)
        ]
        return Block(
            torch.cat([one.joined for one in parts]),
            torch.cat([one.targets for one in parts]),
            torch.cat([one.weights for one in parts]),
        )

    def _block(self, places: np.ndarray) -> Block:
        network = self._network
        batch = self._examples.batch(places).to(self._device)
        classes = torch.from_numpy(self._examples.classes[places])
        targets = one_vs_rest(classes, network.classify.out_features).to(self._device)
        weights = torch.ones(len(classes), device=self._device)
        if network.abstains:
            none = classes.to(self._device) == network.classify.out_features
            weights[none] = self._preset.rejected_weight
        return Block(self._member.joined(network.encode(batch), batch.present), targets, weights)


def _centre(
    network: MasterNetwork, member: KernelMember, examples: Examples, preset: Preset
) -> None:
    """The mean of each field over the products that have it."""
    sums, counts = torch.zeros_like(member.centre), torch.zeros_like(member.centre)
    sizes = torch.tensor(member.dimensions, device=sums.device)
    for places in examples.in_order(preset.batch_size):
        batch = examples.batch(places).to(sums.device)
        shown = torch.repeat_interleave(batch.present.float(), sizes, dim=1)  # (B, J)
        sums += (torch.cat(network.encode(batch), dim=1) * shown).sum(dim=0)
        counts += shown.sum(dim=0)
    member.centre.copy_(sums / counts.clamp_min(1))
