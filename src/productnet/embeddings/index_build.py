"""Building an approximate index: laid out once, filled in pieces, merged; and carried over.

The lists are laid out by a sample. Then pieces of the set are sorted into them, each by itself,
wherever the engine runs, and the pieces are merged on disk: what comes out is the index that one
process would have built at once. Memory is a piece's, however large the set is.

When a set takes another's place, the products whose vectors are the same keep their places in the
lists (``carry_index``); only the others are sorted in, until the set has grown so much that the
lists are laid out anew.
"""

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from productnet.embeddings.index import (
    EMPTY_FILE,
    INDEX_FILE,
    MISSING_FILE,
    ApproximateIndex,
    IndexFacts,
    read_faiss,
)
from productnet.embeddings.nearest import Best, Rows
from productnet.embeddings.vector_file import VectorFile
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError
from productnet.files import alone_at, discard, drafted, drafted_folder, goes_on, unfinished
from productnet.progress import SILENT, Advance, Progress

MOST_LISTS = 2_048

# A set that has grown so many times since its lists were laid out has them laid out anew.
OUTGROWN = 2

# Rows of a piece: some 70 MB of codes, a few seconds of work.
PIECE_ROWS = 262_144

# Vectors a list to find its centre by; FAISS asks for 39 at least.
_TRAINED_PER_LIST = 40

# Turns of k-means: of the ten nearest among 13,000 real texts 25 find .9702, 10 .9696, 5 .9682.
_TURNS = 10

# Products whose ten nearest are looked up exactly, to know how many of them the index finds.
_QUERIES = 200
_NEIGHBOURS = 10

# Vectors read at a time.
_BLOCK = 65_536

# Vectors carried over or merged at a time: some 550 MB of codes, mapped.
_MERGED_ROWS = 2_097_152

# How FAISS ends an index of no vectors, and begins the lists of one that has some.
_NO_LISTS = b"sprs" + bytes(8)
_LISTS = b"full"

_STAMP = "stamp.json"


def outgrown(facts: IndexFacts, count: int) -> bool:
    """Whether a set of so many products wants its lists laid out anew."""
    return count > OUTGROWN * facts.trained_of or OUTGROWN * count < facts.trained_of


def write_index(
    folder: Path,
    vectors: Path,
    *,
    seed: int,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
    piece_rows: int = PIECE_ROWS,
) -> None:
    """Build the index of a file of vectors, or take in those that the one there is lacks.

    Killed and run again it goes on with the pieces that are missing.

    Args:
        folder: Becomes the index.
        vectors: The file.
        seed: Draws what the lists are laid out by.
        progress: Told of vectors.
        engine: Where pieces are built; its workers see both paths.
        piece_rows: Rows of a piece.

    Raises:
        ProjectError: Another process builds it.
        EmbeddingError: The index that is there does not fit.
    """
    file = VectorFile(vectors)
    count, dimension = file.mapped.shape
    work = unfinished(folder.with_name(f".{folder.name}"))  # hidden: no backup takes it along
    with alone_at(folder):
        before = None
        if folder.exists():
            before = ApproximateIndex.open(folder, count=count, dimension=dimension)
        stamp = {
            "count": count,
            "dimension": dimension,
            "seed": seed,
            "piece_rows": piece_rows,
            "made": vectors.stat().st_mtime_ns,
            "missing": None if before is None else before.facts.missing,
        }
        goes_on(work, stamp, mark=_STAMP, what="index")
        rows = count if before is None else len(before.missing)
        with progress.task("Indexing vectors", total=rows) as advance:
            if before is None and not (work / EMPTY_FILE).exists():
                _write(_laid_out(file, seed), work / EMPTY_FILE)
            empty = (work if before is None else folder) / EMPTY_FILE
            starts = range(0, rows, piece_rows)
            pieces = [
                _Piece(work / f"piece-{number}.faiss", start, min(start + piece_rows, rows))
                for number, start in enumerate(starts)
            ]
            missing = None if before is None else folder / MISSING_FILE
            make = partial(_Sorting, vectors, empty, missing)
            waiting = [piece for piece in pieces if not piece.path.exists()]
            advance(rows - sum(piece.stop - piece.start for piece in waiting))
            for done in engine.each(make, waiting):
                advance(done)
        carried = [] if before is None else [folder / INDEX_FILE]
        with drafted_folder(folder) as draft:
            merge([*carried, *(piece.path for piece in pieces)], draft, empty=empty)
            np.save(draft / MISSING_FILE, np.empty(0, np.int64))
            facts = IndexFacts(
                count=count,
                dimension=dimension,
                indexed=count,
                lists=read_faiss(draft / INDEX_FILE).nlist,
                bytes=(draft / INDEX_FILE).stat().st_size,
                trained_of=count if before is None else before.facts.trained_of,
                carried=0 if before is None else before.facts.indexed,
                pieces=len(pieces),
                recall_at_10=None,
                queries=min(count, _QUERIES),
                seed=seed,
            )
            facts.write(draft)
            index = ApproximateIndex.open(draft, count=count, dimension=dimension)
            with progress.task("Measuring the index", total=count) as advance:
                recall = _recall(index, file, advance)
            replace(facts, recall_at_10=recall).write(draft)
        discard(work)


