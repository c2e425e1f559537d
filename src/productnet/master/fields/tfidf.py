"""TF-IDF: words, bigrams and character n-grams weighted by rarity, reduced to their main axes.

A linear SVM on these features is hard to beat on product text; here they are one input among
others. Weights as in scikit-learn's ``TfidfVectorizer(sublinear_tf=True)``: (1 + ln tf) times
ln((1 + n) / (1 + df)) + 1, words and characters scaled to unit length each. Their main axes
(latent semantic analysis, Deerwester et al. 1990) are found once, so that training sees a few
hundred numbers a product instead of thousands: a linear SVM loses nothing by it on our sets, and
an epoch takes milliseconds.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from productnet.errors import TrainingError
from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.master.fields.columns import Column, Vectors
from productnet.master.fields.words import words

# Wide enough that collisions are rare among the features that training products have.
_BUCKETS = 2**20

# Texts the axes are found on: they settle long before, and more would cost minutes.
_SAMPLE = 6_000


class Tfidf(FieldEncoder):
    """The text's place on the main axes of the training texts; nothing in it is learnt further.

    Args:
        features: How many hashed features are kept, the most frequent of the training products'.
        width: Axes kept; the encoder's dimension.
    """

    buckets: torch.Tensor  # (V,) int64, ascending
    rarity: torch.Tensor  # (V,) float32
    axes: torch.Tensor  # (V, W) float32, columns of unit length

    def __init__(self, *, features: int, width: int) -> None:
        super().__init__()
        self.dimension = width
        self.register_buffer("buckets", torch.zeros(features, dtype=torch.int64))
        self.register_buffer("rarity", torch.ones(features))
        self.register_buffer("axes", torch.zeros(features, width))

    @classmethod
    def learn(
        cls,
        field: Field,
        *,
        max_features: int = 30_000,
        min_count: int = 2,
        width: int = 256,
    ) -> Self:
        """An encoder that knows which features these texts have, how rare, and their axes."""
        counts = _counts(field.texts())
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        frequent = np.flatnonzero(frequency >= min_count)
        if not len(frequent):
            raise TrainingError(
                f"TF-IDF found no feature in {min_count} or more of {counts.shape[0]} texts. "
                "Train on more products, or leave their text out with fields=."
            )
        order = np.lexsort((frequent, -frequency[frequent]))
        kept = np.sort(frequent[order[:max_features]])
        encoder = cls(features=len(kept), width=min(width, len(kept), counts.shape[0]))
        encoder.buckets.copy_(torch.from_numpy(kept))
        rarity = np.log((1 + counts.shape[0]) / (1 + frequency[kept])) + 1
        encoder.rarity.copy_(torch.from_numpy(rarity))
        every = max(1, -(-counts.shape[0] // _SAMPLE))
        # With a fixed seed: the same texts always have the same axes.
        _, _, axes = randomized_svd(
            encoder._weighted(counts[::every]), encoder.dimension, n_iter=2, random_state=0
        )
        encoder.axes[:, : len(axes)].copy_(torch.from_numpy(np.ascontiguousarray(axes.T)))
        return encoder

    def counted_anew(self, field: Field) -> "Tfidf":
        """One that knows these texts; itself where they repeat nothing."""
        try:
            return Tfidf.learn(field, width=self.dimension)
        except TrainingError:
            return self

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {"features": len(self.buckets), "width": self.dimension}

    def prepare(self, field: Field) -> Column:
        """Texts by their place on the axes, at unit length; zeros where there is no text."""
        texts = field.texts()
        placed = self._weighted(_counts(texts)) @ self.axes.cpu().numpy()  # (N, V) -> (N, W)
        present = np.array([text is not None for text in texts], dtype=bool)
        return Vectors(torch.from_numpy(normalize(placed).astype(np.float32)), present)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(placed (B, W),) -> (B, W)."""
        (placed,) = inputs
        return placed

    def _weighted(self, counts: csr_matrix) -> csr_matrix:
        """TF-IDF of the features this encoder knows: (N, V), rows of words and characters."""
        buckets = self.buckets.cpu().numpy()
        weighted = _only(counts, buckets)
        weighted.data = (1 + np.log(weighted.data)) * self.rarity.cpu().numpy()[weighted.indices]
        split = int(np.searchsorted(buckets, _BUCKETS))  # words first, characters behind
        halves = [normalize(weighted[:, :split]), normalize(weighted[:, split:])]
        return hstack(halves, format="csr")


def _only(counts: csr_matrix, buckets: np.ndarray) -> csr_matrix:
    """``counts[:, buckets]`` of ascending buckets, without a pass over two million columns."""
    places = np.searchsorted(buckets, counts.indices.astype(np.int64))
    places[places == len(buckets)] = 0
    known = buckets[places] == counts.indices
    before = np.concatenate([[0], np.cumsum(known)])  # known counts before each place
    shape = (counts.shape[0], len(buckets))
    return csr_matrix((counts.data[known], places[known], before[counts.indptr]), shape=shape)


def _counts(texts: Sequence[str | None]) -> csr_matrix:
    """How often each text has each hashed feature: (N, 2 * buckets)."""
    shared = {"n_features": _BUCKETS, "alternate_sign": False, "norm": None, "dtype": np.float32}
    by_word = HashingVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), **shared)
    by_character = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)
    known = [text or "" for text in texts]
    return hstack([by_word.transform(known), by_character.transform(known)], format="csr")
