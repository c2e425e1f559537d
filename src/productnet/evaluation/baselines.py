"""Bag of words: the text baseline of the paper's table 1, in its strongest simple form.

TF-IDF over words (1-2) and characters within words (3-5) with a linear support vector machine,
which is hard to beat on product titles.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from productnet.catalog.schema import RESERVED
from productnet.errors import TrainingError

# Below this many products a word seen once is evidence; above, mostly noise and memory.
_FEW = 200
# Bounds memory on long descriptions; the commonest are kept.
_MOST_NGRAMS = 300_000


class BagOfWords:
    """A linear classifier over the words of all text fields.

    Its scores rank leaves; they are margins, not probabilities.

    Example:
        >>> shop = pa.table({"id": ["a", "b"], "title": ["blue mug", "oak chair"]})
        >>> model = BagOfWords().fit(shop, ["mugs", "chairs"])
        >>> model.predict(pa.table({"id": ["c"], "title": ["a red mug"]}))
        ['mugs']
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.classes: tuple[str, ...] = ()
        self._pipeline: Any = None

    def fit(self, products: pa.Table, labels: Sequence[str]) -> Self:
        """Learn from products and their category ids, row by row.

        Raises:
            TrainingError: Fewer than two leaves, counts that differ, or no text at all.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC

        texts = joined_texts(products)
        self._check(texts, labels)
        rare = 1 if len(texts) < _FEW else 2
        words = TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, min_df=rare, max_features=_MOST_NGRAMS,
            token_pattern=r"(?u)\b\w+\b", dtype=np.float32,
        )  # fmt: skip
        characters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=rare,
            max_features=_MOST_NGRAMS, dtype=np.float32,
        )  # fmt: skip
        self._pipeline = make_pipeline(
            make_union(words, characters), LinearSVC(random_state=self.seed)
        ).fit(texts, list(labels))
        self.classes = tuple(map(str, self._pipeline.classes_))
        return self

    def score(self, products: pa.Table) -> npt.NDArray[np.float32]:
        """How well each leaf fits each product.

        Returns:
            (N, K) float32 in the order of ``classes``, higher is better.

        Raises:
            TrainingError: The model was not fitted.
        """
        if self._pipeline is None:
            raise TrainingError("This bag of words was not fitted yet; call fit first.")
        margins = np.asarray(self._pipeline.decision_function(joined_texts(products)), np.float32)
        if margins.ndim == 1:  # two classes share one margin
            margins = np.stack([-margins, margins], axis=1)  # (N,) -> (N, 2)
        return margins

    def predict(self, products: pa.Table) -> list[str]:
        """The best category id of each product."""
        return [self.classes[column] for column in self.score(products).argmax(axis=1)]

    def _check(self, texts: list[str], labels: Sequence[str]) -> None:
        if len(texts) != len(labels):
            raise TrainingError(f"There are {len(texts)} products but {len(labels)} labels.")
        if len(set(labels)) < 2:
            raise TrainingError(
                f"A classifier needs products of two leaves or more; these are of "
                f"{len(set(labels))}. Label another leaf first."
            )
        if not any(text.strip() for text in texts):
            raise TrainingError(
                "None of the products has any text, so there are no words to learn from."
            )


def text_columns(products: pa.Table) -> list[str]:
    """Names of the columns that hold text fields."""
    return [
        field.name
        for field in products.schema
        if field.name not in RESERVED
        and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
    ]


def joined_texts(products: pa.Table) -> list[str]:
    """All text fields of each product as one string, missing ones left out."""
    columns = [products.column(name).cast(pa.string()) for name in text_columns(products)]
    if not columns:
        return [""] * len(products)
    joined = pc.binary_join_element_wise(*columns, "\n", null_handling="skip")
    texts: list[str] = joined.to_pylist()
    return texts
