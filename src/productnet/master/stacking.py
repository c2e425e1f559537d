"""Stacking: what each part of a network has of its logits, by what held-out products say.

Words decide some catalogues and pictures others, and no share of words suits both. So the trained
members, the kernel machine and the linear SVM are stacked (Wolpert 1992, *Stacked Generalization*;
with shares that are positive and add up to one, as in Breiman 1996, *Stacked Regressions*). The
preset's shares are the prior, so that a small gold set hardly moves them.

What counts is the margin by which the truth leads (the multi-class hinge of Crammer and Singer
2001), up to a bound: the shares that make the truth likeliest lean towards the part that is best
calibrated, not to the one that is most often right; and without a bound a few wrong labels would
give everything to the part that says least.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

# Products that the preset's shares weigh as much as.
_PRIOR = 20.0

# What a product can cost at most, in logits: more says that its label is wrong.
_DEAREST = 3.0

# Products that are asked at most: three numbers need no more.
_MOST = 2_048

# Prior shares that add up to one leave so much for nobody.
_ROUNDING = 1e-6


def stacked_shares(
    opinions: Sequence[np.ndarray],
    classes: np.ndarray,
    prior: Sequence[float],
    *,
    weights: np.ndarray | None = None,
) -> list[float]:
    """The shares by which the truth leads most surely; above 0 where the prior is.

    Args:
        opinions: The logits of each part, P of (N, C), of products that it did not learn from.
        classes: (N,) true class of each.
        prior: What each part has by itself (P,); adds up to 1. A part with 0 keeps that.
        weights: (N,) what each product counts; 1 where not given.
    """
    asked = [place for place, share in enumerate(prior) if share > _ROUNDING]
    if len(asked) < 2 or not len(classes):
        return list(prior)
    some = np.random.default_rng(0).permutation(len(classes))[:_MOST]
    said = torch.from_numpy(np.stack([opinions[place][some] for place in asked])).double()
    truth = torch.from_numpy(np.asarray(classes, dtype=np.int64)[some])[:, None]  # (N, 1)
    counts = torch.ones(len(some)) if weights is None else torch.from_numpy(weights[some])
    given = torch.tensor([prior[place] for place in asked]).double()
    logarithms = given.log().requires_grad_()
    optimizer = torch.optim.LBFGS([logarithms], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        shares = F.log_softmax(logarithms, dim=0)
        mean = torch.einsum("p,pnc->nc", shares.exp(), said)
        rival = mean.scatter(1, truth, -torch.inf).amax(dim=1)
        lead = mean.gather(1, truth)[:, 0] - rival  # (N,)
        cost = (counts * F.relu(1 - lead).clamp(max=_DEAREST)).sum()
        found: torch.Tensor = cost - _PRIOR * (given * shares).sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    shares = [0.0] * len(prior)
    for place, share in zip(asked, F.softmax(logarithms, dim=0).tolist(), strict=True):
        shares[place] = share
    return shares
