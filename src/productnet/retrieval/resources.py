"""What sources work with: the pool, the taxonomy, the active embeddings and the keyword index.

Each piece is opened when a source first asks for it, so that opening costs nothing and a project
without embeddings still has keyword search.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import pyarrow as pa
from scipy import sparse

from productnet.annotation.duplicate_reviews import reviewed_near_duplicates
from productnet.catalog.pool import Pool
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.initial import initial_set
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.embeddings.queries import InitialSpace
from productnet.errors import EmbeddingError
from productnet.local.model import Floats, Rows
from productnet.progress import SILENT, Progress
from productnet.retrieval.evidence import Words
from productnet.retrieval.guesses import read_guesses, refresh_guesses
from productnet.retrieval.keyword_index import KeywordIndex
from productnet.retrieval.neighbourhood import Neighbourhoods
from productnet.retrieval.recommendations import Recommendations
from productnet.retrieval.scoring import Scorer, score_now
from productnet.retrieval.terms import TermMatrix
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

# Leaves whose opinions are kept: 12 bytes a product that the master model recommends for one.
_OPINIONS_KEPT = 32

# Leaves whose names have been looked for in all texts: 4 bytes a product each.
_NAMES_KEPT = 32


class Vectors(Protocol):
    """What sources need of an embedding set."""

    @property
    def ids(self) -> pa.StringArray:
        """Product ids in the order of the matrix."""
        ...

    @property
    def vectors(self) -> Floats:
        """(N, D), rows of length one."""
        ...

    def rows(self, ids: Sequence[str]) -> Rows:
        """The row of each id; -1 where absent."""
        ...

    def read(self, rows: Rows) -> Floats:
        """Copies (n, D) of some rows."""
        ...

    def neighbours(self, rows: Rows, *, k: int) -> Rows:
        """About the k nearest products of each row (n,), nearest first: (n, k); -1 for none."""
        ...


class Space(Protocol):
    """What sources need to compare texts and images from outside the pool with its products."""

    @property
    def modalities(self) -> Collection[str]:
        """Of "image" and "text" those that products are compared by."""
        ...

    def nearest(
        self, *, text: str | None = None, image: bytes | None = None, count: int
    ) -> list[tuple[str, float]]:
        """The products nearest to this text and this image, with their cosines, nearest first."""
        ...


class Resources:
    """A project as sources see it; reference labels are not in it.

    Attributes:
        project: Where everything is.
        scorer: Gives a leaf's local model's scores; trains it first unless told otherwise.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.scorer: Scorer = score_now

    @cached_property
    def pool(self) -> Pool:
        """The products."""
        return Pool.open(self.project.pool_path)

    @cached_property
    def _has_pool(self) -> bool:
        return Pool.exists(self.project.pool_path)

    @cached_property
    def ids(self) -> pa.StringArray:
        """Every product id, in pool order."""
        return self.pool.ids()

    def titles(self, products: Collection[str]) -> dict[str, str]:
        """The title of each of these products; its id where it has none."""
        ids, title = list(products), self.project.settings.catalog.fields[0]
        texts = self.pool.take(ids, columns=[title]).column(title).to_pylist()
        return {product: text or product for product, text in zip(ids, texts, strict=True)}

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The category tree."""
        return Taxonomy.load(self.project.taxonomy_path)

    @cached_property
    def embeddings(self) -> Vectors:
        """The initial embedding set, also after a round; raises EmbeddingError while there is none.

        Local models read it. A round draws the products of a leaf together by what is labelled
        already, and a local model that reads its vectors finds less of what is missing; what the
        master model knows comes in by ``opinion``.
        """
        return initial_set(self.project)

    @cached_property
    def active_embeddings(self) -> Vectors:
        """The active embedding set, by which products are alike; the initial one until a round."""
        active = read_active(self.project)
        if active is None or active.round is None:
            return self.embeddings
        return active_set(self.project)

    @cached_property
    def neighbourhoods(self) -> Neighbourhoods:
        """Where in a big pool the leaves are, as local models see them."""
        return Neighbourhoods(self.embeddings)

    @cached_property
    def active_neighbourhoods(self) -> Neighbourhoods:
        """Where in a big pool the products are that are alike."""
        if self.active_embeddings is self.embeddings:
            return self.neighbourhoods
        return Neighbourhoods(self.active_embeddings)

    @cached_property
    def outside(self) -> Space:
        """Where texts and images from outside the pool are compared with its products.

        It is the initial embedding set, also when a round has made a better one: that would take
        the master model, and with it torch, to whoever serves pages. Raises EmbeddingError while
        there is none.
        """
        return InitialSpace.open(self.project)

    @cached_property
    def takes_text(self) -> bool:
        """Whether a text can be compared with products: not before they are embedded by theirs."""
        try:
            return "text" in self.outside.modalities
        except EmbeddingError:
            return False

    @cached_property
    def near_duplicates(self) -> NearDuplicates:
        """The pool's near-duplicates, less what people told apart.

        None until ``productnet embed`` has looked for them.
        """
        return reviewed_near_duplicates(self.project)

    def forget_near_duplicates(self) -> None:
        """They are read again when they are next asked for: somebody has reviewed some."""
        self.__dict__.pop("near_duplicates", None)

    @cached_property
    def keywords(self) -> KeywordIndex:
        """BM25 over the pool's texts, built now if it is missing or older than the pool."""
        return KeywordIndex.open_or_build(self.pool, self.project.keyword_index_path)

    @cached_property
    def _terms(self) -> tuple[TermMatrix, sparse.csr_array]:
        """The words of the pool, weighed now if missing or older, and of each embedded product."""
        matrix = TermMatrix.open_or_build(self.pool, self.project.terms_path)
        return matrix, matrix.of(self.embeddings.ids)

    @cached_property
    def _named(self) -> Callable[[str], Floats]:
        """How much of a leaf's name each embedded product says, the last names' kept."""
        matrix, terms = self._terms
        return lru_cache(_NAMES_KEPT)(lambda name: matrix.said(name, terms))

    def words(self, name: str, *, rows: Rows | None = None) -> Words | None:
        """The words of these rows (n,) of the embedding matrix, or of all; None without a pool."""
        if not self._has_pool:
            return None
        matrix, terms = self._terms
        if rows is None:
            return Words(terms, self._named(name))
        some = terms[rows]
        return Words(some, matrix.said(name, some))

    def rows(self, products: Iterable[str]) -> Rows:
        """The rows of the embedding matrix of those products that are embedded."""
        found = np.asarray(self.embeddings.rows(list(products)), np.int64)
        return found[found >= 0]

    @cached_property
    def recommendations(self) -> Recommendations | None:
        """What the master model of the active round recommends; None before the first round."""
        active = read_active(self.project)
        if active is None or active.round is None:
            return None
        return Recommendations.open(self.project.round_path(active.round), round=active.round)

    @cached_property
    def guesses(self) -> Recommendations | None:
        """The leaves that products fit by name; None until ``productnet embed`` has looked."""
        return read_guesses(self.project)

    def opinion(self, category: str, *, rows: Rows | None = None) -> Floats | None:
        """How sure the master model is of a leaf (n,), of these rows or of all; 0 where it is not.

        Rows are of the embedding matrix, ascending. None before the first round.
        """
        if self.recommendations is None:
            return None
        held, confidences = self._opinions(category)
        sure = np.zeros(len(self.embeddings.ids if rows is None else rows), np.float32)
        if rows is None:
            sure[held] = confidences
        else:
            _, places, found = np.intersect1d(rows, held, assume_unique=True, return_indices=True)
            sure[places] = confidences[found]
        return sure

    @cached_property
    def _opinions(self) -> Callable[[str], tuple[Rows, Floats]]:
        """The rows the master model has an opinion of, ascending, and how sure it is; some kept."""

        def read(category: str) -> tuple[Rows, Floats]:
            if self.recommendations is None:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            products, confidences = self.recommendations.opinion(category)
            rows = np.asarray(self.embeddings.rows(products), np.int64)
            order = np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]
            return rows[order], confidences[order]

        return lru_cache(_OPINIONS_KEPT)(read)


def refresh_words(project: Project, *, progress: Progress = SILENT) -> None:
    """Bring what is kept of the pool's words up to date with it, and what they let guess."""
    pool = Pool.open(project.pool_path)
    KeywordIndex.open_or_build(pool, project.keyword_index_path, progress=progress)
    TermMatrix.open_or_build(pool, project.terms_path, progress=progress)
    refresh_guesses(project, progress=progress)
