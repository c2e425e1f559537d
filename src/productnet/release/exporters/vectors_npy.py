"""Embeddings as NumPy files, which can be mapped into memory, with ids and labels as CSV."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from productnet.release.exporters.base import BATCH_BYTES, Contents, Exporter, vectors_of
from productnet.release.parts import Part
from productnet.release.rows import VECTOR_FACTS


class VectorsNpy(Exporter):
    """``NAME.npy`` (n, D) of each part, and ``NAME.csv`` with what each of its rows is."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._vectors = contents.embedding_set()
        schema = contents.released.schema
        self._facts = pa.schema([schema.field(name) for name in VECTOR_FACTS])

    def write(self, part: Part, root: Path) -> None:
        """Write the part's two files."""
        path = root / part.table / f"{part.name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (part.rows, self._vectors.stamp.dimension)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with path.open("wb") as file, csv.CSVWriter(path.with_suffix(".csv"), self._facts) as rows:
            np.lib.format.write_array_header_1_0(file, header)
            for batch in part.batches(target_bytes=BATCH_BYTES, columns=list(VECTOR_FACTS)):
                vectors = vectors_of(batch, self._vectors)
                file.write(vectors.flatten().to_numpy().astype("<f4").tobytes())
                rows.write_batch(batch.select(list(VECTOR_FACTS)))
