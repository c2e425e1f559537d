"""A feed brought into the pool: streamed, resumable, idempotent by product id.

Killed at any moment, the same import run again ends as if nothing had happened: the pool is
written in atomic batches, products it has already are passed over by their fingerprint, and the
files beside it are written whole at the end, from all rows of the feed.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from productnet.catalog.feed import Feed, open_feed
from productnet.catalog.known import KnownProducts, SeenIds
from productnet.catalog.loaded_apart import LoadProducts, load_apart
from productnet.catalog.loader import Loaded, ProductLoader
from productnet.catalog.mapping import FeedMapping, MappedProduct, map_columns
from productnet.catalog.pool import Pool
from productnet.catalog.readers.rows import Fault, FaultKind
from productnet.catalog.schema import ID, Product, products_to_table
from productnet.catalog.side_tables import (
    CATEGORIES_SCHEMA,
    ImportErrors,
    TableWriter,
    merge_categories,
)
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import ProjectError
from productnet.files import alone
from productnet.locations import failures_told
from productnet.progress import SILENT, Advance, Progress
from productnet.settings import Project

# A batch is one commit of the pool. A kill costs the batch that was being gathered.
_BATCH_ROWS = 4_096
_BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did.

    Attributes:
        added: Products new to the pool.
        updated: Products the feed says something else of than before.
        unchanged: Products the pool had already, just so.
        errors: Rows of ``import-errors.parquet``.
        reasons: Their number by short code, the commonest first.
        rows: Rows the feed has, bad ones included.
        bad_rows: Rows that gave no product.
        without_image: Products in the pool with an image missing that they should have.
        references: Rows whose reference was kept.
        labels: Rows whose label was kept.
        ignored_columns: Columns that fill nothing, those found after the first rows included.
    """

    added: int
    updated: int
    unchanged: int
    errors: int
    reasons: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    bad_rows: int = 0
    without_image: int = 0
    references: int = 0
    labels: int = 0
    ignored_columns: tuple[str, ...] = ()


