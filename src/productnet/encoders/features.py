"""The cache of frozen features: every content of the pool is encoded once by each encoder.

A feature belongs to a content, not to a product: its key is a hash of the exact bytes of the
image or text and of the encoder's name and version. Products that share an image share its
feature, an import that changes nothing costs nothing, and a changed text is encoded again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.encoders.texts import product_text
from productnet.errors import ImageError, UnknownProduct
from productnet.progress import SILENT, Progress
from productnet.settings import Project

# Products between two commits: what a kill costs at most, some 15 seconds of images.
CHUNK_PRODUCTS = 2_048

# Products encoded in one call. Images are large; short texts want company of their length.
_BATCH_PRODUCTS = {"image": 256, "text": 2_048}

_Encode = Callable[[list[bytes]], FloatArray]


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
) -> None:
    """Encode whatever in the pool this encoder has not encoded yet.

    Work is committed a chunk of the pool at a time. Killed and run again it continues at the
    chunk it was in, and ends with the features an undisturbed run gives, to the bit: chunks and
    batches lie where the pool's order puts them, not where the last run ended.

    Args:
        project: Its pool is encoded, its folder takes the features.
        encoder_name: Name of an image or a text encoder, as ``modality`` says.
        modality: What to encode of a product: its main image, or its text fields as one text.
        fields: The text fields; all of the project's when None.
        progress: Told of products gone through.
        chunk_products: Products between two commits.
    """
    pool = Pool.open(project.pool_path)
    # A shipped encoder is exported on its first use, which takes some ten seconds.
    with progress.task(f"Loading {encoder_name}", total=None):
        encoder, encode = _loaded(encoder_name, modality)
    stamp = FeatureStamp(modality, encoder_name, encoder.version, encoder.dimension)
    table = FeatureTable.prepare(project, stamp)
    known = set(table.keys().to_pylist())
    keys: list[bytes | None] = []
    fresh: dict[bytes, FloatArray] = {}
    committed = 0
    with progress.task(f"Encoding {modality}s with {encoder_name}", total=len(pool)) as advance:
        for contents in _contents(pool, modality, fields or pool.fields, most=chunk_products):
            new: dict[bytes, bytes] = {}
            for content in contents:
                key = None if content is None else stamp.key(content)
                keys.append(key)
                if key is not None and content is not None and key not in known:
                    new[key] = content
            fresh |= _encoded(encode, new)
            known |= new.keys()
            if len(keys) - committed >= chunk_products:
                table.append(fresh)
                fresh, committed = {}, len(keys)
            advance(len(contents))
    table.append(fresh)
    write_keys(project, pool, keys, stamp, fields=fields)


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


def _loaded(encoder_name: str, modality: Modality) -> tuple[Encoder, _Encode]:
    if modality == "image":
        image = image_encoder(encoder_name)
        return image, image.encode
    text = text_encoder(encoder_name)
    return text, lambda contents: text.encode([content.decode() for content in contents])


def _contents(
    pool: Pool, modality: Modality, fields: Sequence[str], *, most: int
) -> Iterator[list[bytes | None]]:
    """What there is to encode of each product, batch by batch in pool order; a text in UTF-8."""
    size = min(_BATCH_PRODUCTS[modality], most)
    if modality == "image":
        for batch in pool.scan(columns=[IMAGE], batch_size=size):
            yield batch.column(IMAGE).to_pylist()
    else:
        for batch in pool.scan(columns=[ID, *fields], batch_size=size):
            texts = product_text(batch, fields)
            yield [None if text is None else text.encode() for text in texts]


def _encoded(encode: _Encode, contents: dict[bytes, bytes]) -> dict[bytes, FloatArray]:
    """The vector of each content, by key; none for an image that cannot be decoded."""
    try:
        return dict(zip(contents, encode(list(contents.values())), strict=True))
    except ImageError:
        # Import lets no such image in; should one be there, it must not cost the others theirs.
        if len(contents) == 1:
            return {}
    alone = (_encoded(encode, {key: content}) for key, content in contents.items())
    return {key: vector for one in alone for key, vector in one.items()}
