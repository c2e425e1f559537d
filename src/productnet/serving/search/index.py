"""A search index that stands alone: words and vectors, one ranking of both, within a category.

The folder has everything a search needs and nothing else; it can be copied to another machine that
has ProductNet and no project. Words are ranked by BM25, vectors by cosine; ``hybrid`` puts the two
rankings together by reciprocal rank fusion. A query is a text, an image, both, or a product of the
index.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.catalog.images import load_image
from productnet.embeddings.nearest import FloatArray
from productnet.embeddings.queries import InitialSpace, query_product
from productnet.embeddings.sets import EmbeddingSet
from productnet.encoders.texts import well_formed
from productnet.errors import ImageError, SearchError, UnknownProduct, UsageError
from productnet.master.predictions import NO_CATEGORY
from productnet.retrieval.fusion import merits
from productnet.retrieval.keyword_index import KeywordIndex
from productnet.retrieval.keyword_query import Term, any_of, parse_query
from productnet.serving.search.within import leaves_within, nearest_within
from productnet.settings import CatalogSettings, EncoderSettings, Project, Settings
from productnet.taxonomy.tree import Taxonomy

FORMAT_VERSION: Final = 1

INDEX_FILE: Final = "index.json"
MODEL_FOLDER: Final = "model"
WORDS_FOLDER: Final = "keyword-index"
VECTORS_FOLDER: Final = "embeddings"  # as in a project, where ``InitialSpace`` looks
TAXONOMY_FILE: Final = "taxonomy.json"
TITLES_FILE: Final = "titles.arrow"
LEAVES_FILE: Final = "leaves.npy"

# Places of each ranking that are put together, for each result asked for, and at least.
_DEPTH = 5
_LEAST_DEPTH = 100


class Mode(StrEnum):
    """How products are ranked."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Found:
    """A product that a search found.

    Attributes:
        product: Its id.
        title: Of it, if it has one.
        category: The leaf it is taken for, if it is for one.
        path: The leaf's path, as people read it.
        score: BM25 as a share of the best product's, a cosine, or, of a hybrid search, what the
            product earned by its places; comparable within one search.
        keyword: Its place among the products that words found, from 1.
        vector: Its place among those that vectors found, from 1.
    """

    product: str
    title: str | None
    category: str | None
    path: str | None
    score: float
    keyword: int | None = None
    vector: int | None = None


class _Encoder(Protocol):
    def encode(self, products: pa.Table) -> FloatArray: ...


