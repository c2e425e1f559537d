"""Gold in the plane: the active embedding reduced to its two main directions."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from productnet.evaluation.report.data import EmbeddingMap, MapGroup, MapLabel

# More points than this hide one another.
_MOST_POINTS = 4_000


def embedding_map(
    vectors: npt.NDArray[np.float32], labels: list[str], paths: Mapping[str, tuple[str, ...]]
) -> EmbeddingMap | None:
    """The map of labelled vectors, or None of fewer than three.

    Args:
        vectors: (N, D) embeddings.
        labels: N category ids.
        paths: Category id to path.
    """
    if len(vectors) < 3:
        return None
    kept = np.linspace(0, len(vectors) - 1, min(len(vectors), _MOST_POINTS)).astype(np.int64)
    points, share = principal_plane(vectors[kept])  # (M, D) -> (M, 2)
    leaf_of = np.array(labels, dtype=object)[kept]
    top_of = np.array([paths[leaf][0] for leaf in leaf_of], dtype=object)
    groups = tuple(
        MapGroup(top, tuple((float(x), float(y)) for x, y in points[top_of == top]))
        for top in dict.fromkeys(top_of.tolist())
    )
    names = []
    for leaf in dict.fromkeys(leaf_of.tolist()):
        own = points[leaf_of == leaf]
        x, y = np.median(own, axis=0).tolist()
        names.append(MapLabel(paths[leaf][-1], paths[leaf][0], x, y, len(own)))
    return EmbeddingMap(groups, tuple(names), share)


def principal_plane(
    vectors: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], float]:
    """Principal components 1 and 2, and the share of the variance that lies in them.

    Args:
        vectors: (N, D).

    Returns:
        (N, 2) coordinates, signs chosen so that the same vectors give the same picture, and a
        share from 0 to 1.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, directions = np.linalg.eigh(centred.T @ centred)  # (D, D) -> (D,), (D, D)
    plane = directions[:, ::-1][:, :2]  # (D, 2)
    largest = np.abs(plane).argmax(axis=0)
    plane = plane * np.sign(plane[largest, [0, 1]])
    total = float(values.sum())
    return centred @ plane, float(values[::-1][:2].sum()) / total if total > 0 else 0.0
