"""Embeddings as Parquet: id, label and vector of every row of a release."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.release.exporters.base import BATCH_BYTES, Contents, Exporter, vectors_of
from productnet.release.parts import Part
from productnet.release.rows import VECTOR_FACTS


class VectorsParquet(Exporter):
    """A file of each part, with a column ``embedding`` of fixed length."""

    pattern = "{table}/{side}-*.parquet"

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._vectors = contents.embedding_set()
        facts = [contents.released.schema.field(name) for name in VECTOR_FACTS]
        kind = pa.list_(pa.float32(), self._vectors.stamp.dimension)
        self._schema = pa.schema([*facts, pa.field("embedding", kind)])

    def write(self, part: Part, root: Path) -> None:
        """Write the part's file."""
        path = root / part.table / f"{part.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        names = list(VECTOR_FACTS)
        with pq.ParquetWriter(path, self._schema, compression="zstd") as writer:
            for batch in part.batches(target_bytes=BATCH_BYTES, columns=names):
                columns = [
                    *(batch.column(name) for name in names),
                    vectors_of(batch, self._vectors),
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