def carry_index(before: ApproximateIndex, folder: Path, rows: Rows, *, count: int) -> None:
    """Write the index of a set that takes another's place, as far as vectors are the same.

    Args:
        before: The other set's.
        folder: Becomes the index; not made where too little is the same.
        rows: For each row of the other set (N,), the row of this one that has the same product
            with the same vector; -1 for none.
        count: Products of this set.
    """
    indexed = np.ones(len(rows), np.bool_)
    indexed[before.missing] = False
    carried = rows[indexed & (rows >= 0)]
    if outgrown(before.facts, count) or 2 * len(carried) < count:
        return
    here = np.zeros(count, np.bool_)
    here[carried] = True
    empty = before.folder / EMPTY_FILE
    with drafted_folder(folder) as draft:
        parts = []
        for number, lists in enumerate(_list_ranges([before.faiss])):
            parts.append(draft / f"lists-{number}.faiss")
            _write(_renumbered(before.faiss, lists, rows, empty), parts[-1])
        merge(parts, draft, empty=empty)
        for part in parts:
            part.unlink()
        np.save(draft / MISSING_FILE, np.flatnonzero(~here))
        replace(
            before.facts,
            count=count,
            indexed=len(carried),
            carried=len(carried),
            bytes=(draft / INDEX_FILE).stat().st_size,
            recall_at_10=before.facts.recall_at_10 if here.all() else None,
        ).write(draft)


def merge(parts: Sequence[Path], folder: Path, *, empty: Path) -> None:
    """Join indexes with the same lists as an empty one, into a folder; list by list, on disk.

    FAISS merges in memory, or into a file that cannot be moved. So its own file of an index is
    written here, whose lists lie one after another: their sizes, then the codes and ids of each.

    Raises:
        EmbeddingError: FAISS writes indexes otherwise than this version knows.
    """
    import faiss

    opened = [read_faiss(part) for part in parts]
    index: Any = faiss.read_index(str(empty))
    index.ntotal = sum(one.ntotal for one in opened)
    path = folder / INDEX_FILE
    faiss.write_index(index, str(path))
    sizes = [sum(one.invlists.list_size(each) for one in opened) for each in range(index.nlist)]
    with path.open("r+b") as file:
        file.seek(-len(_NO_LISTS), os.SEEK_END)
        if file.read() != _NO_LISTS:
            raise EmbeddingError(
                f"FAISS {faiss.__version__} writes indexes in a form that this version of "
                "ProductNet does not know. Install the FAISS of its constraints.txt."
            )
        file.seek(-len(_NO_LISTS), os.SEEK_END)
        file.write(_LISTS + np.array([len(sizes), *sizes], "<u8").tobytes())
        for lists in _list_ranges(opened):
            # Opened anew, which lets go of the pages that were read.
            opened = [read_faiss(part) for part in parts]
            for each in lists:
                held = [_entries(one, each) for one in opened]
                file.writelines(codes.tobytes() for codes, _ in held)
                file.writelines(ids.tobytes() for _, ids in held)
    shutil.copyfile(empty, folder / EMPTY_FILE)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows from ``start`` up to ``stop`` of those to be sorted in, and where they go."""

    path: Path
    start: int
    stop: int


class _Sorting:
    """Sorts a piece's vectors into the lists, and writes them; says how many they are."""

    def __init__(self, vectors: Path, empty: Path, missing: Path | None) -> None:
        self._file = VectorFile(vectors)
        self._empty = empty
        self._missing: Rows | None = None if missing is None else np.load(missing, mmap_mode="r")

    def __call__(self, piece: _Piece) -> int:
        import faiss

        index: Any = faiss.read_index(str(self._empty))
        for start in range(piece.start, piece.stop, _BLOCK):
            stop = min(start + _BLOCK, piece.stop)
            if self._missing is None:
                rows, some = np.arange(start, stop), self._file.block(start, stop)
            else:
                rows = np.array(self._missing[start:stop])
                some = self._file.read(rows)
            index.add_with_ids(some, rows)
        _write(index, piece.path)
        return piece.stop - piece.start


