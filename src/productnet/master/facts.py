"""What is known of a model from its own training: data, and how it did on what was held out."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import f1_score

from productnet import __version__
from productnet.master.network import MasterNetwork

_BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """How a model did on products held out of its training, before any refit.

    Attributes:
        products: How many there were.
        accuracy: Share whose likeliest category is right.
        top3: Share whose right category is among the likeliest three.
        macro_f1: Mean F1 over the categories that they have.
        calibration_error: Expected calibration error, in ten bins of equal width, after
            calibration on these very products.
        absolute_error: Mean absolute error of a number, in its own unit.
        r2: Share of a number's variance that is predicted.
    """

    products: int
    accuracy: float | None = None
    top3: float | None = None
    macro_f1: float | None = None
    calibration_error: float | None = None
    absolute_error: float | None = None
    r2: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The data and the making of a model.

    Attributes:
        products: Labelled products learnt from, those held out among them.
        per_class: Products of each class, in the model's order; empty for a number.
        rejected: Products that belong to no class.
        held_out: How it did on products held out; None if none were.
        parameters: Numbers that were learnt.
        versions: Of what it was trained with.
        shares: What each part of the network has of the logits; empty where nothing is solved, as
            for a number.
        body: The model it was transferred from, in words.
    """

    products: int
    per_class: tuple[int, ...]
    rejected: int
    held_out: Judged | None
    parameters: int
    versions: dict[str, str]
    shares: dict[str, float] = field(default_factory=dict)
    body: str | None = None


def class_facts(
    network: MasterNetwork,
    classes: np.ndarray,
    held_out: np.ndarray,
    logits: np.ndarray,
    *,
    temperature: float,
    body: str | None = None,
) -> Facts:
    """The facts of a model that tells classes apart.

    Args:
        network: Trained.
        classes: (N,) class of each product learnt from; K for those of no class.
        held_out: (M,) class of each product held out; those of no class are passed over.
        logits: (M, C) that the network gave them.
        temperature: Of calibration.
        body: The model it was transferred from.
    """
    count = network.classify.out_features
    labelled = held_out < count
    held_out, logits = held_out[labelled], logits[labelled]
    frequency = np.bincount(classes, minlength=count)
    return Facts(
        products=int(frequency[:count].sum()),
        per_class=tuple(int(one) for one in frequency[:count]),
        rejected=int(frequency[count:].sum()),
        held_out=_measured(logits, held_out, temperature) if len(held_out) else None,
        parameters=_parameters(network),
        versions=_versions(),
        shares=network.shares_by_part(),
        body=body,
    )


def number_facts(
    network: MasterNetwork,
    products: int,
    truth: np.ndarray,
    said: np.ndarray,
    *,
    body: str | None = None,
) -> Facts:
    """The facts of a model that predicts a number: ``truth`` and ``said`` (M,) in its own unit."""
    held_out = None
    if len(truth):
        varied = float(((truth - truth.mean()) ** 2).sum())
        held_out = Judged(
            products=len(truth),
            absolute_error=float(np.abs(truth - said).mean()),
            r2=1 - float(((truth - said) ** 2).sum()) / varied if varied else None,
        )
    return Facts(products, (), 0, held_out, _parameters(network), _versions(), body=body)


def _measured(logits: np.ndarray, truth: np.ndarray, temperature: float) -> Judged:
    chances = softmax(logits / temperature, axis=1)  # (M, C)
    best = chances.argmax(axis=1)
    right = best == truth
    first = np.argsort(-chances, axis=1, kind="stable")[:, :3]
    labels: Sequence[int] = np.unique(truth).tolist()
    return Judged(
        products=len(truth),
        accuracy=float(right.mean()),
        top3=float((first == truth[:, None]).any(axis=1).mean()),
        macro_f1=float(f1_score(truth, best, labels=labels, average="macro", zero_division=0)),
        calibration_error=_calibration_error(chances.max(axis=1), right),
    )


def _calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Naeini et al. 2015, in bins of equal width."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return float(
        sum(
            abs(float((right[bins == one] - confidence[bins == one]).sum()))
            for one in np.unique(bins)
        )
        / len(right)
    )


def _parameters(network: MasterNetwork) -> int:
    return sum(one.numel() for one in network.parameters())


def _versions() -> dict[str, str]:
    return {
        "productnet": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
