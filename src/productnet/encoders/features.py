"""The cache of frozen features: every content of the pool is encoded once by each encoder.

A feature belongs to a content, not to a product: its key is a hash of the exact bytes of the
image or text and of the encoder's name and version. Products that share an image share its
feature, an import that changes nothing costs nothing, and a changed text is encoded again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.encoders.base import Encoder, FloatArray
from productnet.encoders.feature_store import (
    KEY,
    FeatureStamp,
    FeatureTable,
    Modality,
    read_keys,
    write_keys,
)
from productnet.encoders.pictures import square_pixels
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.encoders.runtime import on_every_core
from productnet.encoders.texts import product_text
from productnet.engine.base import Engine, Stage
from productnet.engine.local import LOCAL
from productnet.errors import ImageError, UnknownProduct
from productnet.locations import location
from productnet.progress import SILENT, Progress
from productnet.settings import Project

# Products between two commits: what a kill costs at most, some 15 seconds of images.
CHUNK_PRODUCTS = 2_048

# Products encoded in one call. Images are large; short texts want company of their length.
_BATCH_PRODUCTS = {"image": 256, "text": 2_048}

_ENCODERS: dict[Modality, Callable[[str], Encoder]] = {
    "image": image_encoder,
    "text": text_encoder,
}

_CONTENT = "content"
_PIXELS = "pixels"
_VECTOR = "vector"


@dataclass(frozen=True)
class Features:
    """The features of a pool, read from disk as they are asked for.

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
    _table: FeatureTable
    _rows: NDArray[np.int64]

    def take(self, positions: NDArray[np.int64]) -> FloatArray:
        """Vectors (n, D) of the products at these positions in pool order; zeros where missing."""
        vectors = np.zeros((len(positions), self.dimension), np.float32)
        found = self.present[positions]
        if found.any():
            vectors[found] = self._table.take(self._rows[positions[found]])
        return vectors  # (n, D)


def compute_features(
    project: Project,
    encoder_name: str,
    *,
    modality: Modality,
    fields: Sequence[str] | None = None,
    progress: Progress = SILENT,
    chunk_products: int = CHUNK_PRODUCTS,
    engine: Engine = LOCAL,
) -> None:
    """Encode whatever in the pool this encoder has not encoded yet.

    Work is committed a piece of the pool at a time. Killed and run again it continues with the
    pieces it was in, and ends with the features an undisturbed run gives, to the bit: pieces and
    batches lie where the pool's order puts them, not where the last run ended.

    Args:
        project: Its pool is encoded, its folder takes the features.
        encoder_name: Name of an image or a text encoder, as ``modality`` says.
        modality: What to encode of a product: its main image, or its text fields as one text.
        fields: The text fields; all of the project's when None.
        progress: Told of products gone through.
        chunk_products: Products of a piece, and between two commits.
        engine: Where they are encoded.
    """
    pool = Pool.open(project.pool_path)
    # A shipped encoder is exported on its first use, which takes some ten seconds.
    with progress.task(f"Loading {encoder_name}", total=None):
        encoder: Encoder = _ENCODERS[modality](encoder_name)
    stamp = FeatureStamp(modality, encoder_name, encoder.version, encoder.dimension)
    table = FeatureTable.prepare(project, stamp)
    # In this process the reader sees it grow. A worker elsewhere has it as it is now, and encodes
    # again what comes in two pieces; once is enough here.
    known = set(table.keys().to_pylist())
    reading = _Reading(
        pool=pool.address,
        version=pool.version,
        fields=tuple(fields or pool.fields),
        stamp=stamp,
        known=known,
        batch=min(_BATCH_PRODUCTS[modality], chunk_products),
    )
    size = len(pool)
    pieces = [
        range(start, min(start + chunk_products, size)) for start in range(0, size, chunk_products)
    ]
    keys: dict[int, list[bytes | None]] = {}
    with progress.task(f"Encoding {modality}s with {encoder_name}", total=size) as advance:
        for number, batches in engine.stream(
            pieces, reading, _stages(modality, encoder_name), advance=advance
        ):
            keys[number] = [key for batch in batches for key in batch.column(KEY).to_pylist()]
            vectors = dict(one for batch in batches for one in _vectors(batch))
            table.append({key: one for key, one in vectors.items() if key not in known})
            known |= vectors.keys()
    write_keys(
        project,
        pool,
        [key for number in sorted(keys) for key in keys[number]],
        stamp,
        fields=fields,
    )


