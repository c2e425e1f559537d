"""From the features of each modality to one vector: normalise, fill in, join, reduce.

Each modality's features are centred and scaled to length one, so that both count alike. A product
that lacks one modality gets the value that the other lets expect, by ridge regression over the
products that have both. Zeros there would leave text-only products near one another rather than
near what they show: measured on 7,643 products with every second image taken away, 92% of the
ten nearest to a product without image lacked theirs too, against 70% with the expected value (50%
were ideal), and .78 of them shared its category, against .86.

The joined vectors are reduced by principal components. They are not centred again: a product of
which nothing is known is the zero vector and stays it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from threadpoolctl import threadpool_limits

from productnet.embeddings.nearest import FloatArray, unit_rows
from productnet.errors import EmbeddingError

FORMAT_VERSION = "1"

# Of the mean squared length of the predicting features, per dimension. From .001 to .1 the
# measurement above moves by less than .01.
_RIDGE = 0.01


@dataclass(frozen=True)
class Part:
    """The features of one modality: vectors (n, D), and which of them are present (n,)."""

    vectors: FloatArray
    present: NDArray[np.bool_]


Parts = Mapping[str, Part]


@dataclass(frozen=True)
class Projection:
    """Fitted on a sample of a pool, and good for products outside it.

    Attributes:
        means: Modality to the mean (D,) of its features, scaled to length one.
        guesses: Modality to the matrix (D of the other, D) that predicts it from the other.
        axes: Principal axes (D of all, d), or None where nothing is reduced.
    """

    means: dict[str, FloatArray]
    guesses: dict[str, FloatArray]
    axes: FloatArray | None

    @classmethod
    def fit(cls, parts: Parts, *, dimension: int) -> "Projection":
        """Fit to a sample; ``dimension`` at or above the joined one keeps all of it."""
        # Matrices this small take several times as long on two threads that compete with other
        # work as on one; and on one the result does not depend on how many cores there are.
        with threadpool_limits(1, user_api="blas"):
            return cls._fit(parts, dimension)

    @classmethod
    def _fit(cls, parts: Parts, dimension: int) -> "Projection":
        means = {
            name: unit_rows(part.vectors[part.present]).mean(axis=0) for name, part in parts.items()
        }
        guesses = _fit_guesses(parts, means)
        whole = cls(means, guesses, None)
        if dimension >= sum(len(mean) for mean in means.values()):
            return whole
        joined = whole.join(parts)  # (n, D)
        _, axes = np.linalg.eigh((joined.T @ joined).astype(np.float64))  # ascending
        axes = axes[:, : -dimension - 1 : -1]
        # An axis may point either way; take the one where its largest entry is positive.
        largest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[largest, np.arange(dimension)])
        return cls(means, guesses, np.ascontiguousarray(axes, np.float32))

    @property
    def dimension(self) -> int:
        """Length d of a projected vector."""
        return self.axes.shape[1] if self.axes is not None else self.joined_dimension

    @property
    def joined_dimension(self) -> int:
        """Length D of all modalities joined."""
        return sum(len(mean) for mean in self.means.values())

    def __call__(self, parts: Parts) -> FloatArray:
        """Vectors (n, d) of length one; zeros for a product that has none of the modalities."""
        return self.reduce(self.join(parts))

    def join(self, parts: Parts) -> FloatArray:
        """Modalities side by side (n, D), at length one, before they are reduced."""
        if parts.keys() != self.means.keys():
            raise EmbeddingError(
                f"These embeddings are made of {' and '.join(self.means)}; the features given "
                f"are of {' and '.join(parts) or 'nothing'}."
            )
        centred = {name: _centred(part, self.means[name]) for name, part in parts.items()}
        for name, guess in self.guesses.items():
            (other,) = parts.keys() - {name}
            missing = ~parts[name].present & parts[other].present
            expected = centred[other][missing] @ guess  # (m, D of other) -> (m, D)
            # Less than certain, so shorter than a feature; never longer.
            lengths = np.linalg.norm(expected, axis=1, keepdims=True)
            centred[name][missing] = expected / np.maximum(lengths, 1)
        return unit_rows(np.hstack([centred[name] for name in self.means]))

    def reduce(self, joined: FloatArray) -> FloatArray:
        """Joined vectors (n, D) to (n, d) of length one."""
        return joined if self.axes is None else unit_rows(joined @ self.axes)

    def to_bytes(self) -> bytes:
        """As the content of a safetensors file."""
        tensors = {f"mean.{name}": mean for name, mean in self.means.items()}
        tensors |= {f"guess.{name}": guess for name, guess in self.guesses.items()}
        if self.axes is not None:
            tensors["axes"] = self.axes
        about = {"format_version": FORMAT_VERSION, "modalities": json.dumps(list(self.means))}
        content: bytes = save(tensors, metadata=about)
        return content

    @classmethod
    def load(cls, path: Path) -> "Projection":
        """Read it back; raises EmbeddingError if it is missing, damaged or of another format."""
        try:
            with safe_open(path, framework="numpy") as file:
                about = file.metadata() or {}
                names = file.keys()
                tensors = {name: file.get_tensor(name) for name in names}
            if about.get("format_version") != FORMAT_VERSION:
                raise KeyError("format_version")
            means = {name: tensors[f"mean.{name}"] for name in json.loads(about["modalities"])}
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise EmbeddingError(
                f"{path} is not a projection of this version of ProductNet: {error}. "
                "Run `productnet embed` again."
            ) from error
        guesses = {name: tensors[f"guess.{name}"] for name in means if f"guess.{name}" in tensors}
        return cls(means, guesses, tensors.get("axes"))


def _centred(part: Part, mean: FloatArray) -> FloatArray:
    """Features about their mean, at length one; zeros where absent."""
    vectors = unit_rows(unit_rows(part.vectors) - mean)
    vectors[~part.present] = 0
    return vectors


def _fit_guesses(parts: Parts, means: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    if len(parts) != 2:
        return {}
    (a, one), (b, two) = parts.items()
    both = one.present & two.present
    if not both.any():
        return {}
    x, y = _centred(one, means[a])[both], _centred(two, means[b])[both]  # (n, Da), (n, Db)
    return {a: _ridge(y, x), b: _ridge(x, y)}


def _ridge(x: FloatArray, y: FloatArray) -> FloatArray:
    """The matrix (Dx, Dy) that predicts y (n, Dy) from x (n, Dx)."""
    squares = (x.T @ x).astype(np.float64)
    squares += np.eye(len(squares)) * _RIDGE * np.trace(squares) / len(squares)
    return np.linalg.solve(squares, x.T @ y).astype(np.float32)