def import_feed(
    project: Project,
    feed: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    format: str | None = None,
    reference: str | None = None,
    labels: str | None = None,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> ImportSummary:
    """Import a feed into the project's pool.

    A row that cannot be used, or an image, is recorded in ``import-errors.parquet`` and does not
    stop the import; of a bad image the product stays, without it. Of rows with the same id the
    first counts. Memory: one batch of at most 64 MB, what ``ProductLoader`` has in flight, and
    about 150 bytes for each product of the pool and the feed.

    Args:
        project: Where to.
        feed: A file, or a folder with images.
        mapping: Field to column, for what the well-known names do not settle.
        format: A name in ``READERS``; told from the feed when None.
        reference: Column kept apart in ``project.reference_path``, for evaluation alone.
        labels: Column of existing labels, kept in ``imported-labels.parquet``.
        progress: Told of every row.
        engine: Where images are loaded and thumbnails made; the pool is written here.

    Raises FeedError, UsageError or UnknownName before anything is written, and ProjectError while
    another import runs.
    """
    opened = open_feed(feed, format=format)
    decided = decide_mapping(project, opened, mapping, reference=reference, labels=labels)
    busy = f"Another import into {project.root} is running. Wait until it is done, or stop it."
    with (
        alone(project.root / ".import.lock", busy=busy),
        progress.task(f"Importing {feed.name}", total=None) as advance,
    ):
        running = _Import(project, decided)
        load = _load_apart if engine.apart else _load_here
        for loaded in load(project, opened, running, advance, engine):
            running.take(loaded)
        return running.finish()


def _load_here(
    project: Project, feed: Feed, running: "_Import", advance: Advance, engine: Engine
) -> Iterator[Loaded]:
    settings = project.settings
    with ProductLoader(
        feed.folder, settings.images, running.known.is_current, seed=settings.seed
    ) as loader:
        yield from loader.load(running.accepted(feed, advance))


def _load_apart(
    project: Project, feed: Feed, running: "_Import", advance: Advance, engine: Engine
) -> Iterator[Loaded]:
    settings = project.settings
    load = LoadProducts(
        feed.folder.resolve(),
        settings.catalog.fields,
        settings.images,
        running.known,
        settings.seed,
    )
    work = (project.root / ".import").resolve()
    return load_apart(running.accepted(feed, advance), work, load, engine)


def decide_mapping(
    project: Project,
    feed: Feed,
    overrides: Mapping[str, str] | None,
    *,
    reference: str | None = None,
    labels: str | None = None,
) -> FeedMapping:
    """The mapping of a feed: ``overrides``, then the project's own where its columns exist."""
    ours = {
        name: column
        for name, column in project.settings.catalog.mapping.items()
        if all(part.strip() in feed.columns for part in column.split(","))
    }
    return map_columns(
        feed.columns,
        project.settings.catalog.fields,
        overrides=ours | dict(overrides or {}),
        reference=reference,
        labels=labels,
    )


class _Import:
    """One import under way: what is known, what was counted, what went wrong."""

    def __init__(self, project: Project, mapping: FeedMapping) -> None:
        self._project = project
        self._mapping = mapping
        pool = _open_pool(project)
        self.known = KnownProducts(pool)
        self._batch = _Batch(pool)
        self._seen = SeenIds()
        self._errors = ImportErrors()
        self._reference = TableWriter(CATEGORIES_SCHEMA)
        self._labels = TableWriter(CATEGORIES_SCHEMA)
        self._late_columns: dict[str, None] = {}
        self._counts: Counter[str] = Counter()

    def accepted(self, feed: Feed, advance: Advance) -> Iterator[MappedProduct]:
        """The products of the feed's good rows; what is wrong with the others is recorded."""
        columns = set(feed.columns)
        for row in feed.rows:
            advance(1)
            self._counts["rows"] += 1
            if late := row.values.keys() - columns:
                columns |= late
                self._late_columns |= dict.fromkeys(name for name in row.values if name in late)
            mapped = self._mapping.product(row)
            product_id = None
            if isinstance(mapped, MappedProduct):
                product_id = mapped.id
                mapped = self._first(mapped)
            if isinstance(mapped, Fault):
                self._counts["bad_rows"] += 1
                self._errors.record(row.file, row.line, mapped, product_id=product_id)
                continue
            if mapped.reference is not None:
                self._reference.add(mapped.id, mapped.reference)
            if mapped.labels is not None:
                self._labels.add(mapped.id, mapped.labels)
            yield mapped

    def take(self, loaded: Loaded) -> None:
        """Write a product, with its batch, unless the pool has it just so."""
        mapped, product = loaded.mapped, loaded.product
        for fault in loaded.faults:
            self._errors.record(mapped.file, mapped.line, fault, product_id=mapped.id)
        self._counts["without_image"] += bool(loaded.faults)
        if product is None or (loaded.faults and self._failed_before(product)):
            self._counts["unchanged"] += 1
            return
        is_new = product.id not in self.known
        self._counts["added" if is_new else "updated"] += 1
        self._batch.add(product, is_new=is_new)

    def finish(self) -> ImportSummary:
        """Write the last batch and the files beside the pool."""
        self._batch.finish()
        reference, labels = self._reference.table(), self._labels.table()
        if self._mapping.reference is not None:
            merge_categories(self._project.reference_path, reference)
        if self._mapping.labels is not None:
            merge_categories(self._project.imported_labels_path, labels)
        self._errors.write(self._project.import_errors_path)
        by_kind = sorted(self._errors.by_kind.items(), key=lambda item: (-item[1], item[0]))
        return ImportSummary(
            added=self._counts["added"],
            updated=self._counts["updated"],
            unchanged=self._counts["unchanged"],
            errors=self._errors.count,
            reasons=dict(by_kind),
            rows=self._counts["rows"],
            bad_rows=self._counts["bad_rows"],
            without_image=self._counts["without_image"],
            references=len(reference),
            labels=len(labels),
            ignored_columns=(*self._mapping.unmapped, *self._late_columns),
        )

    def _failed_before(self, product: Product) -> bool:
        """Whether the pool has the product so already, lacking the same images."""
        return self.known.has(product.id, product.fingerprint, image_error=product.image_error)

    def _first(self, mapped: MappedProduct) -> MappedProduct | Fault:
        first = self._seen.first_line(mapped.id, mapped.line)
        if first is None:
            return mapped
        reason = f'Line {first} has the id "{mapped.id}" already; that row counts.'
        return Fault(FaultKind.DUPLICATE_ID, reason, ID)


class _Batch:
    """Products gathered until they make a commit worth its while."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._new: list[Product] = []
        self._changed: list[Product] = []
        self._bytes = 0
        self._wrote = False

    def add(self, product: Product, *, is_new: bool) -> None:
        (self._new if is_new else self._changed).append(product)
        images = (product.image, product.thumbnail, *product.more_images)
        self._bytes += sum(map(len, product.texts.values()))
        self._bytes += sum(len(image) for image in images if image is not None)
        if len(self._new) + len(self._changed) >= _BATCH_ROWS or self._bytes >= _BATCH_BYTES:
            self._write()

    def finish(self) -> None:
        self._write()
        if self._wrote:
            self._pool.compact()

    def _write(self) -> None:
        if self._new:
            self._pool.append(products_to_table(self._new, self._pool.fields))
        if self._changed:
            self._pool.upsert(products_to_table(self._changed, self._pool.fields))
        self._wrote = self._wrote or bool(self._new or self._changed)
        self._new, self._changed, self._bytes = [], [], 0


def _open_pool(project: Project) -> Pool:
    path, fields = project.pool_path, project.settings.catalog.fields
    # A kill while the pool was being made leaves a folder without a first version, and no data.
    with failures_told(path):
        is_new = not any(path.glob("_versions/*")) and not any(path.glob("data/*"))
    if is_new:
        if isinstance(path, Path):
            shutil.rmtree(path, ignore_errors=True)
        return Pool.create(path, fields)
    pool = Pool.open(path)
    if pool.fields != fields:
        raise ProjectError(
            f"The pool has the fields {', '.join(pool.fields)}, but productnet.toml says "
            f"{', '.join(fields)}. Put its catalog.fields back, or import into a new project."
        )
    return pool
