"""The map of an embedding set: a place in the plane for every product, beside what is like it.

A sample of landmarks is laid out by t-SNE (van der Maaten and Hinton, 2008; Barnes-Hut: 2014), and
every other product is put between the landmarks it is nearest to, so that a million products cost
little more than the landmarks do. A map starts from the one in use before it, and is turned onto
it: what people remember of where things are still holds after a round.

scikit-learn's t-SNE was chosen by measurement, on 4,000 and 10,000 real products: it is as
trustworthy (.967 of 1) as openTSNE and costs 1.6 times its processor time, but is here already;
UMAP (.951 against .963) would bring numba, 200 MB of it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from productnet.embeddings.active import read_active
from productnet.embeddings.nearest import FloatArray
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError
from productnet.files import drafted
from productnet.progress import SILENT, Progress
from productnet.settings import Project

FORMAT_VERSION = 1

# Products that t-SNE lays out; its time grows a little faster than their number.
MOST_LANDMARKS = 5_000

# Below this many there is nothing to lay out: principal components say it all.
_FEWEST_TO_LAY_OUT = 10
_PERPLEXITY = 30.0
_TURNS = 500

# A start this narrow leaves t-SNE free to move everything (Kobak and Berens, 2019).
_START_WIDTH = 1e-4

# Landmarks that place another product, and how fast their say falls off with distance.
_PLACED_BY = 10
_SHARPNESS = 2.0

# Products that two maps have to share to be turned onto one another.
_FEWEST_SHARED = 3

_FILE = "map.safetensors"
_BLOCK = 16_384


@dataclass(frozen=True)
class MapStamp:
    """What a map is and what made it.

    Attributes:
        embedding_set: Name of its set.
        count: Number N of products.
        landmarks: How many were laid out; the others were placed among them.
        seed: Seed of the sample and of the layout.
        spread: Standard deviation of the landmarks where t-SNE left them, before scaling.
        like: The set whose map it was started from and turned onto; None for a first map.
        set_created_at: When the set was made: another set of the same name is not this one.
        format_version: Format of the file.
    """

    embedding_set: str
    count: int
    landmarks: int
    seed: int
    spread: float
    like: str | None
    set_created_at: str
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True)
class EmbeddingMap:
    """Places of products.

    Attributes:
        stamp: What made it.
        points: (N, 2) float32 in [-1, 1], in the order of the set; both axes have one scale.
        ids: The product of each row.
    """

    stamp: MapStamp
    points: FloatArray
    ids: pa.StringArray


def read_map(embedding_set: EmbeddingSet) -> EmbeddingMap | None:
    """The map of a set; None if it has none yet, or one that cannot be read and is drawn again."""
    try:
        with safe_open(embedding_set.path / _FILE, framework="numpy") as file:
            stamp = MapStamp(**json.loads((file.metadata() or {})["stamp"]))
            points: FloatArray = file.get_tensor("points")
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    made_for = (stamp.format_version, stamp.set_created_at, points.shape)
    if made_for != (FORMAT_VERSION, embedding_set.stamp.created_at, (len(embedding_set), 2)):
        return None
    return EmbeddingMap(stamp, points, embedding_set.ids)


def active_map(project: Project) -> EmbeddingMap | None:
    """The map of the set in use, for the next one to be like; None if there is none."""
    active = read_active(project)
    if active is None:
        return None
    try:
        return read_map(EmbeddingSet.open(project.embeddings_path / active.embedding_set))
    except EmbeddingError:  # whoever opens the set for its own sake is told
        return None


def build_map(
    embedding_set: EmbeddingSet,
    *,
    like: EmbeddingMap | None = None,
    progress: Progress = SILENT,
) -> EmbeddingMap:
    """Give a set its map, unless it has one; it is there whole or not at all.

    Memory beside the set: its landmarks, and one block of products.

    Args:
        embedding_set: The set.
        like: The map in use before, to start from and to be turned onto.
        progress: Told of products placed.
    """
    found = read_map(embedding_set)
    if found is not None:
        return found
    seed = embedding_set.stamp.seed
    rng = np.random.default_rng(seed)
    count = len(embedding_set)
    landmarks = np.sort(rng.choice(count, min(count, MOST_LANDMARKS), replace=False))
    known = _known_places(embedding_set.ids, like)
    vectors = embedding_set.read(landmarks)  # (L, D)
    with progress.task("Drawing the map", total=count) as advance:
        start = _start(vectors, None if known is None else known[landmarks])
        spread = like.stamp.spread if like is not None and known is not None else None
        laid_out = _laid_out(vectors, start, spread=spread, seed=seed)  # (L, 2)
        advance(len(landmarks))
        points = np.empty((count, 2), np.float32)
        points[landmarks] = laid_out
        others = np.setdiff1d(np.arange(count), landmarks, assume_unique=True)
        place = _Placing(vectors, laid_out)
        for first in range(0, len(others), _BLOCK):
            rows = others[first : first + _BLOCK]
            points[rows] = place(embedding_set.read(rows))
            advance(len(rows))
    if known is not None:
        points = _turned(points, onto=known)
    stamp = MapStamp(
        embedding_set=embedding_set.name,
        count=count,
        landmarks=len(landmarks),
        seed=seed,
        spread=float(laid_out.std(axis=0).max()),
        like=like.stamp.embedding_set if like is not None and known is not None else None,
        set_created_at=embedding_set.stamp.created_at,
    )
    scaled = _scaled(points)
    _write(embedding_set.path / _FILE, stamp, scaled)
    return EmbeddingMap(stamp, scaled, embedding_set.ids)


class _Placing:
    """Places products among landmarks (L, D) that lie at (L, 2)."""

    def __init__(self, vectors: FloatArray, places: FloatArray) -> None:
        import faiss

        lists = max(1, int(np.sqrt(len(vectors))))
        index: Any = faiss.index_factory(
            vectors.shape[1], f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT
        )
        index.cp.min_points_per_centroid = 1
        index.train(vectors)
        index.add(vectors)
        index.nprobe = max(1, lists // 6)
        self._index = index
        self._places = places
        self._nearest = min(_PLACED_BY, len(vectors))

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """Places (n, 2): the mean of the nearest landmarks', those nearest by far the heaviest.

        A plain mean by distance would put what lies between two clusters into the void between:
        with it products placed are trustworthy to .84, so to .90; the landmarks themselves .96.
        """
        cosines, found = self._index.search(vectors, self._nearest)  # (n, k); row -1 if fewer
        distances = np.sqrt(2 - 2 * np.clip(cosines, -1, 1 - 1e-6))
        weights = (distances[:, :1] / distances) ** _SHARPNESS
        places = self._places[found]  # (n, k, 2)
        apart = np.linalg.norm(places - places[:, :1], axis=2)  # (n, k)
        # The half that lies elsewhere in the plane has no say.
        near = apart <= np.median(apart, axis=1, keepdims=True)
        weights = np.where((found >= 0) & near, weights, 0)
        weights /= weights.sum(axis=1, keepdims=True)
        placed: FloatArray = np.einsum("nk,nkd->nd", weights, places).astype(np.float32)
        return placed


def _known_places(ids: pa.StringArray, like: EmbeddingMap | None) -> FloatArray | None:
    """Where the map before has each product (N, 2), NaN for new ones; None if it has too few."""
    if like is None:
        return None
    import pyarrow.compute as pc

    rows = pc.index_in(ids, value_set=like.ids)
    shared = pc.is_valid(rows).to_numpy(zero_copy_only=False)
    if shared.sum() < _FEWEST_SHARED:
        return None
    places = np.full((len(ids), 2), np.nan, np.float32)
    places[shared] = like.points[rows.drop_null().to_numpy()]
    return places


def _start(vectors: FloatArray, known: FloatArray | None) -> FloatArray:
    """Where t-SNE starts (n, 2): the map before, or the first two principal components."""
    if known is None or np.isfinite(known[:, 0]).sum() < _FEWEST_SHARED:
        return _principal(vectors)
    new = np.flatnonzero(~np.isfinite(known[:, 0]))
    if len(new):
        old = np.flatnonzero(np.isfinite(known[:, 0]))
        known = known.copy()
        known[new] = _Placing(vectors[old], known[old])(vectors[new])
    return known


def _principal(vectors: FloatArray) -> FloatArray:
    """The first two principal components (n, 2), an axis pointing to its largest entry."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, : -3 if axes.shape[1] > 1 else None : -1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    places = np.zeros((len(vectors), 2), np.float32)
    places[:, : axes.shape[1]] = centred @ axes
    return places


