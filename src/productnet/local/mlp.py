"""A multi-layer perceptron: one hidden layer of 64, fitted by a few steps of L-BFGS."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import score_blocks
from productnet.local.fitting import PullBack, fit_by_lbfgs
from productnet.local.model import Floats, Matrix

_HIDDEN = 64

# Stopping early regularises, and an annotator is waiting.
_STEPS = 10


class _Layers(NamedTuple):
    """Parameters: (D, H), (H,), (H,) and ()."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @classmethod
    def of(cls, parameters: Floats) -> "_Layers":
        """Views of all parameters in one array (D * H + 2 * H + 1,)."""
        hidden, hidden_bias, output, output_bias = np.split(
            parameters, [-2 * _HIDDEN - 1, -_HIDDEN - 1, -1]
        )
        return cls(hidden.reshape(-1, _HIDDEN), hidden_bias, output, output_bias[0])


class Mlp:
    """The local model for a leaf that no straight cut separates."""

    def __init__(self) -> None:
        self._layers = _Layers.of(np.zeros(2 * _HIDDEN + 1, np.float32))

    def fit(
        self,
        vectors: Floats,
        labels: npt.NDArray[np.bool_],
        *,
        weights: Floats | None = None,
        seed: int,
    ) -> Self:
        """Learn from vectors (n, D) and labels (n,); the seed draws where to start from."""

        def log_odds(parameters: Floats) -> tuple[Floats, PullBack]:
            layers = _Layers.of(parameters)
            hidden: Floats = vectors @ layers.hidden  # (n, D) @ (D, H) -> (n, H)
            hidden = np.maximum(hidden + layers.hidden_bias, 0)

            def pull_back(by_odds: Floats) -> Floats:
                by_hidden = by_odds[:, None] * layers.output * (hidden > 0)  # (n,) -> (n, H)
                by_layer = (
                    (vectors.T @ by_hidden).ravel(),  # (D, n) @ (n, H) -> (D * H,)
                    by_hidden.sum(axis=0),
                    by_odds @ hidden,
                    by_odds.sum(keepdims=True),
                )
                return np.concatenate(by_layer)

            odds: Floats = hidden @ layers.output  # (n, H) @ (H,) -> (n,)
            return odds + layers.output_bias, pull_back

        start = _start(vectors.shape[1], seed)
        found = fit_by_lbfgs(log_odds, start, labels=labels, weights=weights, steps=_STEPS)
        self._layers = _Layers.of(found)
        return self

    def score(self, vectors: Matrix, *, beside: Floats | None = None) -> Floats:
        """The network's output for each row of (N, D), 0 to 1: (N,)."""
        layers = self._layers
        at_zero = np.maximum(layers.hidden_bias, 0) @ layers.output + layers.output_bias
        return score_blocks(vectors, self._evidence, bias=float(at_zero), beside=beside)

    def _evidence(self, block: Floats, beside: Floats | None) -> Floats:
        # max(h + b, 0) - max(b, 0), what a unit says beyond what it says of a row of zeros,
        # is max(h + min(b, 0), -max(b, 0)). BLAS is a tenth faster with rows as columns.
        layers = self._layers
        bias = layers.hidden_bias[:, None]
        hidden = layers.hidden[: block.shape[1]].T @ block.T  # (H, D) @ (D, B) -> (H, B)
        if beside is not None:
            hidden += layers.hidden[-1][:, None] * beside  # (H, 1) * (B,) -> (H, B)
        hidden += np.minimum(bias, 0)
        np.maximum(hidden, -np.maximum(bias, 0), out=hidden)
        evidence: Floats = layers.output @ hidden  # (H,) @ (H, B) -> (B,)
        return evidence


def _start(dimension: int, seed: int) -> Floats:
    """Parameters to start from: Glorot and Bengio (2010), biases zero."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(scale=np.sqrt(2 / (dimension + _HIDDEN)), size=dimension * _HIDDEN)
    output = rng.normal(scale=np.sqrt(2 / (_HIDDEN + 1)), size=_HIDDEN)
    parameters = np.concatenate([hidden, np.zeros(_HIDDEN), output, np.zeros(1)])
    return parameters.astype(np.float32)
