"""BM25 over the texts of the pool, in Tantivy; English words are stemmed."""

import json
import re
from pathlib import Path
from typing import Self

import tantivy

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.encoders.texts import well_formed
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress

FORMAT_VERSION = 1
_STAMP = "productnet.json"

# Longer queries say nothing more, and a parser fed with megabytes is an open door.
_LONGEST_QUERY = 1_000

_MEMORY = 128_000_000


class KeywordIndex:
    """An opened index; safe to share between threads."""

    def __init__(self, index: tantivy.Index, fields: tuple[str, ...]) -> None:
        self._index = index
        self._fields = fields

    @classmethod
    def build(cls, pool: Pool, path: Path, *, progress: Progress = SILENT) -> Self:
        """Index every product of the pool at ``path``, in place of what is there.

        It is made beside and moved into place: a kill leaves the index before, or none.
        """
        version, fields = pool.version, pool.fields
        stamp = {"format_version": FORMAT_VERSION, "pool_version": version, "fields": fields}
        with drafted_folder(path) as draft:
            _write(pool, draft, fields, progress)
            (draft / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        return cls(tantivy.Index.open(str(path)), fields)

    @classmethod
    def open_or_build(cls, pool: Pool, path: Path, *, progress: Progress = SILENT) -> Self:
        """The index at ``path``, built first if it is missing, damaged or of an older pool."""
        stamp = {
            "format_version": FORMAT_VERSION,
            "pool_version": pool.version,
            "fields": list(pool.fields),
        }
        try:
            if json.loads((path / _STAMP).read_text(encoding="utf-8")) == stamp:
                return cls(tantivy.Index.open(str(path)), pool.fields)
        except (OSError, ValueError):
            pass
        return cls.build(pool, path, progress=progress)

    def search(self, query: str, *, count: int) -> list[tuple[str, float]]:
        """Product ids with their BM25 scores, best first; no query raises.

        Words are alternatives; "a phrase", +needed, -excluded, (a group)^2 are understood, and
        whatever is not is passed over.
        """
        if count < 1 or not self._fields:
            return []
        readable = well_formed(query[:_LONGEST_QUERY])
        parsed, _ = self._index.parse_query_lenient(readable, list(self._fields))
        searcher = self._index.searcher()
        hits = searcher.search(parsed, count).hits
        return [(searcher.doc(address)[ID][0], float(score)) for score, address in hits]


def plain_words(text: str) -> str:
    """The words of a text in lower case, without anything that a query would act upon."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _write(pool: Pool, folder: Path, fields: tuple[str, ...], progress: Progress) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, stored=True, tokenizer_name="raw")
    for name in fields:
        builder.add_text_field(name, tokenizer_name="en_stem")
    writer = tantivy.Index(builder.build(), path=str(folder)).writer(_MEMORY, num_threads=1)
    with progress.task("Indexing texts", total=len(pool)) as advance:
        for batch in pool.scan(columns=[ID, *fields]):
            for product in batch.to_pylist():
                known = {name: text for name, text in product.items() if text is not None}
                writer.add_document(tantivy.Document(**known))
            advance(batch.num_rows)
    writer.commit()
    writer.wait_merging_threads()