class SearchIndex:
    """An opened index; safe to share between threads.

    Example:
        >>> index = SearchIndex.open(Path("index"))  # doctest: +SKIP
        >>> index.search(text="red enamel mug", category="Kitchen", count=5)  # doctest: +SKIP

    Attributes:
        folder: Where it is.
        about: What ``index.json`` says of it.
        taxonomy: The categories it can be searched within; None without any.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, object],
        *,
        vectors: EmbeddingSet,
        words: KeywordIndex,
        taxonomy: Taxonomy | None,
        leaves: npt.NDArray[np.int32],
    ) -> None:
        self.folder = folder
        self.about = about
        self.taxonomy = taxonomy
        self._vectors = vectors
        self._words = words
        self._leaves = leaves
        with pa.memory_map(str(folder / TITLES_FILE)) as source:
            self._titles = pa.ipc.open_file(source).read_all().column("title")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The index in this folder; raises SearchError if there is none, or it is damaged."""
        file = folder / INDEX_FILE
        if not file.is_file():
            raise SearchError(
                f"{folder} holds no search index: it has no {INDEX_FILE}. Build one with "
                "`productnet index --out FOLDER`."
            )
        try:
            about = json.loads(file.read_text(encoding="utf-8"))
            version = about["format_version"]
            if version != FORMAT_VERSION:
                raise SearchError(
                    f"{folder} is a search index of format {version}; this version of ProductNet "
                    f"reads format {FORMAT_VERSION}. Build it again with `productnet index`."
                )
            named = about["taxonomy"] is not None
            return cls(
                folder,
                about,
                vectors=EmbeddingSet.open(folder / VECTORS_FOLDER / about["embedding_set"]),
                words=KeywordIndex.open(folder / WORDS_FOLDER),
                taxonomy=Taxonomy.load(folder / TAXONOMY_FILE) if named else None,
                leaves=np.load(folder / LEAVES_FILE, mmap_mode="r"),
            )
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, UsageError) as error:
            raise SearchError(
                f"The search index {folder} is damaged: {error}. Build it again with "
                "`productnet index`."
            ) from error

    def __len__(self) -> int:
        return len(self._vectors)

    def search(
        self,
        text: str | None = None,
        *,
        image: bytes | Path | None = None,
        product: str | None = None,
        category: str | None = None,
        count: int = 10,
        mode: Mode | str = Mode.HYBRID,
    ) -> list[Found]:
        """The products that answer best, best first.

        Args:
            text: In the form that ``parse_query`` explains for words; vectors take it as it is.
            image: An encoded image, or its file.
            product: The id of a product of the index, instead of both; it is not among the found.
            category: Id, path or name; found products are of it or of a category below.
            count: How many at most.
            mode: ``hybrid``, ``keyword`` or ``vector``.

        Raises:
            UsageError: Nothing is asked, or words are to find an image.
            UnknownProduct: The index has no such product.
            UnknownCategory: It has no such category.
            ImageError: The image cannot be used.
        """
        how = _mode(mode)
        if (product is None) == (text is None and image is None):
            raise UsageError("Give a text, an image or both; or the id of a product.")
        if how is Mode.KEYWORD and text is None and product is None:
            raise UsageError("Words cannot find an image. Search by vectors, or give a text.")
        if count < 1:
            raise UsageError(f"Asked for {count} products. Ask for one at least.")
        within = None if category is None else self._within(category)
        row = None if product is None else self._row(product)
        depth = max(_DEPTH * count, _LEAST_DEPTH) + (row is not None)
        by_words: dict[str, float] = {}
        by_vectors: dict[str, float] = {}
        if how is not Mode.VECTOR:
            by_words = self._by_words(self._terms(text, row), category, depth)
        if how is not Mode.KEYWORD:
            query = self._query(text, image) if row is None else self._vectors.read(np.array([row]))
            by_vectors = self._by_vectors(query, within, depth)
        for ranking in (by_words, by_vectors):
            ranking.pop(product or "", None)
        return self._joined(by_words, by_vectors, how)[:count]

    def _joined(
        self, by_words: Mapping[str, float], by_vectors: Mapping[str, float], how: Mode
    ) -> list[Found]:
        places = [
            {product: place for place, product in enumerate(ranking, 1)}
            for ranking in (by_words, by_vectors)
        ]
        scores: Mapping[str, float] = {**by_words, **by_vectors}
        if how is Mode.HYBRID:
            scores = merits([list(by_words), list(by_vectors)], trust=[1, 1])
        # Ties by place, words first: a dictionary keeps its order.
        products = sorted(scores, key=lambda one: -scores[one])
        rows = dict(zip(products, self._vectors.rows(products).tolist(), strict=True))
        return [
            Found(
                product,
                self._titles[rows[product]].as_py(),
                *self._leaf(rows[product]),
                score=float(scores[product]),
                keyword=places[0].get(product),
                vector=places[1].get(product),
            )
            for product in products
        ]

    def _leaf(self, row: int) -> tuple[str | None, str | None]:
        number = int(self._leaves[row])
        if number == NO_CATEGORY:
            return None, None
        name = self._classes[number]
        known = self.taxonomy is not None and name in self.taxonomy
        return name, self.taxonomy[name].label if self.taxonomy is not None and known else None

    def _terms(self, text: str | None, row: int | None) -> Sequence[Term]:
        if text is not None:
            return parse_query(text)
        title = None if row is None else self._titles[row].as_py()
        return any_of([(title or "", 1.0)])

    def _by_words(
        self, terms: Sequence[Term], category: str | None, depth: int
    ) -> dict[str, float]:
        within = None
        if self.taxonomy is not None and category is not None:
            within = self.taxonomy.find(category).id
        hits = self._words.search(terms, count=depth, within=within) if terms else []
        return {hit.product: hit.score for hit in hits}

    def _by_vectors(
        self, query: FloatArray, within: npt.NDArray[np.int32] | None, depth: int
    ) -> dict[str, float]:
        if not query.any() or not len(self):
            return {}
        if within is None:
            found, cosines = self._vectors.nearest(query, k=depth)
            rows, scores = found[0], cosines[0]
        else:
            best = nearest_within(self._vectors, self._leaves, within, query[0], count=depth)
            rows, scores = best.rows, best.scores
        products = self._vectors.ids.take(pa.array(rows)).to_pylist()
        return dict(zip(products, scores.tolist(), strict=True))

    def _query(self, text: str | None, image: bytes | Path | None) -> FloatArray:
        """A query's vector (1, D)."""
        if isinstance(image, Path):
            if not image.is_file():
                raise ImageError(f"There is no image {image}.")
            image = image.read_bytes()
        if image is not None:
            image = load_image(image, self._settings.images, thumbnail=False).data
        text = None if text is None else well_formed(text)
        fields = self._settings.catalog.fields
        return self._encoder.encode(query_product(fields, text=text, image=image))

    @cached_property
    def _settings(self) -> Settings:
        return Settings(
            catalog=CatalogSettings.model_validate({"fields": self.about["fields"]}),
            encoders=EncoderSettings.model_validate(self.about["encoders"]),
        )

    @cached_property
    def _encoder(self) -> _Encoder:
        """What made the vectors: the master model in the folder, or pretrained encoders."""
        if (self.folder / MODEL_FOLDER).is_dir():
            from productnet.master.model import MasterModel

            return MasterModel.load(self.folder / MODEL_FOLDER)
        return InitialSpace.open(Project(self.folder, self._settings))

    @cached_property
    def _classes(self) -> Sequence[str]:
        names = self.about["leaves"]
        return [str(name) for name in names] if isinstance(names, list) else []

    def _row(self, product: str) -> int:
        row = int(self._vectors.rows([product])[0])
        if row < 0:
            raise UnknownProduct(f'The search index {self.folder} has no product "{product}".')
        return row

    def _within(self, category: str) -> npt.NDArray[np.int32]:
        """The numbers of the leaves that are this category, or below it."""
        if self.taxonomy is None:
            raise UsageError(
                f"The search index {self.folder} has no categories. Build it again from a project "
                "with a taxonomy."
            )
        return leaves_within(self.taxonomy, self._classes, category)


def _mode(mode: Mode | str) -> Mode:
    try:
        return Mode(mode)
    except ValueError:
        raise UsageError(f'There is no mode "{mode}". Known: {", ".join(Mode)}.') from None
