"""The signatures of a pool: what its products' copies are recognised by, hashed once and kept.

A signature is kept under a hash of the product's id and fingerprint, so that a product is hashed
again only when a feed said something new of it. The table grows by atomic appends: killed and run
again, hashing goes on where it stopped.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from filelock import FileLock

from productnet.catalog.hashes import (
    IMAGE_BYTES,
    IMAGE_VIEWS,
    TEXT_SLOTS,
    ImageHash,
    TextHash,
    image_hash,
    text_hash,
)
from productnet.catalog.known import digest
from productnet.catalog.pool import Pool
from productnet.catalog.schema import THUMBNAIL
from productnet.catalog.texts import distinct_words
from productnet.engine.base import Engine, Stage
from productnet.engine.cores import cores
from productnet.engine.local import LOCAL
from productnet.errors import ProjectError
from productnet.locations import location
from productnet.progress import SILENT, Progress

# Raise it when the hashes, or what they are made of, change.
FORMAT_VERSION = 1

# Of each field; a description of a megabyte says no more.
_MOST_CHARACTERS = 2_000

# Products between two commits: what a kill costs at most, some ten seconds.
_CHUNK_PRODUCTS = 8_192

_SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("text", pa.binary(2 * TEXT_SLOTS)),
        pa.field("image", pa.binary(IMAGE_VIEWS * IMAGE_BYTES)),
    ],
    metadata={b"productnet.format_version": str(FORMAT_VERSION).encode()},
)


@dataclass(frozen=True)
class Signatures:
    """The hashes of a pool's products, in pool order; about 260 bytes a product.

    Attributes:
        texts: MinHash of the words of all text fields (N, 64); zeros where there are none.
        has_text: Which products have words (N,).
        images: pHash of the main image (N, 4, 32); zeros where there is none.
        has_image: Which products have an image that shows something (N,).
    """

    texts: TextHash
    has_text: npt.NDArray[np.bool_]
    images: ImageHash
    has_image: npt.NDArray[np.bool_]

    def take(self, rows: npt.NDArray[np.int64]) -> "Signatures":
        """The signatures of these products alone (n,), in the order asked."""
        return Signatures(
            self.texts[rows], self.has_text[rows], self.images[rows], self.has_image[rows]
        )


def sign_pool(
    pool: Pool, path: Path, *, progress: Progress = SILENT, engine: Engine = LOCAL
) -> Signatures:
    """The signatures of a pool, those of new and changed products computed now.

    Args:
        pool: The products; their texts and thumbnails are hashed.
        path: The Lance table that keeps signatures; made if it is missing or of another format.
        progress: Told of products hashed.
        engine: Where they are hashed.

    Raises:
        ProjectError: The table is damaged.
    """
    # Two that hash the same pool, such as `embed` and a release, take turns.
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        return _sign(pool, path, progress, engine)


def _sign(pool: Pool, path: Path, progress: Progress, engine: Engine) -> Signatures:
    keys = np.fromiter((_key(id, print_) for id, print_, _ in pool.fingerprints()), np.uint64)
    try:
        table = _prepare(path)
        wanted = ~np.isin(keys, table.to_table(columns=["key"]).column("key").to_numpy())
        if wanted.any():
            table = _append_missing(table, pool, keys, wanted, progress, engine)
        return _aligned(table, keys)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ProjectError(
            f"The signatures at {path} cannot be read ({error}). Delete that folder and run "
            "`productnet embed` again."
        ) from error


def _prepare(path: Path) -> lance.LanceDataset:
    # Without a version it was killed while being created.
    if any(path.glob("_versions/*.manifest")):
        found = lance.dataset(str(path))
        if found.schema.equals(_SCHEMA, check_metadata=True):
            return found
    shutil.rmtree(path, ignore_errors=True)
    return lance.write_dataset(_SCHEMA.empty_table(), str(path), mode="create")


@dataclass(frozen=True)
class _Unsigned:
    """Rows of the pool that are hashed together: their keys (n,), and which are wanted (n,)."""

    rows: range
    keys: npt.NDArray[np.uint64]
    wanted: npt.NDArray[np.bool_]


def _append_missing(
    table: lance.LanceDataset,
    pool: Pool,
    keys: npt.NDArray[np.uint64],
    wanted: npt.NDArray[np.bool_],
    progress: Progress,
    engine: Engine,
) -> lance.LanceDataset:
    starts = range(0, len(keys), _CHUNK_PRODUCTS)
    parts = [slice(start, min(start + _CHUNK_PRODUCTS, len(keys))) for start in starts]
    pieces = [
        _Unsigned(range(part.start, part.stop), keys[part], wanted[part])
        for part in parts
        if wanted[part].any()
    ]
    reading = _Reading(pool.address, pool.version, pool.fields)
    stages = [Stage(partial(_Hash, pool.fields), processors=0.9)]
    with progress.task("Hashing texts and images", total=int(wanted.sum())) as advance:
        for _, batches in engine.stream(pieces, reading, stages, advance=advance):
            table = _append(table, batches)
    return table


def _append(table: lance.LanceDataset, batches: list[pa.RecordBatch]) -> lance.LanceDataset:
    rows = pa.Table.from_batches(batches).cast(_SCHEMA)
    return lance.write_dataset(rows, table.uri, mode="append")


@dataclass(frozen=True)
class _Reading:
    """Gives the wanted products of a piece: their key, texts and thumbnail."""

    pool: str
    version: int
    fields: tuple[str, ...]

    def __call__(self, piece: _Unsigned) -> Iterator[pa.RecordBatch]:
        """Batch by batch, in pool order."""
        pool = Pool.open(location(self.pool), version=self.version)
        start = 0
        for batch in pool.scan(columns=[*self.fields, THUMBNAIL], rows=piece.rows):
            new = start + np.flatnonzero(piece.wanted[start : start + batch.num_rows])
            products = batch.take(pa.array(new - start))
            start += batch.num_rows
            yield pa.record_batch(
                [pa.array(piece.keys[new], pa.uint64()), *products.columns],
                ["key", *products.schema.names],
            )


class _Hash:
    """Products become their key with the text and the image hash, as bytes."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def __call__(self, products: pa.RecordBatch) -> pa.RecordBatch:
        columns = [products.column(name).to_pylist() for name in self._fields]
        # Pillow lets go of the interpreter lock while it decodes.
        with ThreadPoolExecutor(cores()) as workers:
            coming = workers.map(_image_bytes, products.column(THUMBNAIL).to_pylist())
            texts = [_text_bytes(row) for row in _rows(columns, products.num_rows)]
            images = list(coming)
        hashes = [pa.array(texts, _SCHEMA.types[1]), pa.array(images, _SCHEMA.types[2])]
        return pa.record_batch([products.column("key"), *hashes], _SCHEMA.names)


