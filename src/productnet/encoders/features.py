"""The cache of frozen features: every content of the pool is encoded once by each encoder.

A feature belongs to a content, not to a product: its key is a hash of the exact bytes of the
image or text and of the encoder's name and version. Products that share an image share its
feature, an import that changes nothing costs nothing, and a changed text is encoded again.

One Lance table an encoder holds key and vector, in float16; a small file beside it says which key
each product of the pool has.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.encoders.base import Encoder, FloatArray
from productnet.encoders.registry import encoder_slug, image_encoder, text_encoder
from productnet.encoders.texts import product_text
from productnet.errors import EncoderError, ImageError, UnknownProduct
from productnet.progress import SILENT, Progress
from productnet.settings import Project, drafted

Modality = Literal["image", "text"]

# Products between two commits: what a kill costs at most, some 15 seconds of images.
CHUNK_PRODUCTS = 2_048

# Products encoded in one call. Images are large, and short texts want company of their length.
_BATCH_PRODUCTS = {"image": 256, "text": 2_048}

# Raise it when the tables below, or what ``product_text`` makes of a product, change.
_FORMAT_VERSION = 1

_KEY = "key"
_VECTOR = "vector"
_POOL_VERSION = b"pool_version"

_Encode = Callable[[list[bytes]], FloatArray]


@dataclass(frozen=True)
class _Stamp:
    """What a table of features was made by; one with another stamp is started afresh."""

    format_version: int
    modality: Modality
    encoder: str
    encoder_version: str
    dimension: int

    def metadata(self) -> dict[bytes, bytes]:
        return {b"productnet": json.dumps(asdict(self)).encode()}

    @classmethod
    def of(cls, schema: pa.Schema) -> "_Stamp":
        return cls(**json.loads(schema.metadata[b"productnet"]))


@dataclass(frozen=True)
class Features:
    """The features of a pool, read row by row from disk.

    Attributes:
        ids: Product ids, in pool order (N).
        present: Which products have a feature (N,); the others have no image, or no text.
        encoder: Name of the encoder, with its version after an ``@``.
        dimension: Length D of a vector.
    """

    ids: pa.StringArray
    present: NDArray[np.bool_]
    encoder: str
    dimension: int
    _table: lance.LanceDataset
    _rows: NDArray[np.int64]

    def take(self, positions: NDArray[np.int64]) -> FloatArray:
        """Vectors (n, D) of the products at these positions in pool order; zeros where missing."""
        vectors = np.zeros((len(positions), self.dimension), np.float32)
        rows = self._rows[positions]
        found = np.flatnonzero(rows >= 0)
        if len(found):
            with _damage_reported(Path(self._table.uri)):
                # Lance wants each row once and reads fastest in order.
                wanted, inverse = np.unique(rows[found], return_inverse=True)
                taken = self._table.take(wanted, columns=[_VECTOR]).column(_VECTOR)
            flat = taken.combine_chunks().values.to_numpy(zero_copy_only=False)
            vectors[found] = flat.reshape(len(wanted), self.dimension)[inverse]
        return vectors  # (n, D)


def compute_features(
    project: Project,
    encoder_name: str,
    *,
    modality: Modality,
    progress: Progress = SILENT,
    chunk_products: int = CHUNK_PRODUCTS,
) -> None:
    """Encode whatever in the pool this encoder has not encoded yet.

    Work is committed a chunk of the pool at a time. Killed and run again it continues at the
    chunk it was in, and ends with the features an undisturbed run gives, to the bit: chunks and
    batches lie where the pool's order puts them, not where the last run ended.

    Args:
        project: Its pool is encoded, its folder takes the features.
        encoder_name: Name of an image or a text encoder, as ``modality`` says.
        modality: What to encode of a product: its main image, or its text fields as one text.
        progress: Told of products gone through.
        chunk_products: Products between two commits.
    """
    pool = Pool.open(project.pool_path)
    encoder, encode = _loaded(encoder_name, modality)
    stamp = _Stamp(_FORMAT_VERSION, modality, encoder_name, encoder.version, encoder.dimension)
    table = _writable_table(_table_path(project, encoder_name), stamp)
    with _damage_reported(Path(table.uri)):
        known = set(table.to_table(columns=[_KEY]).column(_KEY).to_pylist())
    keys: list[bytes | None] = []
    fresh: dict[bytes, FloatArray] = {}
    uncommitted = 0
    with progress.task(f"Encoding {modality}s with {encoder_name}", total=len(pool)) as advance:
        for contents in _contents(pool, modality):
            batch_keys = [None if content is None else _key(content, stamp) for content in contents]
            new = {
                key: content
                for key, content in zip(batch_keys, contents, strict=True)
                if key is not None and content is not None and key not in known
            }
            vectors = _encoded(encode, list(new.values()))
            fresh.update(
                (key, vector)
                for key, vector in zip(new, vectors, strict=True)
                if vector is not None
            )
            known.update(new)
            keys += batch_keys
            uncommitted += len(contents)
            if uncommitted >= chunk_products:
                table = _committed(table, fresh)
                fresh, uncommitted = {}, 0
            advance(len(contents))
    _committed(table, fresh)
    _write_keys(_keys_path(project, encoder_name), pool, keys, stamp)


def open_features(project: Project, encoder_name: str, *, modality: Modality) -> Features:
    """The features of the whole pool, as ``compute_features`` left them.

    Raises:
        EncoderError: They were never computed, were computed for another version of the pool or
            another modality, or are damaged.
    """
    pool = Pool.open(project.pool_path)
    keys = _read_keys(_keys_path(project, encoder_name), pool)
    if keys is None or (stamp := _Stamp.of(keys.schema)).modality != modality:
        raise EncoderError(
            f'The pool as it is now has no {modality} features of encoder "{encoder_name}". '
            "Compute them with `productnet embed`."
        )
    path = _table_path(project, encoder_name)
    with _damage_reported(path):
        table = lance.dataset(str(path))
        known = table.to_table(columns=[_KEY]).column(_KEY).combine_chunks()
    rows = pc.fill_null(pc.index_in(keys.column(_KEY), value_set=known), -1)
    rows = rows.to_numpy().astype(np.int64)
    return Features(
        ids=keys.column(ID).combine_chunks(),
        present=rows >= 0,
        encoder=f"{encoder_name}@{stamp.encoder_version}",
        dimension=stamp.dimension,
        _table=table,
        _rows=rows,
    )


def read_features(
    project: Project,
    encoder_name: str,
    *,
    modality: Modality,
    ids: Sequence[str] | None = None,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Vectors (N, D) of these products, or of the pool in its order, and which are present (N,).

    A product without an image, or without text, is not present and has zeros. Raises EncoderError
    as ``open_features`` does, and UnknownProduct for an id that is not in the pool.
    """
    features = open_features(project, encoder_name, modality=modality)
    positions = np.arange(len(features.ids))
    if ids is not None:
        found = pc.index_in(pa.array(ids, pa.string()), value_set=features.ids)
        if found.null_count:
            missing = ids[pc.index(pc.is_null(found), True).as_py()]
            raise UnknownProduct(f'The pool has no product "{missing}".')
        positions = found.to_numpy().astype(np.int64)
    return features.take(positions), features.present[positions]


