"""What zero-shot says of the pool: where the first candidates of a leaf come from.

A leaf that nobody has labelled yet has nothing but its name. The keyword index and the vectors
find what is like that name; but a product like it may be much more like another leaf's. Guesses
are of all leaves at once, and put first what fits this one and none of the others.
"""

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.embeddings.nearest import unit_rows
from productnet.encoders.features import Features, open_features
from productnet.encoders.texts import product_text
from productnet.errors import EncoderError
from productnet.files import drafted_folder
from productnet.master.predictions import PREDICTION_SCHEMA, likeliest
from productnet.progress import SILENT, Progress
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.recommendations import Recommendations, write_recommendations
from productnet.retrieval.zero_shot import METHOD, Reading, ZeroShot
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

FORMAT_VERSION = 1
_STAMP = "productnet.json"

# Leaves that are kept of each product.
_KEPT = 3

# Products compared with all leaves at a time; with 5,000 of these, 20 MB.
_BLOCK = 1_024


def refresh_guesses(project: Project, *, progress: Progress = SILENT) -> None:
    """Bring the guesses up to date with the pool, the taxonomy and its guidelines.

    Where there is no taxonomy yet there are none. Needs the features that ``embed`` makes.
    """
    if not project.taxonomy_path.exists():
        shutil.rmtree(project.zero_shot_path, ignore_errors=True)
        return
    taxonomy, pool = Taxonomy.load(project.taxonomy_path), Pool.open(project.pool_path)
    with progress.task(f"Reading the names of {len(taxonomy.leaves):,} leaves", total=None):
        matcher = ZeroShot(
            taxonomy,
            guidelines=project.guidelines_path,
            encoders=project.settings.encoders,
        )
    stamp = {
        "format_version": FORMAT_VERSION,
        "pool_version": pool.version,
        "taxonomy": taxonomy.hash,
        "version": matcher.version,
    }
    if _stamp_of(project.zero_shot_path) == stamp:
        return
    with drafted_folder(project.zero_shot_path) as draft:
        tables = list(_guesses(project, pool, matcher, progress))
        guesses = pa.concat_tables(tables) if tables else PREDICTION_SCHEMA.empty_table()
        write_recommendations(draft, guesses, gold={})
        (draft / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def read_guesses(project: Project) -> Recommendations | None:
    """The guesses of a project; None where there are none of its taxonomy."""
    stamp = _stamp_of(project.zero_shot_path)
    if stamp.get("format_version") != FORMAT_VERSION:
        return None
    if stamp.get("taxonomy") != Taxonomy.load(project.taxonomy_path).hash:
        return None
    return Recommendations.open(project.zero_shot_path, round=0)


def guessed(leaf: Leaf, guesses: Recommendations | None, *, count: int) -> list[Candidate]:
    """The products that fit a leaf's name best, and no other leaf's."""
    if guesses is None:
        return []
    new = (one for one in guesses.of(leaf.category.id) if one.product not in leaf.hidden)
    return [
        Candidate(
            one.product,
            METHOD,
            one.confidence,
            f"fits the name of {'this leaf best' if one.rank == 1 else 'another leaf better'}",
        )
        for one in islice(new, count)
    ]


def _guesses(
    project: Project, pool: Pool, matcher: ZeroShot, progress: Progress
) -> Iterator[pa.Table]:
    texts = open_features(project, project.settings.encoders.text, modality="text")
    images = None if matcher.blind else _images(project)
    start = 0
    with progress.task("Guessing leaves by their names", total=len(pool)) as advance:
        for batch in pool.scan(columns=[ID, *pool.fields], batch_size=_BLOCK):
            rows = np.arange(start, start + batch.num_rows)
            reading = Reading(
                unit_rows(texts.take(rows)),
                [product_text(batch, pool.fields)],
                None if images is None else matcher.show(images.take(rows), images.present[rows]),
            )
            chances = matcher.probabilities(reading)  # (b, K)
            # Of a product that says nothing, nothing is guessed.
            telling = np.flatnonzero(chances.max(axis=1) > chances.min(axis=1))
            ids = batch.column(ID).take(pa.array(telling)).to_pylist()
            yield likeliest(ids, chances[telling], matcher.classes, count=_KEPT)
            start += batch.num_rows
            advance(batch.num_rows)


def _images(project: Project) -> Features | None:
    """The features of images; None where no product of the pool has one."""
    try:
        return open_features(project, project.settings.encoders.image, modality="image")
    except EncoderError:
        return None


def _stamp_of(folder: Path) -> dict[str, object]:
    try:
        found = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