def _laid_out(
    vectors: FloatArray, start: FloatArray, *, spread: float | None, seed: int
) -> FloatArray:
    """Landmarks in the plane (n, 2); near their start if that is a map of this spread."""
    count = len(vectors)
    width = float(start.std(axis=0).max())
    if count < _FEWEST_TO_LAY_OUT or width == 0:
        return start
    from sklearn.manifold import TSNE

    layout = TSNE(
        perplexity=min(_PERPLEXITY, (count - 1) / 3),
        # What is laid out already is not drawn together first, which would mix it up.
        early_exaggeration=12.0 if spread is None else 1.0,
        init=(start / width * (spread or _START_WIDTH)).astype(np.float32),
        max_iter=_TURNS,
        random_state=seed,
    )
    places: FloatArray = layout.fit_transform(vectors)
    return places


def _turned(points: FloatArray, *, onto: FloatArray) -> FloatArray:
    """Points turned or mirrored onto the places known of some of them (Schönemann, 1966)."""
    shared = np.isfinite(onto[:, 0])
    ours = points - points[shared].mean(axis=0)
    theirs = onto[shared] - onto[shared].mean(axis=0)
    u, _, v = np.linalg.svd(ours[shared].T.astype(np.float64) @ theirs)
    turned: FloatArray = (ours @ (u @ v)).astype(np.float32)
    return turned


def _scaled(points: FloatArray) -> FloatArray:
    """Points centred and scaled to fill [-1, 1] along the longer axis."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    centred = (points - (low + high) / 2) / (half if half > 0 else 1)
    scaled: FloatArray = np.clip(centred, -1, 1).astype(np.float32)
    return scaled


def _write(path: Path, stamp: MapStamp, points: NDArray[np.float32]) -> None:
    about = {"stamp": json.dumps(asdict(stamp))}
    with drafted(path) as draft:
        draft.write_bytes(save({"points": np.ascontiguousarray(points)}, metadata=about))
