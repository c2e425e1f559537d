"""Building a search index from a project: read in batches, made beside, put in place whole."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError, UsageError
from productnet.files import alone_at, drafted_folder, mapped_array
from productnet.master.predictions import NO_CATEGORY
from productnet.progress import SILENT, Progress
from productnet.retrieval.guesses import read_guesses
from productnet.retrieval.keyword_index import KeywordIndex
from productnet.retrieval.zero_shot import METHOD
from productnet.serving.search import (
    FORMAT_VERSION,
    INDEX_FILE,
    LEAVES_FILE,
    MODEL_FOLDER,
    TAXONOMY_FILE,
    TITLES_FILE,
    VECTORS_FOLDER,
    WORDS_FOLDER,
)
from productnet.serving.within import lineage
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

_BATCH = 8_192

Numbers = npt.NDArray[np.int32]
Mapped = np.memmap[tuple[int, ...], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What was built.

    Attributes:
        path: The folder.
        products: In it.
        categorized: Those that can be found by category.
        categories: Who told their categories: ``master``, ``zero-shot``, or nobody.
        embedding_set: Name of the set the vectors are of.
        bytes: Of all files.
    """

    path: Path
    products: int
    categorized: int
    categories: str | None
    embedding_set: str
    bytes: int


def build_search_index(
    project: Project, out: Path, *, precision: float | None = None, progress: Progress = SILENT
) -> IndexSummary:
    """Build a search index of the pool, with the embedding set in use and what encodes queries.

    Products are found by the category that the master model in use takes them for; before the
    first round, by the one that zero-shot guesses. In memory are a batch of products and Tantivy's
    128 MB, whatever the pool's size; eight bytes a product are mapped from disk.

    Args:
        project: With embeddings.
        out: The folder to make; a search index that is there is replaced whole.
        precision: Only categories that are this often right; the likeliest of each when None.
        progress: Told of products.

    Raises:
        UsageError: ``out`` holds something else, or there is no model to promise a precision.
        EmbeddingError: The pool is not embedded, or has changed since.
        ProjectError: Somebody writes there already.
    """
    if out.exists() and not (out / INDEX_FILE).is_file():
        raise UsageError(f"{out} exists and is no search index. Choose another folder.")
    pool, vectors = Pool.open(project.pool_path), active_set(project)
    if vectors.stamp.pool_version != pool.version and not vectors.ids.equals(pool.ids()):
        raise EmbeddingError(
            f'Embedding set "{vectors.name}" is of an older version of the pool. Run '
            "`productnet embed` or `productnet round`, then index again."
        )
    taxonomy = Taxonomy.load_if_any(project.taxonomy_path)
    with alone_at(out), drafted_folder(out) as draft:
        classes, leaves, method = _leaves(
            project, pool, vectors, draft, precision=precision, progress=progress
        )
        _copy_vectors(vectors, draft / VECTORS_FOLDER / vectors.name)
        above = [lineage(taxonomy, leaf) for leaf in classes]
        KeywordIndex.build(
            pool,
            draft / WORDS_FOLDER,
            within=([] if one == NO_CATEGORY else above[one] for one in _each(leaves)),
            progress=progress,
        )
        _write_titles(pool, draft / TITLES_FILE, progress)
        if taxonomy is not None:
            taxonomy.save(draft / TAXONOMY_FILE)
        settings = project.settings
        about = {
            "format_version": FORMAT_VERSION,
            "name": settings.name,
            "products": len(vectors),
            "fields": list(settings.catalog.fields),
            "encoders": settings.encoders.model_dump(mode="json"),
            "embedding_set": vectors.name,
            "encoder": vectors.stamp.encoder,
            "taxonomy": None if taxonomy is None else str(taxonomy),
            "leaves": list(classes),
            "categories": method,
            "precision": precision,
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (draft / INDEX_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        size = sum(file.stat().st_size for file in draft.rglob("*") if file.is_file())
        categorized = sum(int((some != NO_CATEGORY).sum()) for some in _blocks(leaves))
        del leaves
    return IndexSummary(out, len(vectors), categorized, method, vectors.name, size)


def _leaves(
    project: Project,
    pool: Pool,
    vectors: EmbeddingSet,
    draft: Path,
    *,
    precision: float | None,
    progress: Progress,
) -> tuple[tuple[str, ...], Mapped, str | None]:
    """The classes, the number of each product's (N,), and who told it."""
    leaves = mapped_array(draft / LEAVES_FILE, dtype=np.int32, shape=(len(vectors),))
    leaves[:] = NO_CATEGORY
    active = read_active(project)
    if active is None or active.embedding_set != vectors.name:
        raise EmbeddingError("Another round came into use meanwhile. Run the same command again.")
    if active.round is not None:
        classes = _leaves_by_model(
            project, pool, leaves, draft, precision=precision, progress=progress
        )
        leaves.flush()
        return classes, leaves, "master"
    if precision is not None:
        raise UsageError(
            "No precision can be promised before there is a master model: run `productnet round`, "
            "or leave --precision out."
        )
    guesses = read_guesses(project)
    if guesses is None:
        return (), leaves, None
    classes = tuple(leaf.id for leaf in Taxonomy.load(project.taxonomy_path).leaves)
    for number, leaf in enumerate(classes):
        best = [one.product for one in guesses.of(leaf) if one.rank == 1]
        rows = vectors.rows(best)
        leaves[rows[rows >= 0]] = number
    leaves.flush()
    return classes, leaves, METHOD


def _leaves_by_model(
    project: Project,
    pool: Pool,
    leaves: Numbers,
    draft: Path,
    *,
    precision: float | None,
    progress: Progress,
) -> tuple[str, ...]:
    """Fill in what the master model in use decides, and put it beside; its classes."""
    # torch, which nothing else here needs.
    from productnet.master.model import MasterModel
    from productnet.serving.categorize import active_model_folder
    from productnet.serving.pool_categories import categorize_pool

    folder = active_model_folder(project)
    model = MasterModel.load(folder)
    answers = draft / "answers"
    answers.mkdir()
    told = categorize_pool(
        project,
        pool,
        model,
        answers,
        made=folder.parent,
        precision=precision,
        progress=progress,
    )
    for start, numbers in told.blocks():
        leaves[start : start + len(numbers)] = numbers
    shutil.rmtree(answers)
    shutil.copytree(folder, draft / MODEL_FOLDER)
    return model.classes


def _copy_vectors(vectors: EmbeddingSet, place: Path) -> None:
    """The set without its map, which is for people to look at."""
    shutil.copytree(vectors.path, place, ignore=shutil.ignore_patterns("map*"))


def _write_titles(pool: Pool, path: Path, progress: Progress) -> None:
    title = pool.fields[0]
    schema = pa.schema([pa.field("title", pa.string())])
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, schema) as file,
        progress.task("Writing titles", total=len(pool)) as advance,
    ):
        for batch in pool.scan(columns=[ID, title], batch_size=_BATCH):
            file.write_batch(pa.record_batch([batch.column(title)], schema=schema))
            advance(batch.num_rows)


def _blocks(numbers: Numbers) -> Iterator[Numbers]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def _each(numbers: Numbers) -> Iterator[int]:
    for some in _blocks(numbers):
        yield from some.tolist()
