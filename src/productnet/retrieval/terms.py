"""The words of every product as a TF-IDF matrix, memory-mapped: what a vector cannot say exactly.

A vector holds what a text is about; that it says "sampler" or names a model, it may not. Terms
are words and pairs of neighbouring words, stemmed as the keyword index does it, hashed into a
table of bounded size. Only the beginning of a text counts, where products are named: some 46
terms a product, 370 bytes.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tantivy
from scipy import sparse

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.embeddings.lookup import IdLookup
from productnet.encoders.texts import product_text, well_formed
from productnet.files import drafted_folder, mapped_array
from productnet.local.model import Floats
from productnet.progress import SILENT, Progress

FORMAT_VERSION = 1
_STAMP = "productnet.json"

# Terms share a place in the table now and then; with a quarter of a million places rarely.
TABLE = 2**18

# Words of a text that count. On mwpd, whose descriptions are long, the first 40 words find as
# many positives as all of them, and the title alone almost as many.
_WORDS = 40

_PARTS = ("data", "indices", "indptr")
_BLOCK = 65_536


class TermMatrix:
    """The terms of a pool; rows have length one, or zero where a product has no text.

    Attributes:
        matrix: (N, TABLE), a row for each product.
        weights: (TABLE,) inverse document frequency of each term.
    """

    def __init__(self, matrix: sparse.csr_array, weights: Floats, lookup: IdLookup) -> None:
        self.matrix = matrix
        self.weights = weights
        self._lookup = lookup

    @classmethod
    def open_or_build(cls, pool: Pool, path: Path, *, progress: Progress = SILENT) -> Self:
        """The matrix at ``path``, built first if it is missing, damaged or of an older pool."""
        stamp = {
            "format_version": FORMAT_VERSION,
            "pool_version": pool.version,
            "fields": list(pool.fields),
        }
        try:
            if json.loads((path / _STAMP).read_text(encoding="utf-8")) == stamp:
                return cls._open(path)
        except (OSError, ValueError):
            pass
        with drafted_folder(path) as draft:
            _write(pool, draft, progress)
            (draft / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        return cls._open(path)

    @classmethod
    def _open(cls, path: Path) -> Self:
        data, indices, indptr = (np.load(path / f"{part}.npy", mmap_mode="r") for part in _PARTS)
        matrix = sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, TABLE))
        return cls(matrix, np.load(path / "weights.npy"), IdLookup.open(path))

    def of(self, ids: pa.StringArray) -> sparse.csr_array:
        """The rows (n, TABLE) of these products, in this order; empty where one is not known."""
        if ids.equals(self._lookup.ids):
            return self.matrix
        rows = self._lookup.rows(ids.to_pylist())
        known = sparse.diags_array((rows >= 0).astype(np.float32))
        return sparse.csr_array(known @ self.matrix[np.maximum(rows, 0)])

    def said(self, text: str, terms: sparse.csr_array) -> Floats:
        """How much of this text, by weight, the products of these rows (n, TABLE) say: (n,)."""
        (asked,) = _counted([text])
        query = np.zeros(TABLE, np.float32)
        query[asked.indices] = self.weights[asked.indices]
        query /= max(float(query.sum()), 1e-6)
        share = np.empty(terms.shape[0], np.float32)
        for start in range(0, len(share), _BLOCK):
            bounds = terms.indptr[start : start + _BLOCK + 1]
            held = terms.indices[bounds[0] : bounds[-1]]
            # That a product says a term is enough: saying it in few words is not saying it more.
            says = (np.ones(len(held), np.float32), held, bounds - bounds[0])
            block = sparse.csr_array(says, shape=(len(bounds) - 1, TABLE))
            share[start : start + _BLOCK] = block @ query  # (b, V) @ (V,) -> (b,)
        return share


def _counted(texts: list[str]) -> sparse.csr_array:
    """How often each text says each term: (n, TABLE)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        analyzer=_terms, n_features=TABLE, alternate_sign=False, norm=None, dtype=np.float32
    )
    return sparse.csr_array(hashing.transform(texts))


@cache
def _stemmer() -> Any:
    """What the keyword index makes of a text."""
    split = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return (
        split.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.stemmer("english")).build()
    )


def _terms(text: str) -> list[str]:
    words: list[str] = _stemmer().analyze(well_formed(" ".join(text.split()[:_WORDS])))
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def _blocks(pool: Pool, progress: Progress) -> Iterator[tuple[list[str], sparse.csr_array]]:
    with progress.task("Weighing words", total=len(pool)) as advance:
        for batch in pool.scan(columns=[ID, *pool.fields]):
            texts = product_text(batch, pool.fields)
            yield batch.column(ID).to_pylist(), _counted([text or "" for text in texts])
            advance(batch.num_rows)


def _write(pool: Pool, folder: Path, progress: Progress) -> None:
    ids: list[str] = []
    lengths: list[npt.NDArray[np.int64]] = [np.zeros(1, np.int64)]
    documents = np.zeros(TABLE, np.int64)
    # As they come, in plain files; the arrays proper can only be made when their size is known.
    raw = {"data": np.float32, "indices": np.int32}
    with (folder / "data.raw").open("wb") as data, (folder / "indices.raw").open("wb") as indices:
        for names, counts in _blocks(pool, progress):
            ids += names
            lengths.append(np.diff(counts.indptr).astype(np.int64))
            documents += np.bincount(counts.indices, minlength=TABLE)
            data.write((1 + np.log(counts.data)).astype(np.float32).tobytes())
            indices.write(counts.indices.astype(np.int32).tobytes())
    indptr = np.cumsum(np.concatenate(lengths))
    wide = np.int64 if indptr[-1] > np.iinfo(np.int32).max else np.int32
    weights = (np.log((1 + len(ids)) / (1 + documents)) + 1).astype(np.float32)
    np.save(folder / "weights.npy", weights)
    np.save(folder / "indptr.npy", indptr.astype(wide))
    IdLookup.write(folder, pa.array(ids, pa.string()))
    columns = {
        part: mapped_array(folder / f"{part}.npy", dtype=kind, shape=(int(indptr[-1]),))
        for part, kind in (("data", np.float32), ("indices", wide))
    }
    for start in range(0, len(ids), _BLOCK):
        bounds = indptr[start : start + _BLOCK + 1]
        part = slice(int(bounds[0]), int(bounds[-1]))
        terms, counts = (
            np.fromfile(
                folder / f"{name}.raw",
                raw[name],
                count=part.stop - part.start,
                offset=part.start * 4,
            )
            for name in ("indices", "data")
        )
        columns["indices"][part] = terms
        columns["data"][part] = _unit(counts * weights[terms], bounds - bounds[0])
    for column in columns.values():
        column.flush()
    for name in raw:
        (folder / f"{name}.raw").unlink()


def _unit(values: Floats, bounds: npt.NDArray[np.int64]) -> Floats:
    """Values of rows that begin and end at these bounds, each row scaled to length one."""
    row = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    lengths = np.sqrt(np.bincount(row, weights=values**2, minlength=len(bounds) - 1))
    unit: Floats = (values / lengths[row]).astype(np.float32)
    return unit