def _loaded(encoder_name: str, modality: Modality) -> tuple[Encoder, _Encode]:
    if modality == "image":
        image = image_encoder(encoder_name)
        return image, image.encode
    text = text_encoder(encoder_name)
    return text, lambda contents: text.encode([content.decode() for content in contents])


def _contents(pool: Pool, modality: Modality) -> Iterator[list[bytes | None]]:
    """What there is to encode of each product, batch by batch in pool order; a text in UTF-8."""
    size = _BATCH_PRODUCTS[modality]
    if modality == "image":
        for batch in pool.scan(columns=[IMAGE], batch_size=size):
            yield batch.column(IMAGE).to_pylist()
    else:
        for batch in pool.scan(columns=[ID, *pool.fields], batch_size=size):
            texts = product_text(batch, pool.fields)
            yield [None if text is None else text.encode() for text in texts]


def _key(content: bytes, stamp: _Stamp) -> bytes:
    salt = f"{stamp.encoder} {stamp.encoder_version}".encode()
    return hashlib.blake2b(content, digest_size=16, key=hashlib.sha256(salt).digest()).digest()


def _encoded(encode: _Encode, contents: list[bytes]) -> list[FloatArray | None]:
    """A vector for each content; None for an image that cannot be decoded."""
    try:
        return list(encode(contents))
    except ImageError:
        # Import lets no such image in; should one be there, it must not cost the others theirs.
        if len(contents) == 1:
            return [None]
        return [vector for content in contents for vector in _encoded(encode, [content])]


def _table_path(project: Project, encoder_name: str) -> Path:
    return project.features_path / f"{encoder_slug(encoder_name)}.lance"


def _keys_path(project: Project, encoder_name: str) -> Path:
    return project.features_path / f"{encoder_slug(encoder_name)}.keys.parquet"


def _writable_table(path: Path, stamp: _Stamp) -> lance.LanceDataset:
    """The table of this stamp, with what it holds already, or a new empty one."""
    schema = pa.schema(
        [
            pa.field(_KEY, pa.binary(16), nullable=False),
            pa.field(_VECTOR, pa.list_(pa.float16(), stamp.dimension), nullable=False),
        ],
        metadata=stamp.metadata(),
    )
    # Without a version it was killed while being created.
    if any(path.glob("_versions/*.manifest")):
        with _damage_reported(path):
            table = lance.dataset(str(path))
        if table.schema.equals(schema, check_metadata=True):
            return table
    shutil.rmtree(path, ignore_errors=True)
    return lance.write_dataset(schema.empty_table(), str(path), mode="create")


def _committed(table: lance.LanceDataset, fresh: dict[bytes, FloatArray]) -> lance.LanceDataset:
    """The table with these features added, in one atomic step."""
    if not fresh:
        return table
    vectors = np.stack(list(fresh.values())).astype(np.float16)  # (n, D)
    columns = [
        pa.array(list(fresh), pa.binary(16)),
        pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
    ]
    rows = pa.table(columns, schema=table.schema)
    return lance.write_dataset(rows, table.uri, mode="append")


def _write_keys(path: Path, pool: Pool, keys: list[bytes | None], stamp: _Stamp) -> None:
    metadata = stamp.metadata() | {_POOL_VERSION: str(pool.version).encode()}
    table = pa.table({ID: pool.ids(), _KEY: pa.array(keys, pa.binary(16))})
    with drafted(path) as draft:
        pq.write_table(table.replace_schema_metadata(metadata), draft)


def _read_keys(path: Path, pool: Pool) -> pa.Table | None:
    """The key of each product of this version of the pool; None unless just that is there."""
    try:
        keys = pq.read_table(path)
        current = keys.schema.metadata[_POOL_VERSION] == str(pool.version).encode()
        return keys if current and _Stamp.of(keys.schema) else None
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise EncoderError(
            f"The cached features at {path} are damaged ({error}). Delete that folder and run "
            "`productnet embed` again."
        ) from error
