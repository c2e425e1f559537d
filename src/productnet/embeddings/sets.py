"""An embedding set: one vector of every product of the pool, stamped with what made it.

A set is a folder that appears whole or not at all and is never changed afterwards, but for the
index that ``build_index`` may add, or bring up to date. Its vectors are memory-mapped.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from productnet.embeddings.index import ApproximateIndex, IndexFacts, read_facts
from productnet.embeddings.index_build import carry_index, write_index
from productnet.embeddings.lookup import IdLookup
from productnet.embeddings.nearest import FloatArray, Rows, exact_nearest, unit_rows
from productnet.embeddings.stamp import Stamp, damaged, read_stamp, write_stamp
from productnet.embeddings.vector_file import VectorFile
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress

# Below this many products the exact search takes a few milliseconds.
INDEXED_FROM = 50_000

_VECTORS = "vectors.npy"
_INDEX = "index"

# Vectors that differ by no more are the same: blocks are multiplied with other rounding.
_SAME = 1e-5
_BLOCK = 65_536


class EmbeddingSet:
    """Vectors of the whole pool, opened for reading.

    Attributes:
        path: Its folder.
        stamp: What made it.
        vectors: (N, D), memory-mapped; rows have length one, or zero where nothing is known.
    """

    def __init__(self, path: Path, stamp: Stamp, lookup: IdLookup, file: VectorFile) -> None:
        self.path = path
        self.stamp = stamp
        self.vectors = file.mapped
        self._file = file
        self._lookup = lookup
        self._index: ApproximateIndex | None = None

    @classmethod
    def open(cls, path: Path) -> "EmbeddingSet":
        """The set in this folder; raises EmbeddingError if it is missing, damaged or foreign."""
        stamp = read_stamp(path)
        try:
            lookup = IdLookup.open(path)
            file = VectorFile(path / _VECTORS)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise damaged(path, str(error)) from error
        shape = file.mapped.shape
        if len(lookup) != stamp.count or shape != (stamp.count, stamp.dimension):
            raise damaged(
                path,
                f"its stamp says {stamp.count} products of {stamp.dimension} dimensions, it has "
                f"{len(lookup)} ids and vectors of shape {shape}",
            )
        return cls(path, stamp, lookup, file)

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.stamp.name

    @property
    def ids(self) -> pa.StringArray:
        """The product of each row."""
        return self._lookup.ids

    def __len__(self) -> int:
        return self.stamp.count

    def rows(self, ids: Sequence[str]) -> Rows:
        """The row (n,) of each of these products; -1 where the set has no such product."""
        return self._lookup.rows(ids)

    def nearest(
        self, queries: FloatArray, *, k: int, exact: bool = False
    ) -> tuple[Rows, FloatArray]:
        """The k products nearest to each query by cosine, nearest first.

        Args:
            queries: Vectors (Q, D) of any length.
            k: How many; fewer come back when the set is smaller.
            exact: Look at every product even where there is an index, which misses a few.

        Returns:
            Rows (Q, k) of the set, and their cosines (Q, k).
        """
        if queries.ndim != 2 or queries.shape[1] != self.stamp.dimension:
            raise EmbeddingError(
                f'Embedding set "{self.name}" has {self.stamp.dimension} dimensions; the queries '
                f"have shape {queries.shape}. Embed them with the encoder of the set: "
                f"{self.stamp.encoder}."
            )
        if k < 1:
            raise EmbeddingError(f"Asked for the {k} nearest products. Ask for one at least.")
        k = min(k, len(self))
        unit = unit_rows(queries)
        index = None if exact else self._opened_index()
        if index is None:
            return exact_nearest(self.vectors, unit, k=k)
        return index.nearest(self.vectors, unit, k=k)

    def read(self, rows: Rows) -> FloatArray:
        """Copies (n, D) of some rows; unlike ``vectors[rows]`` it leaves no page of them mapped."""
        return self._file.read(rows)

    def neighbours(self, rows: Rows, *, k: int) -> Rows:
        """The k products nearest to each of these rows (n,), nearest first: (n, k).

        By the index alone where there is one, whose order is not quite exact and which may find
        fewer: then -1 follows.
        """
        k = min(k, len(self))
        queries = self.read(rows)
        index = self._opened_index()
        if index is None:
            return exact_nearest(self.vectors, queries, k=k)[0]
        return index.neighbours(self.vectors, queries, k=k)

    @property
    def index_facts(self) -> IndexFacts | None:
        """What its index is; None where there is none. Raises EmbeddingError if damaged."""
        folder = self.path / _INDEX
        return read_facts(folder) if folder.exists() else None

    @property
    def not_indexed(self) -> int:
        """How many products its index lacks; 0 where there is none."""
        facts = self.index_facts
        return facts.missing if facts else 0

    def _opened_index(self) -> ApproximateIndex | None:
        folder = self.path / _INDEX
        if self._index is None and folder.exists():
            shape = {"count": self.stamp.count, "dimension": self.stamp.dimension}
            self._index = ApproximateIndex.open(folder, **shape)
        return self._index


def build_index(
    embedding_set: EmbeddingSet, *, progress: Progress = SILENT, engine: Engine = LOCAL
) -> None:
    """Give a set its approximate index, or bring the one it has up to date.

    A set that is small enough does without. Killed and run again it goes on where it was.

    Args:
        embedding_set: Sees the index at once.
        progress: Told of vectors.
        engine: Where pieces of it are built.
    """
    path, facts = embedding_set.path, embedding_set.index_facts
    if len(embedding_set) < INDEXED_FROM or (facts is not None and not facts.missing):
        return
    seed = embedding_set.stamp.seed
    write_index(path / _INDEX, path / _VECTORS, seed=seed, progress=progress, engine=engine)
    embedding_set._index = None


def write_embedding_set(
    folder: Path,
    *,
    ids: pa.StringArray,
    vectors: Iterable[FloatArray],
    stamp: Stamp,
    files: Mapping[str, bytes] | None = None,
    before: EmbeddingSet | None = None,
    progress: Progress = SILENT,
) -> EmbeddingSet:
    """Write a set beside its folder, rename it into place, and open it.

    A set that is there already is replaced. Who has it open keeps reading the old one.

    Args:
        folder: Its last part is the name of the set.
        ids: The products (N), each once.
        vectors: Blocks (n, D), N rows in all, in order of ids; scaled to length one here. A row
            of zeros, of a product nothing is known of, stays one.
        stamp: What made them.
        files: Further files to keep in the folder, by name.
        before: A set whose index is carried over, so far as vectors are the same in both.
        progress: Told of the products of ``before`` that were compared.

    Raises:
        EmbeddingError: Ids repeat, or the vectors are not N finite rows of D.
    """
    _check_ids(ids, stamp)
    with drafted_folder(folder) as draft:
        _write_vectors(draft / _VECTORS, vectors, stamp)
        IdLookup.write(draft, ids)
        for name, content in (files or {}).items():
            (draft / name).write_bytes(content)
        write_stamp(draft, stamp)
        if before is not None and (index := before._opened_index()) is not None:
            same = _same_rows(before, draft, progress)
            carry_index(index, draft / _INDEX, same, count=stamp.count)
    return EmbeddingSet.open(folder)


def _same_rows(before: EmbeddingSet, folder: Path, progress: Progress) -> Rows:
    """The row (N,) in the set of this folder of what ``before`` has; -1 where it says otherwise."""
    lookup, file = IdLookup.open(folder), VectorFile(folder / _VECTORS)
    same = np.empty(len(before), np.int64)
    with progress.task("Comparing vectors", total=len(before)) as advance:
        for start in range(0, len(before), _BLOCK):
            stop = min(start + _BLOCK, len(before))
            rows = lookup.rows(before.ids[start:stop].to_pylist())
            both = np.flatnonzero(rows >= 0)
            moved = np.abs(file.read(rows[both]) - before._file.block(start, stop)[both])  # (n, D)
            rows[both[moved.max(axis=1, initial=0) > _SAME]] = -1
            same[start:stop] = rows
            advance(stop - start)
    return same


def _check_ids(ids: pa.StringArray, stamp: Stamp) -> None:
    if len(ids) != stamp.count:
        raise EmbeddingError(f"The stamp says {stamp.count} products, but {len(ids)} ids came.")
    counts = pc.value_counts(ids)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        raise EmbeddingError(f'Product "{repeated[0]["values"]}" comes twice in one embedding set.')


def _write_vectors(path: Path, blocks: Iterable[FloatArray], stamp: Stamp) -> None:
    shape = (stamp.count, stamp.dimension)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    done = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            end = done + len(block)
            if end > stamp.count or block.shape[1:] != shape[1:]:
                raise EmbeddingError(
                    f"Vectors of shape {block.shape} at row {done} do not fit {shape}."
                )
            if not np.isfinite(block).all():
                raise EmbeddingError(f"A vector in rows {done} to {end} is not finite.")
            file.write(unit_rows(block).astype("<f4").tobytes())
            done = end
    if done != stamp.count:
        raise EmbeddingError(f"{done} vectors came for {stamp.count} products.")
