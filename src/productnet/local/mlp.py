"""A multi-layer perceptron: one hidden layer of 64, fitted by a few steps of L-BFGS."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from productnet.local.blocks import score_blocks
from productnet.local.model import Floats, Matrix

_HIDDEN = 64

# As weak as that of logistic regression: half of it times the squared parameters is added to the
# sum of the losses.
_REGULARISATION = 0.1

# Stopping early regularises as well, and an annotator is waiting.
_STEPS = 15


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
        from scipy.optimize import minimize

        if weights is None:
            weights = np.ones(len(vectors), np.float32)
        fitted = minimize(
            _loss,
            _start(vectors.shape[1], seed),
            args=(vectors, labels.astype(np.float32), weights),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _STEPS},
        )
        self._layers = _Layers.of(fitted.x.astype(np.float32))
        return self

    def score(self, vectors: Matrix) -> Floats:
        """The network's output for each row of (N, D), 0 to 1: (N,)."""
        layers = self._layers
        at_zero = np.maximum(layers.hidden_bias, 0) @ layers.output + layers.output_bias
        return score_blocks(vectors, self._evidence, bias=float(at_zero))

    def _evidence(self, block: Floats) -> Floats:
        # max(h + b, 0) - max(b, 0), what a unit says beyond what it says of a row of zeros,
        # is max(h + min(b, 0), -max(b, 0)).
        layers = self._layers
        hidden = block @ layers.hidden  # (B, D) -> (B, H)
        hidden += np.minimum(layers.hidden_bias, 0)
        np.maximum(hidden, -np.maximum(layers.hidden_bias, 0), out=hidden)
        evidence: Floats = hidden @ layers.output  # (B, H) -> (B,)
        return evidence


def _start(dimension: int, seed: int) -> npt.NDArray[np.float64]:
    """Parameters to start from: Glorot and Bengio (2010), biases zero."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(scale=np.sqrt(2 / (dimension + _HIDDEN)), size=dimension * _HIDDEN)
    output = rng.normal(scale=np.sqrt(2 / (_HIDDEN + 1)), size=_HIDDEN)
    return np.concatenate([hidden, np.zeros(_HIDDEN), output, np.zeros(1)])


def _loss(
    parameters: npt.NDArray[np.float64], vectors: Floats, targets: Floats, weights: Floats
) -> tuple[float, npt.NDArray[np.float64]]:
    """Weighted mean of the cross-entropy, regularised, and its gradient, in single precision."""
    total = float(weights.sum())
    layers = _Layers.of(parameters.astype(np.float32))
    hidden = vectors @ layers.hidden  # (n, D) -> (n, H)
    hidden += layers.hidden_bias
    np.maximum(hidden, 0, out=hidden)
    log_odds = hidden @ layers.output + layers.output_bias  # (n, H) -> (n,)
    losses = np.logaddexp(0, log_odds) - targets * log_odds
    by_odds = weights * (expit(log_odds) - targets)  # (n,)
    by_hidden = by_odds[:, None] * layers.output * (hidden > 0)  # (n, H)
    gradient = np.concatenate(
        [
            (vectors.T @ by_hidden).ravel(),  # (D, n) @ (n, H) -> (D * H,)
            by_hidden.sum(axis=0),
            by_odds @ hidden,
            by_odds.sum(keepdims=True),
        ],
        dtype=np.float64,
    )
    loss = float(weights @ losses) + _REGULARISATION / 2 * float(parameters @ parameters)
    return loss / total, (gradient + _REGULARISATION * parameters) / total