def _laid_out(file: VectorFile, seed: int) -> Any:
    """An empty index whose lists are laid out by a sample of the vectors."""
    import faiss

    count, dimension = file.mapped.shape
    lists = min(MOST_LISTS, int(4 * math.sqrt(count)))
    index: Any = faiss.index_factory(dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = _TURNS
    rng = np.random.default_rng(seed)
    sample = rng.choice(count, min(count, lists * _TRAINED_PER_LIST), replace=False)
    index.train(file.read(np.sort(sample)))
    return index


def _list_ranges(indexes: Sequence[Any]) -> Iterator[range]:
    """The lists of these indexes, some at a time."""
    first, held = 0, 0
    last = indexes[0].nlist - 1
    for number in range(last + 1):
        held += sum(one.invlists.list_size(number) for one in indexes)
        if held >= _MERGED_ROWS or number == last:
            yield range(first, number + 1)
            first, held = number + 1, 0


def _entries(index: Any, number: int) -> tuple[NDArray[np.uint8], Rows]:
    """The codes (n, D) and ids (n,) of one list, as they are mapped."""
    import faiss

    size = index.invlists.list_size(number)
    if not size:
        return np.empty((0, index.code_size), np.uint8), np.empty(0, np.int64)
    codes = faiss.rev_swig_ptr(index.invlists.get_codes(number), size * index.code_size)
    return codes.reshape(size, -1), faiss.rev_swig_ptr(index.invlists.get_ids(number), size)


def _renumbered(index: Any, lists: range, new_rows: Rows, empty: Path) -> Any:
    """An index of these lists alone, their products under new numbers; -1 is left out."""
    import faiss

    part: Any = faiss.read_index(str(empty))
    for number in lists:
        codes, ids = _entries(index, number)
        rows = new_rows[ids]
        codes, rows = np.ascontiguousarray(codes[rows >= 0]), rows[rows >= 0]
        if len(rows):
            added = (len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(codes))
            part.invlists.add_entries(number, *added)
            part.ntotal += len(rows)
    return part


def _recall(index: ApproximateIndex, file: VectorFile, advance: Advance) -> float:
    """The share of the nearest that the index finds, over products drawn by chance."""
    count = len(file.mapped)
    rng = np.random.default_rng(index.facts.seed)
    rows = np.sort(rng.choice(count, min(count, _QUERIES), replace=False))
    queries = file.read(rows)
    k = min(_NEIGHBOURS + 1, count)  # each finds itself as well
    exact = [Best(k) for _ in rows]
    # Read rather than mapped: the whole set would count as resident.
    for start in range(0, count, _BLOCK):
        some = file.block(start, min(start + _BLOCK, count))
        for nearest, scores in zip(exact, queries @ some.T, strict=True):
            nearest.add(start, scores)
        advance(len(some))
    found, _ = index.nearest(file.mapped, queries, k=k)
    hits = wanted = 0
    for row, mine, nearest in zip(rows.tolist(), found.tolist(), exact, strict=True):
        others = set(nearest.rows.tolist()) - {row}
        hits += len(others & set(mine))
        wanted += len(others)
    return round(hits / wanted, 4) if wanted else 1.0


def _write(index: Any, path: Path) -> None:
    import faiss

    with drafted(path) as draft:
        faiss.write_index(index, str(draft))
