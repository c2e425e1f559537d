"""BM25 over the texts of the pool, in Tantivy; English words are stemmed."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import tantivy
from tantivy import Occur, Query

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.errors import UsageError, did_you_mean
from productnet.files import drafted_folder
from productnet.progress import SILENT, Progress
from productnet.retrieval.keyword_query import Role, Term

FORMAT_VERSION = 1
_STAMP = "productnet.json"

_MEMORY = 128_000_000

# No text field of a pool may begin so.
_WITHIN = "_within"

_OCCUR = {
    Role.WANTED: Occur.Should,
    Role.NEEDED: Occur.Must,
    Role.EXCLUDED: Occur.MustNot,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that a search found.

    Attributes:
        product: Its id.
        score: BM25 as a share of the best product's, hidden or not: 0 to 1.
        matched: The terms of the query it has.
    """

    product: str
    score: float
    matched: tuple[Term, ...]


class KeywordIndex:
    """An opened index; safe to share between threads."""

    def __init__(self, index: tantivy.Index, fields: tuple[str, ...]) -> None:
        # By itself it would follow what is put in its place at the path, and find products of a
        # pool that whoever opened it does not know.
        index.config_reader("manual")
        index.reload()
        self._index = index
        self._fields = fields

    @classmethod
    def build(
        cls,
        pool: Pool,
        path: Path,
        *,
        within: Iterable[Sequence[str]] | None = None,
        progress: Progress = SILENT,
    ) -> Self:
        """Index every product of the pool at ``path``, in place of what is there.

        It is made beside and moved into place: a kill leaves the index before, or none.

        Args:
            pool: Its texts.
            path: A folder.
            within: For every product, in pool order, what it can be looked for within: the
                categories it is of.
            progress: Told of products.
        """
        version, fields = pool.version, pool.fields
        stamp = {"format_version": FORMAT_VERSION, "pool_version": version, "fields": fields}
        with drafted_folder(path) as draft:
            _write(pool, draft, fields, within, progress)
            (draft / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        return cls(tantivy.Index.open(str(path)), fields)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The index at ``path``, whatever pool it is of; raises UsageError where there is none."""
        try:
            stamp = json.loads((path / _STAMP).read_text(encoding="utf-8"))
            if stamp["format_version"] == FORMAT_VERSION:
                return cls(tantivy.Index.open(str(path)), tuple(stamp["fields"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise UsageError(f"{path} holds no keyword index of this version of ProductNet.")

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

    def search(
        self,
        terms: Sequence[Term],
        *,
        count: int,
        fields: Sequence[str] = (),
        hidden: Collection[str] = (),
        within: str | None = None,
        everything: bool = False,
    ) -> list[Hit]:
        """The products that have what is asked, those of the highest score first.

        Args:
            terms: What is wanted, needed and excluded.
            count: Hits at most.
            fields: Text fields to search; all when there are none. They count alike: on four
                pools a title weighed two to five times as much brought no more products of the
                leaf, and on one of them fewer.
            hidden: Products that are passed over.
            within: What found products are of, if the index was built with that.
            everything: After the products that match come all others, but for those excluded.

        Raises:
            UsageError: The pool has no such field.
        """
        chosen = list(fields) or list(self._fields)
        for name in chosen:
            if name not in self._fields:
                hint = did_you_mean(name, self._fields)
                raise UsageError(f'The pool has no text field "{name}". {hint}'.rstrip())
        if count < 1 or not chosen:
            return []
        asked = [(term, self._query(term, chosen)) for term in terms]
        clauses = [
            (_OCCUR[term.role], Query.boost_query(query, term.weight)) for term, query in asked
        ]
        if everything:
            clauses.append((Occur.Should, Query.const_score_query(Query.all_query(), 0.0)))
        if within is not None:
            among = Query.term_query(self._index.schema, _WITHIN, within)
            clauses = [
                (Occur.Must, Query.boolean_query(clauses)),
                (Occur.Must, Query.const_score_query(among, 0.0)),
            ]
        searcher = self._index.searcher()
        best = _found(searcher, Query.boolean_query(clauses), count + len(hidden))
        shown = (product for product in best if product not in hidden)
        found = {product: best[product] for product in islice(shown, count)}
        matched = {product: list[Term]() for product in found}
        among = Query.term_set_query(self._index.schema, ID, list(found))
        for term, query in asked if found else ():
            if term.role is not Role.EXCLUDED:
                both = Query.boolean_query([(Occur.Must, among), (Occur.Must, query)])
                for product in _found(searcher, both, len(found)):
                    matched[product].append(term)
        most = max(best.values(), default=0.0) or 1.0
        return [
            Hit(product, min(score / most, 1.0), tuple(matched[product]))
            for product, score in found.items()
        ]

    def _query(self, term: Term, fields: list[str]) -> Any:
        # Of letters, digits and spaces there is nothing for the parser to act upon.
        return self._index.parse_query(f'"{term}"', fields)


def _found(searcher: Any, query: Any, count: int) -> dict[str, float]:
    """The scores of the best products, best first."""
    # Tantivy makes room for as many as it is asked for, and ends the process where there is none.
    hits = searcher.search(query, max(1, min(count, searcher.num_docs)), count=False).hits
    return {searcher.doc(address)[ID][0]: float(score) for score, address in hits}


def _write(
    pool: Pool,
    folder: Path,
    fields: tuple[str, ...],
    within: Iterable[Sequence[str]] | None,
    progress: Progress,
) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, stored=True, tokenizer_name="raw")
    for name in fields:
        builder.add_text_field(name, tokenizer_name="en_stem")
    of = None if within is None else iter(within)
    if of is not None:
        builder.add_text_field(_WITHIN, tokenizer_name="raw", index_option="basic")
    writer = tantivy.Index(builder.build(), path=str(folder)).writer(_MEMORY, num_threads=1)
    with progress.task("Indexing texts", total=len(pool)) as advance:
        for batch in pool.scan(columns=[ID, *fields]):
            for product in batch.to_pylist():
                known = {name: text for name, text in product.items() if text is not None}
                document = tantivy.Document(**known)
                for one in () if of is None else next(of):
                    document.add_text(_WITHIN, one)
                writer.add_document(document)
            advance(batch.num_rows)
    writer.commit()
    writer.wait_merging_threads()
