"""Probabilities at every level of the tree: those of the leaves, summed upward.

What a model is not sure of among leaves it may well be sure of one level up: of three kinds of mug
it cannot tell apart, it knows that they are mugs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from productnet.errors import UsageError
from productnet.master.held_out import Floats

Path = tuple[str, ...]


class Deepest(NamedTuple):
    """The deepest category that a model is sure of, for each of N products.

    Attributes:
        paths: From the root down; empty where not even a root is sure.
        probabilities: (N,) of each; 1 for an empty path.
    """

    paths: list[Path]
    probabilities: npt.NDArray[np.float64]


class Tree:
    """The categories above a model's classes.

    Example:
        >>> tree = Tree([("Kitchen", "Mugs"), ("Kitchen", "Cups"), ("Garden",)])
        >>> tree.nodes[:2]
        (('Garden',), ('Kitchen',))
        >>> tree.deepest(np.array([[0.5, 0.45, 0.05]]), sure=0.9).paths
        [('Kitchen',)]

    Args:
        paths: Names from the root down to each class (K), in the order of probabilities.

    Attributes:
        nodes: Every category (M), the roots first.
        depths: How many names each has, (M,).
        leaves: The paths of the classes (K).

    Raises:
        UsageError: A path is empty, or two classes have the same.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not all(paths):
            raise UsageError(
                f"Class {paths.index(())} has an empty path. Give the names from the root down."
            )
        if len(set(paths)) < len(paths):
            twice = next(path for path in paths if paths.count(path) > 1)
            raise UsageError(f'Two classes have the path "{" > ".join(twice)}".')
        self.leaves: tuple[Path, ...] = tuple(paths)
        prefixes = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
        self.nodes: tuple[Path, ...] = tuple(sorted(prefixes, key=lambda node: (len(node), node)))
        self.depths = np.array([len(node) for node in self.nodes], np.int64)
        place = {node: number for number, node in enumerate(self.nodes)}
        pairs = [
            (row, place[path[:depth]])
            for row, path in enumerate(paths)
            for depth in range(1, len(path) + 1)
        ]
        rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
        self._below = csr_array(
            (np.ones(len(pairs)), (rows, columns)), shape=(len(paths), len(self.nodes))
        )

    def roll_up(self, probabilities: Floats) -> npt.NDArray[np.float64]:
        """The probability of every node, (N, M), from those of the classes, (N, K)."""
        if probabilities.ndim != 2 or probabilities.shape[1] != self._below.shape[0]:
            raise UsageError(
                f"The tree has {self._below.shape[0]} classes; these probabilities have shape "
                f"{probabilities.shape}."
            )
        return np.asarray(probabilities.astype(np.float64) @ self._below)

    def deepest(self, probabilities: Floats, *, sure: float) -> Deepest:
        """The deepest category of each product that is at least as probable as ``sure``.

        Args:
            probabilities: (N, K) of the classes, calibrated.
            sure: Above one half, so that no two categories of a level are.

        Raises:
            UsageError: ``sure`` is not above one half and at most 1.
        """
        if not 0.5 < sure <= 1:
            raise UsageError(
                "To be sure of a category takes a probability above 0.5 and at most 1, such as "
                f"0.95; not {sure}."
            )
        summed = self.roll_up(probabilities)  # (N, M)
        # Sums of float32 probabilities may miss 1 by a little.
        enough = summed >= sure - 1e-6
        depth = np.where(enough, self.depths, 0)  # (N, M)
        best = depth.argmax(axis=1)  # (N,)
        rows = np.arange(len(best))
        found = enough[rows, best]
        return Deepest(
            [self.nodes[node] if known else () for node, known in zip(best, found, strict=True)],
            np.where(found, np.minimum(summed[rows, best], 1), 1.0),
        )
