"""Finding the row of a product id: sorted 64-bit hashes, memory-mapped, 16 bytes a product."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from productnet.embeddings.nearest import Rows

_IDS = "ids.arrow"
_HASHES = "hashes.npy"

# Ids hashed at a time: as Python strings they take some hundred bytes each.
_BLOCK = 65_536


class IdLookup:
    """The ids of a set's rows, both ways: from row to id and from id to row."""

    def __init__(self, ids: pa.StringArray, hashes: NDArray[np.uint64]) -> None:
        self.ids = ids
        self._hashes, self._rows = hashes  # (2, N): hashes in ascending order, the row of each

    @classmethod
    def write(cls, folder: Path, ids: pa.StringArray) -> None:
        """Keep these ids, each of which comes once, in a folder."""
        table = pa.table({"id": ids})
        path = str(folder / _IDS)
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
            # In one batch, so that it is mapped as one array.
            file.write_table(table, max_chunksize=max(len(ids), 1))
        blocks = (ids[start : start + _BLOCK] for start in range(0, len(ids), _BLOCK))
        hashes = np.concatenate([hash_ids([]), *(hash_ids(block.to_pylist()) for block in blocks)])
        order = np.argsort(hashes, kind="stable")
        np.save(folder / _HASHES, np.stack([hashes[order], order.astype(np.uint64)]))

    @classmethod
    def open(cls, folder: Path) -> "IdLookup":
        """The ids of a folder; raises OSError, ValueError or ArrowException where it is damaged."""
        with pa.memory_map(str(folder / _IDS)) as source:
            column = pa.ipc.open_file(source).read_all().column("id")
        ids = column.combine_chunks() if len(column) else pa.array([], pa.string())
        return cls(ids, np.load(folder / _HASHES, mmap_mode="r"))

    def __len__(self) -> int:
        return len(self._hashes)

    def rows(self, ids: Sequence[str]) -> Rows:
        """The row (n,) of each of these ids; -1 where there is none."""
        asked = pa.array(ids, pa.string())
        hashes = hash_ids(ids)
        found = np.full(len(ids), -1, np.int64)
        pending = np.arange(len(ids))
        at = np.searchsorted(self._hashes, hashes)
        while len(pending):
            alike = at < len(self)
            alike[alike] = self._hashes[at[alike]] == hashes[pending[alike]]
            pending, at = pending[alike], at[alike]
            rows = self._rows[at].astype(np.int64)
            # Two ids may share a hash; then the next of that hash is looked at.
            same = pc.equal(self.ids.take(pa.array(rows)), asked.take(pa.array(pending)))
            same = same.to_numpy(zero_copy_only=False)
            found[pending[same]] = rows[same]
            pending, at = pending[~same], at[~same] + 1
        return found


def hash_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each id (n,), the same on every machine."""
    digests = b"".join(hashlib.blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, "<u8")