def open_features(
    project: Project,
    encoder_name: str,
    *,
    modality: Modality,
    fields: Sequence[str] | None = None,
) -> Features:
    """The features of the whole pool, as ``compute_features`` left them for these arguments.

    Raises:
        EncoderError: They were never computed, were computed for another version of the pool or
            another modality, or are damaged.
    """
    pool = Pool.open(project.pool_path)
    stamp, keys = read_keys(project, pool, encoder_name, modality=modality, fields=fields)
    table = FeatureTable.open(project, encoder_name)
    rows = pc.fill_null(pc.index_in(keys.column(KEY), value_set=table.keys()), -1)
    rows = rows.to_numpy().astype(np.int64)
    return Features(
        ids=pa.concat_arrays(keys.column(ID).chunks or [pa.array([], pa.string())]),
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


@dataclass(frozen=True)
class _Reading:
    """Reads what there is to encode of rows of the pool: columns key and content.

    Every product that has something has a key. The content is there where its key is not known,
    once in a piece.
    """

    pool: str
    version: int
    fields: tuple[str, ...]
    stamp: FeatureStamp
    known: set[bytes]
    batch: int

    def __call__(self, rows: range) -> Iterator[pa.RecordBatch]:
        """These rows, batch by batch."""
        pool = Pool.open(location(self.pool), version=self.version)
        seen: set[bytes] = set()
        for contents in self._contents(pool, rows):
            keys = [None if one is None else self.stamp.key(one) for one in contents]
            for row, key in enumerate(keys):
                if key is None or key in self.known or key in seen:
                    contents[row] = None
                else:
                    seen.add(key)
            yield pa.record_batch(
                [pa.array(keys, pa.binary(16)), pa.array(contents, pa.large_binary())],
                [KEY, _CONTENT],
            )

    def _contents(self, pool: Pool, rows: range) -> Iterator[list[bytes | None]]:
        """What there is to encode of each product, batch by batch, in order; a text in UTF-8."""
        image = self.stamp.modality == "image"
        columns = [IMAGE] if image else [ID, *self.fields]
        for batch in pool.scan(columns=columns, batch_size=self.batch, rows=rows):
            if image:
                yield batch.column(IMAGE).to_pylist()
                continue
            texts = product_text(batch, self.fields)
            yield [None if text is None else text.encode() for text in texts]


def _stages(modality: Modality, encoder: str) -> list[Stage]:
    if modality == "text":
        return [Stage(partial(_EncodeTexts, encoder), keeps=True, processors=0.8)]
    side = image_encoder(encoder).side
    return [
        Stage(partial(_Decode, side), ahead=True),
        Stage(partial(_EncodeImages, encoder), keeps=True, processors=0.8, accelerated=True),
    ]


class _Decode:
    """Images become pixels; one that cannot be decoded becomes nothing.

    Import lets no such image in; should one be there, it must not cost the others theirs.
    """

    def __init__(self, side: int) -> None:
        self._side = side

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        pixels = on_every_core(self._decoded, batch.column(_CONTENT).to_pylist())
        return pa.record_batch(
            [batch.column(KEY), pa.array(pixels, pa.large_binary())], [KEY, _PIXELS]
        )

    def _decoded(self, content: bytes | None) -> bytes | None:
        try:
            return None if content is None else square_pixels(content, self._side).tobytes()
        except ImageError:
            return None


class _EncodeImages:
    """Pixels become vectors; or images, each decoded by the thread that encodes it."""

    def __init__(self, encoder: str) -> None:
        self._encoder = image_encoder(encoder)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        side = self._encoder.side
        if _CONTENT in batch.schema.names:
            images = batch.column(_CONTENT)
            try:
                vectors = self._encoder.encode(images.drop_null().to_pylist())
                return _encoded(batch.column(KEY), images.is_valid(), vectors)
            except ImageError:
                batch = _Decode(side)(batch)
        column = batch.column(_PIXELS)
        pixels = [
            np.frombuffer(one.as_buffer(), np.uint8).reshape(side, side, 3)
            for one in column.drop_null()
        ]
        stacked = np.stack(pixels) if pixels else np.empty((0, side, side, 3), np.uint8)
        vectors = self._encoder.encode_pixels(stacked)  # (n, S, S, 3) -> (n, D)
        return _encoded(batch.column(KEY), column.is_valid(), vectors)


class _EncodeTexts:
    """Texts become vectors."""

    def __init__(self, encoder: str) -> None:
        self._encoder = text_encoder(encoder)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [one.decode() for one in batch.column(_CONTENT).drop_null().to_pylist()]
        there = batch.column(_CONTENT).is_valid()
        return _encoded(batch.column(KEY), there, self._encoder.encode(texts))


def _encoded(keys: pa.Array, there: pa.BooleanArray, vectors: FloatArray) -> pa.RecordBatch:
    """Keys with the vectors (n, D) of those that had something to encode, in their order."""
    rows = iter(vectors.astype(np.float16))
    column = [next(rows).tobytes() if one else None for one in there.to_pylist()]
    return pa.record_batch([keys, pa.array(column, pa.binary())], [KEY, _VECTOR])


def _vectors(batch: pa.RecordBatch) -> Iterator[tuple[bytes, NDArray[np.float16]]]:
    """Each key that came with a vector."""
    for key, vector in zip(
        *(batch.column(name).to_pylist() for name in (KEY, _VECTOR)), strict=True
    ):
        if vector is not None:
            yield key, np.frombuffer(vector, np.float16)
