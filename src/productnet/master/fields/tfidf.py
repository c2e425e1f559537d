"""TF-IDF: words, bigrams and character n-grams weighted by rarity, reduced to their main axes.

A linear SVM on these features is hard to beat on product text; here they are one input among
others. Weights as in scikit-learn's ``TfidfVectorizer(sublinear_tf=True)``: (1 + ln tf) times
ln((1 + n) / (1 + df)) + 1, words and characters scaled to unit length each. Their main axes
(latent semantic analysis, Deerwester et al. 1990) are found once, so that training sees a few
hundred numbers a product instead of thousands, and an epoch takes milliseconds.

What a few hundred axes lose are rare words; so the encoder can hand on the words themselves, to the
linear member.
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
from productnet.master.fields.words import words as words_of

# Wide enough that collisions are rare among the features that training products have.
_BUCKETS = 2**20

# Words of the linear member at most: with half of them a linear SVM loses .7 points on mwpd.
_MOST_WORDS = 131_072

# Texts the axes are found on: they settle long before, and more would cost minutes.
_SAMPLE = 6_000


class Tfidf(FieldEncoder):
    """The text's place on the main axes of the training texts; nothing in it is learnt further.

    Args:
        features: How many hashed features have a place on the axes, the most frequent of the
            training products'.
        width: Axes kept; the encoder's dimension.
        word_count: How many features the linear member reads (V), those of the axes and rarer ones;
            0 for none.
    """

    buckets: torch.Tensor  # (F,) int64, ascending; those of the linear member, or of the axes
    rarity: torch.Tensor  # (F,) float32
    placed: torch.Tensor  # (A,) int64, ascending: which of them have a place on the axes
    axes: torch.Tensor  # (A, W) float32, columns of unit length

    def __init__(self, *, features: int, width: int, word_count: int = 0) -> None:
        super().__init__()
        self.dimension = width
        self.word_count = word_count
        known = max(features, word_count)
        self.register_buffer("buckets", torch.zeros(known, dtype=torch.int64))
        self.register_buffer("rarity", torch.ones(known))
        self.register_buffer("placed", torch.arange(features))
        self.register_buffer("axes", torch.zeros(features, width))

    @classmethod
    def learn(
        cls,
        field: Field,
        *,
        max_features: int = 30_000,
        min_count: int = 2,
        width: int = 256,
        words: bool = False,
    ) -> Self:
        """An encoder that knows which features these texts have, how rare, and their axes.

        Args:
            field: The training products' texts.
            max_features: Features at most that have a place on the axes.
            min_count: Texts that a feature is in at least.
            width: Axes.
            words: Whether the linear member reads the words behind them.
        """
        counts = _counts(field.texts())
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        frequent = np.flatnonzero(frequency >= min_count)
        if not len(frequent):
            raise TrainingError(
                f"TF-IDF found no feature in {min_count} or more of {counts.shape[0]} texts. "
                "Train on more products, or leave their text out with fields=."
            )
        order = frequent[np.lexsort((frequent, -frequency[frequent]))]
        kept = np.sort(order[: max(max_features, _MOST_WORDS * words)])
        placed = np.sort(order[:max_features])
        encoder = cls(
            features=len(placed),
            width=min(width, len(placed), counts.shape[0]),
            word_count=len(kept) if words else 0,
        )
        encoder.buckets.copy_(torch.from_numpy(kept))
        encoder.placed.copy_(torch.from_numpy(np.searchsorted(kept, placed)))
        rarity = np.log((1 + counts.shape[0]) / (1 + frequency[kept])) + 1
        encoder.rarity.copy_(torch.from_numpy(rarity))
        every = max(1, -(-counts.shape[0] // _SAMPLE))
        # With a fixed seed: the same texts always have the same axes.
        _, _, axes = randomized_svd(
            _only(encoder._weighted(counts[::every]), encoder.placed.numpy()),
            encoder.dimension,
            n_iter=2,
            random_state=0,
        )
        encoder.axes[:, : len(axes)].copy_(torch.from_numpy(np.ascontiguousarray(axes.T)))
        return encoder

    def counted_anew(self, field: Field) -> "Tfidf":
        """One that knows these texts; itself where they repeat nothing."""
        try:
            return Tfidf.learn(field, width=self.dimension, words=self.word_count > 0)
        except TrainingError:
            return self

    def config(self) -> dict[str, Json]:
        """The constructor's arguments."""
        return {
            "features": len(self.placed),
            "width": self.dimension,
            "word_count": self.word_count,
        }

    def prepare(self, field: Field) -> Column:
        """Texts by their place on the axes, at unit length; zeros where there is no text.

        With the words behind it where the encoder has any for the linear member.
        """
        texts = field.texts()
        weighted = self._weighted(_counts(texts))
        axes = self.axes.cpu().numpy()
        places = _only(weighted, self.placed.cpu().numpy()) @ axes  # (N, A) -> (N, W)
        values = torch.from_numpy(normalize(places).astype(np.float32))
        present = np.array([text is not None for text in texts], dtype=bool)
        return Vectors(values, present, weighted.astype(np.float32) if self.word_count else None)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """(placed (B, W), perhaps words) -> (B, W)."""
        return inputs[0]

    def _weighted(self, counts: csr_matrix) -> csr_matrix:
        """TF-IDF of the features this encoder knows: (N, F), rows of words and characters."""
        buckets = self.buckets.cpu().numpy()
        weighted = _only(counts, buckets)
        weighted.data = (1 + np.log(weighted.data)) * self.rarity.cpu().numpy()[weighted.indices]
        split = int(np.searchsorted(buckets, _BUCKETS))  # words first, characters behind
        halves = [normalize(weighted[:, :split]), normalize(weighted[:, split:])]
        return hstack(halves, format="csr")


def _only(counts: csr_matrix, buckets: np.ndarray) -> csr_matrix:
    """``counts[:, buckets]`` of ascending buckets, without a pass over two million columns."""
    if len(buckets) == counts.shape[1]:
        return counts
    places = np.searchsorted(buckets, counts.indices.astype(np.int64))
    places[places == len(buckets)] = 0
    known = buckets[places] == counts.indices
    before = np.concatenate([[0], np.cumsum(known)])  # known counts before each place
    shape = (counts.shape[0], len(buckets))
    return csr_matrix((counts.data[known], places[known], before[counts.indptr]), shape=shape)


def _counts(texts: Sequence[str | None]) -> csr_matrix:
    """How often each text has each hashed feature: (N, 2 * buckets)."""
    shared = {"n_features": _BUCKETS, "alternate_sign": False, "norm": None, "dtype": np.float32}
    by_word = HashingVectorizer(
        tokenizer=words_of, token_pattern=None, ngram_range=(1, 2), **shared
    )
    by_character = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)
    known = [text or "" for text in texts]
    return hstack([by_word.transform(known), by_character.transform(known)], format="csr")
