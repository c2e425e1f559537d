"""The kernel member: one convex classifier over all fields at once, solved and not descended to.

Fields are centred, brought to unit length, weighted and put side by side: x of unit length. Two
products are as alike as ``(exp(g x.z) - 1) / (exp(g) - 1)``, which is the linear kernel for g = 0
and for larger g lets what a picture means depend on the text. One-vs-rest ridge regression on this
kernel has one solution, and its leave-one-out predictions in closed form (Rifkin and Lippert 2007,
*Notes on Regularized Least Squares*): by them the curvature g and the ridge are chosen
(``kernel_fit.py``).

With more products than landmarks, the kernel is approximated from a sample (Nystroem; Williams and
Seeger 2001).
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class KernelMember(nn.Module):
    """F fields of (B, F_i) -> (B, width): likeness to the landmarks, then one matrix.

    What it holds is solved by ``solve_members``, not trained, and saved like other weights.

    Args:
        dimensions: Of the fields (F_i).
        weights: What each field weighs beside the others.
        width: Its share of the embedding.
    """

    centre: torch.Tensor  # (J,), J the sum of all F_i
    weight: torch.Tensor  # (F,)
    curvature: torch.Tensor  # ()
    landmarks: torch.Tensor  # (m, J), rows of unit length
    project: torch.Tensor  # (width, m)

    def __init__(self, dimensions: Sequence[int], weights: Sequence[float], width: int) -> None:
        super().__init__()
        self.dimensions = list(dimensions)
        self.width = width
        self.register_buffer("centre", torch.zeros(sum(dimensions)))
        self.register_buffer("weight", torch.tensor(weights, dtype=torch.float32))
        self.register_buffer("curvature", torch.zeros(()))
        self.register_buffer("landmarks", torch.zeros(0, sum(dimensions)))
        self.register_buffer("project", torch.zeros(width, 0))
        sized_as_saved(self, landmarks=0, project=1)

    def forward(self, encoded: Sequence[torch.Tensor], present: torch.Tensor) -> torch.Tensor:
        """This member's part of the embedding: (B, width)."""
        alike = self.alike(self.joined(encoded, present), self.landmarks)  # (B, m)
        return F.linear(alike, self.project)

    def joined(self, encoded: Sequence[torch.Tensor], present: torch.Tensor) -> torch.Tensor:
        """The fields side by side, of unit length as a whole: (B, J).

        What is missing is zero, and the fields that are there weigh the more.
        """
        centres = torch.split(self.centre, self.dimensions)
        centred = [one - centre for one, centre in zip(encoded, centres, strict=True)]
        return F.normalize(side_by_side(centred, present, self.weight), dim=1)

    def alike(self, joined: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """The kernel of rows (B, J) and (m, J): (B, m)."""
        return curved(joined @ others.T, self.curvature)


def side_by_side(
    fields: Sequence[torch.Tensor], present: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Fields of (B, F_i), each brought to the length that it weighs, 0 where missing: (B, J)."""
    lengths = present.float() * weights  # (B, F)
    parts = [
        F.normalize(one, dim=1) * length[:, None]
        for one, length in zip(fields, lengths.T, strict=True)
    ]
    return torch.cat(parts, dim=1)


def curved(cosine: torch.Tensor, curvature: torch.Tensor) -> torch.Tensor:
    """The kernel of a cosine; the cosine itself where the curvature is 0, 1 for equals always."""
    # Without a branch, which an exported graph could not take.
    bent = torch.expm1(curvature * cosine) / torch.expm1(curvature.where(curvature != 0, 1.0))
    return torch.where(curvature == 0, cosine, bent)


def sized_as_saved(module: nn.Module, **axes: int) -> None:
    """Let buffers have, on these axes, the length that the first of them was saved with."""
    first = next(iter(axes))

    def make_room(
        module: nn.Module, state: dict[str, torch.Tensor], prefix: str, *_rest: object
    ) -> None:
        saved = state.get(f"{prefix}{first}")
        if saved is None:
            return
        for name, axis in axes.items():
            buffer: torch.Tensor = getattr(module, name)
            sizes = list(buffer.shape)
            sizes[axis] = saved.shape[axes[first]]
            setattr(module, name, buffer.new_zeros(sizes))

    module.register_load_state_dict_pre_hook(make_room)  # type: ignore[no-untyped-call]
