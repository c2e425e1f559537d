"""How features are kept: for each encoder one Lance table, and a file of which product has which.

The table holds key and vector, in float16, and grows by atomic appends. The file beside it gives
the key of every product of one version of the pool, and is replaced whole. There is one such file
for the text of all fields, and one for each part of the fields that was ever asked for.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import lance
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.encoders.registry import encoder_slug
from productnet.errors import EncoderError
from productnet.files import drafted
from productnet.settings import Project

Modality = Literal["image", "text"]

KEY = "key"
VECTOR = "vector"

# Raise it when the tables, or what ``product_text`` makes of a product, change.
FORMAT_VERSION = 1

_POOL_VERSION = b"pool_version"


@dataclass(frozen=True)
class FeatureStamp:
    """What features were made by. Those under another stamp are of no use."""

    modality: Modality
    encoder: str
    encoder_version: str
    dimension: int
    format_version: int = FORMAT_VERSION

    def metadata(self) -> dict[bytes, bytes]:
        """As the metadata of an Arrow schema."""
        return {b"productnet": json.dumps(asdict(self)).encode()}

    @classmethod
    def of(cls, schema: pa.Schema) -> "FeatureStamp":
        """Read back; raises KeyError, TypeError or ValueError where there is none."""
        return cls(**json.loads(schema.metadata[b"productnet"]))

    def key(self, content: bytes) -> bytes:
        """The 16 bytes that the feature of this content is kept under."""
        encoder = hashlib.sha256(f"{self.encoder} {self.encoder_version}".encode()).digest()
        return hashlib.blake2b(content, digest_size=16, key=encoder).digest()


class FeatureTable:
    """Everything that one encoder has encoded, by key.

    Every method raises EncoderError where the table is damaged.
    """

    def __init__(self, dataset: lance.LanceDataset, path: Path) -> None:
        self._dataset = dataset
        self._path = path

    @classmethod
    def open(cls, project: Project, encoder: str) -> "FeatureTable":
        """The table as it is, for reading."""
        path = _path(project, encoder, "lance")
        with _damage_reported(path):
            return cls(lance.dataset(str(path)), path)

    @classmethod
    def prepare(cls, project: Project, stamp: FeatureStamp) -> "FeatureTable":
        """The table of this stamp, with what it holds already, or a new empty one."""
        path = _path(project, stamp.encoder, "lance")
        schema = pa.schema(
            [
                pa.field(KEY, pa.binary(16), nullable=False),
                pa.field(VECTOR, pa.list_(pa.float16(), stamp.dimension), nullable=False),
            ],
            metadata=stamp.metadata(),
        )
        # Without a version it was killed while being created.
        if any(path.glob("_versions/*.manifest")):
            with _damage_reported(path):
                dataset = lance.dataset(str(path))
            if dataset.schema.equals(schema, check_metadata=True):
                return cls(dataset, path)
        shutil.rmtree(path, ignore_errors=True)
        return cls(lance.write_dataset(schema.empty_table(), str(path), mode="create"), path)

    def keys(self) -> pa.FixedSizeBinaryArray:
        """The key of each row."""
        with _damage_reported(self._path):
            return self._dataset.to_table(columns=[KEY]).column(KEY).combine_chunks()

    def append(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Add vectors (D,) by key, in one atomic step."""
        if not vectors:
            return
        matrix = np.stack(list(vectors.values()))  # (n, D)
        columns = [
            pa.array(list(vectors), pa.binary(16)),
            pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1]),
        ]
        rows = pa.table(columns, schema=self._dataset.schema)
        self._dataset = lance.write_dataset(rows, str(self._path), mode="append")

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Vectors (n, D) of these rows."""
        # Lance wants each row once and reads fastest in order.
        wanted, inverse = np.unique(rows, return_inverse=True)
        with _damage_reported(self._path):
            column = self._dataset.take(wanted, columns=[VECTOR]).column(VECTOR).combine_chunks()
        matrix: NDArray[np.float16] = column.values.to_numpy().reshape(len(wanted), -1)
        return matrix[inverse]


def write_keys(
    project: Project,
    pool: Pool,
    keys: list[bytes | None],
    stamp: FeatureStamp,
    *,
    fields: Sequence[str] | None = None,
) -> None:
    """Keep the key of each product of this pool, in its order; None where there is nothing."""
    path = _path(project, stamp.encoder, _keys_ending(fields))
    metadata = stamp.metadata() | {_POOL_VERSION: str(pool.version).encode()}
    table = pa.table({ID: pool.ids(), KEY: pa.array(keys, pa.binary(16))})
    with drafted(path) as draft:
        pq.write_table(table.replace_schema_metadata(metadata), draft)


def read_keys(
    project: Project,
    pool: Pool,
    encoder: str,
    *,
    modality: Modality,
    fields: Sequence[str] | None = None,
) -> tuple[FeatureStamp, pa.Table]:
    """The keys of this version of the pool: columns id and key, in pool order.

    Raises EncoderError if there are none, or none that can be read.
    """
    path = _path(project, encoder, _keys_ending(fields))
    try:
        table = pq.read_table(path)
        stamp = FeatureStamp.of(table.schema)
        if table.schema.metadata[_POOL_VERSION] != str(pool.version).encode():
            raise ValueError(f"{path} is of another version of the pool")
        if (stamp.modality, stamp.format_version) != (modality, FORMAT_VERSION):
            raise ValueError(f"{path} is of {stamp.modality}s, format {stamp.format_version}")
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise EncoderError(
            f'The pool as it is now has no {modality} features of encoder "{encoder}". '
            "Compute them with `productnet embed`."
        ) from error
    return stamp, table


def _keys_ending(fields: Sequence[str] | None) -> str:
    return "keys.parquet" if fields is None else f"keys-of-{encoder_slug('+'.join(fields))}.parquet"


def _path(project: Project, encoder: str, ending: str) -> Path:
    return project.features_path / f"{encoder_slug(encoder)}.{ending}"


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        raise EncoderError(
            f"The cached features at {path} are damaged ({error}). Delete that folder and run "
            "`productnet embed` again."
        ) from error
