"""Embeddings as safetensors: vectors and labels as tensors, ids beside them in the file."""

import json
from pathlib import Path

import numpy as np

from productnet.catalog.schema import ID
from productnet.release.exporters.base import BATCH_BYTES, Contents, Exporter, vectors_of
from productnet.release.parts import Part
from productnet.release.rows import CATEGORY_ID, LABEL, VECTOR_FACTS


class VectorsSafetensors(Exporter):
    """A file of each part: tensors ``embedding`` (n, D) and ``label`` (n,).

    Its metadata holds ``rows``, a JSON object of the lists ``id`` and ``category_id``. A file is
    written whole, so a part of it is in memory: 65,536 rows of 256 numbers take 67 MB.
    """

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._vectors = contents.embedding_set()

    def write(self, part: Part, root: Path) -> None:
        """Write the part's file."""
        from safetensors.numpy import save_file

        path = root / part.table / f"{part.name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        embedding = np.empty((part.rows, self._vectors.stamp.dimension), np.float32)
        label = np.empty(part.rows, np.int64)
        named: dict[str, list[str]] = {ID: [], CATEGORY_ID: []}
        start = 0
        for batch in part.batches(target_bytes=BATCH_BYTES, columns=list(VECTOR_FACTS)):
            rows = slice(start, start + len(batch))
            vectors = vectors_of(batch, self._vectors).flatten().to_numpy()
            embedding[rows] = vectors.reshape(len(batch), -1)
            label[rows] = batch.column(LABEL).to_numpy()
            for name, values in named.items():
                values += batch.column(name).to_pylist()
            start = rows.stop
        # Under one key: safetensors keeps several in an order of chance.
        metadata = {"rows": json.dumps(named, ensure_ascii=False)}
        save_file({"embedding": embedding, LABEL: label}, path, metadata=metadata)