def _text_bytes(texts: tuple[str | None, ...]) -> bytes | None:
    words = distinct_words(" ".join(text[:_MOST_CHARACTERS] for text in texts if text))
    return text_hash(words).tobytes() if words else None


def _rows(columns: list[list[str | None]], count: int) -> Iterator[tuple[str | None, ...]]:
    return zip(*columns, strict=True) if columns else iter([()] * count)


def _image_bytes(thumbnail: bytes | None) -> bytes | None:
    hashed = image_hash(thumbnail) if thumbnail else None
    return None if hashed is None else hashed.tobytes()


def _aligned(table: lance.LanceDataset, keys: npt.NDArray[np.uint64]) -> Signatures:
    """The signatures of these keys (N,), in their order."""
    count = len(keys)
    found = Signatures(
        texts=np.zeros((count, TEXT_SLOTS), np.uint16),
        has_text=np.zeros(count, np.bool_),
        images=np.zeros((count, IMAGE_VIEWS, IMAGE_BYTES), np.uint8),
        has_image=np.zeros(count, np.bool_),
    )
    order = np.argsort(keys)
    for batch in table.to_batches():
        these = batch.column("key").to_numpy()
        places = np.searchsorted(keys, these, sorter=order)
        places[places == count] = 0
        ours = keys[order[places]] == these
        for name, into, has in (
            ("text", found.texts, found.has_text),
            ("image", found.images, found.has_image),
        ):
            column = batch.column(name)
            present = ours & column.is_valid().to_numpy(zero_copy_only=False)
            chosen = order[places[present]]
            has[chosen] = True
            content = b"".join(column.filter(pa.array(present)).to_pylist())
            into[chosen] = np.frombuffer(content, into.dtype).reshape(-1, *into.shape[1:])
    return found


def _key(product_id: str, fingerprint: bytes) -> int:
    return int.from_bytes(digest(fingerprint + product_id.encode()))
