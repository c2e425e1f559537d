"""The embeddings a project starts with, from pretrained encoders alone (paper section 2.3)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from productnet.catalog.pool import Pool
from productnet.catalog.schema import IMAGE
from productnet.embeddings.active import Active, activate, no_embeddings, read_active
from productnet.embeddings.map import active_map, build_map
from productnet.embeddings.nearest import FloatArray, exact_nearest
from productnet.embeddings.projection import FORMAT_VERSION, Part, Projection
from productnet.embeddings.sets import EmbeddingSet, build_index, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.encoders.feature_store import Modality
from productnet.encoders.features import Features, compute_features, open_features
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError
from productnet.progress import SILENT, Progress
from productnet.settings import Project

NAME = "initial"
PROJECTION_FILE = "projection.safetensors"

# Products the projection is fitted on; 256 components are settled long before.
_SAMPLE = 20_000

# The loss in neighbours is measured as this many of so many queries' nearest.
_NEIGHBOURS = 10
_QUERIES = 1_000

_BLOCK = 8_192


def embed_initial(
    project: Project, *, progress: Progress = SILENT, engine: Engine = LOCAL
) -> EmbeddingSet:
    """Embed the whole pool with the project's encoders, as embedding set "initial".

    The set is put into use, unless a round has trained a better one that can still be read.

    What was encoded before is not encoded again, and a set made of the same things is kept. The
    share of the ten nearest neighbours that survive the reduction is measured on a sample and
    noted in the stamp as ``neighbours_kept``.

    Args:
        project: Whose pool.
        progress: Told of products.
        engine: Where they are encoded.

    Raises:
        EmbeddingError: The pool is empty, or no product has an image or a text.
        EncoderError: An encoder is missing here.
    """
    features = _features(project, progress, engine)
    first = next(iter(features.values()))
    settings = project.settings
    pool_version = Pool.open(project.pool_path).version
    encoder = (
        " + ".join(one.encoder for one in features.values())
        + f" to {settings.encoders.dimension} (projection {FORMAT_VERSION})"
    )
    folder = project.embeddings_path / NAME
    before = active_map(project)
    embedding_set = _existing(project, encoder=encoder, pool_version=pool_version)
    if embedding_set is None:
        rng = np.random.default_rng(settings.seed)
        count = len(first.ids)
        sample = np.sort(rng.choice(count, min(count, _SAMPLE), replace=False))
        parts = _parts(features, sample)
        projection = Projection.fit(parts, dimension=settings.encoders.dimension)
        stamp = Stamp(
            name=NAME,
            encoder=encoder,
            dimension=projection.dimension,
            count=count,
            pool_version=pool_version,
            taxonomy_hash=None,
            seed=settings.seed,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            notes={
                "products_with": {name: int(one.present.sum()) for name, one in features.items()},
                "joined_dimension": projection.joined_dimension,
                "neighbours_kept": neighbours_kept(projection, projection.join(parts), rng=rng),
            },
        )
        embedding_set = write_embedding_set(
            folder,
            ids=first.ids,
            vectors=_projected(features, projection, progress),
            stamp=stamp,
            files={PROJECTION_FILE: projection.to_bytes()},
        )
    build_index(embedding_set, progress=progress)
    build_map(embedding_set, like=before, progress=progress)
    if not _better_in_use(project):
        activate(project, Active(round=None, embedding_set=NAME))
    return embedding_set


def initial_set(project: Project) -> EmbeddingSet:
    """The initial embedding set, whatever round is active; raises EmbeddingError without one."""
    if read_active(project) is None:
        raise no_embeddings(project)
    return EmbeddingSet.open(project.embeddings_path / NAME)


def neighbours_kept(
    projection: Projection, joined: FloatArray, *, rng: np.random.Generator
) -> float:
    """The share of ten nearest neighbours among these (n, D) that reducing them to d keeps."""
    queries = rng.choice(len(joined), min(len(joined), _QUERIES), replace=False)
    k = min(_NEIGHBOURS + 1, len(joined))
    reduced = projection.reduce(joined)
    before, _ = exact_nearest(joined, joined[queries], k=k)
    after, _ = exact_nearest(reduced, reduced[queries], k=k)
    kept = wanted = 0
    for query, near, near_after in zip(queries, before, after, strict=True):
        others = set(near.tolist()) - {int(query)}
        kept += len(others & set(near_after.tolist()))
        wanted += len(others)
    return kept / wanted if wanted else 1.0


def _better_in_use(project: Project) -> bool:
    in_use = read_active(project)
    if in_use is None or in_use.round is None:
        return False
    try:
        EmbeddingSet.open(project.embeddings_path / in_use.embedding_set)
    except EmbeddingError:  # its error sent the user here
        return False
    return True


def _features(project: Project, progress: Progress, engine: Engine) -> dict[str, Features]:
    """The features of each modality that some product has, made up to date."""
    pool = Pool.open(project.pool_path)
    if not len(pool):
        raise EmbeddingError(
            f"{project.root} has no products to embed. Bring some in with `productnet import FEED`."
        )
    encoders: dict[Modality, str] = {"text": project.settings.encoders.text}
    if _has_images(pool):
        # Not even loaded for a pool of texts.
        encoders = {"image": project.settings.encoders.image, **encoders}
    features: dict[str, Features] = {}
    for modality, encoder in encoders.items():
        compute_features(project, encoder, modality=modality, progress=progress, engine=engine)
        opened = open_features(project, encoder, modality=modality)
        if opened.present.any():
            features[modality] = opened
    if not features:
        raise EmbeddingError(
            f"No product of {project.root} has an image or a text that can be encoded. Look at "
            "the mapping of columns with `productnet import FEED --dry-run`."
        )
    return features


def _has_images(pool: Pool) -> bool:
    batches = pool.scan(columns=[IMAGE], batch_size=256)
    return any(batch.column(IMAGE).null_count < batch.num_rows for batch in batches)


def _existing(project: Project, *, encoder: str, pool_version: int) -> EmbeddingSet | None:
    try:
        found = EmbeddingSet.open(project.embeddings_path / NAME)
    except EmbeddingError:
        return None
    stamp = found.stamp
    wanted = (encoder, pool_version, project.settings.seed)
    return found if (stamp.encoder, stamp.pool_version, stamp.seed) == wanted else None


def _parts(features: dict[str, Features], positions: NDArray[np.int64]) -> dict[str, Part]:
    return {
        name: Part(one.take(positions), one.present[positions]) for name, one in features.items()
    }


def _projected(
    features: dict[str, Features], projection: Projection, progress: Progress
) -> Iterator[FloatArray]:
    count = len(next(iter(features.values())).ids)
    with progress.task("Reducing vectors", total=count) as advance:
        for start in range(0, count, _BLOCK):
            positions = np.arange(start, min(start + _BLOCK, count))
            yield projection(_parts(features, positions))  # (b, d)
            advance(len(positions))
