"""What speaks for a product beside its vector: the leaf's name in its text, and its other words.

The local model reads vectors; its margins are put together with those of a model over words and
with a match of the leaf's name, each trusted as far as the leaf's own decisions bear it out. On
pools whose texts name the kind of product this finds the first positives; where they do not, it
changes nothing (benchmarks/README.md has the figures).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import lapack
from scipy.special import expit, logit
from scipy.stats import rankdata

from productnet.local.blocks import one_blas_thread
from productnet.local.model import Floats
from productnet.local.training import Examples
from productnet.local.word_model import WordModel

# How many standard deviations of the local model's margins the leaf's name weighs, when every
# positive says it and no negative does. From 2 to 8 makes no difference.
_NAME = 4.0

# Weights tried for the words, in standard deviations against one of the vectors; and how much
# better in area under the ROC curve a unit of it has to be than none.
_WEIGHTS = (0.0, 0.25, 0.5, 1.0)
_PRICE = 0.01

# Positives and negatives, each, from which on the weight can be judged; and answers it is judged
# by at most: time grows with their cube, and with these is some 3 ms.
_FEWEST = 6
_MOST_JUDGED = 200

# Regularisation of the models that judge, the inverse of that of the models that score.
_RIDGE = 0.1

# Scores stay off 0 and 1, whose margins are infinite.
_CLOSEST = 1e-6

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of the products that are scored.

    Attributes:
        terms: (N, V) a row for each product.
        named: (N,) how much of the leaf's name each says, 0 to 1.
    """

    terms: sparse.csr_array
    named: Floats


def with_words(
    scores: Floats, vectors: Floats, words: Words, examples: Examples, *, seed: int
) -> Floats:
    """The local model's scores (N,), after words have had their say: (N,), 0 to 1.

    Args:
        scores: Of every product, by the local model.
        vectors: What it was trained on (N, D).
        words: The products' words and the leaf's name.
        examples: What all models are trained on.
        seed: Cuts the parts that the weight of words is judged by.
    """
    if not words.terms.nnz:
        return scores
    trust, middle = _trust_in_name(words.named, examples)
    weight = _weight_of_words(
        vectors, words.terms, trust * words.named[examples.rows], examples, seed=seed
    )
    if not (trust or weight):
        return scores
    margins = logit(np.clip(scores, _CLOSEST, 1 - _CLOSEST))
    scale = float(margins.std())
    if trust:
        margins += np.float32(scale * trust) * (words.named - np.float32(middle))
    if weight:
        said = WordModel().fit(
            words.terms[examples.rows], examples.labels, weights=examples.weights
        )
        spoken = words.terms @ said.weights + np.float32(said.bias)  # (N, V) @ (V,) -> (N,)
        margins += np.float32(scale * weight / (float(spoken.std()) or 1.0)) * spoken
    fused: Floats = expit(margins, out=margins)
    return fused


def _trust_in_name(named: Floats, examples: Examples) -> tuple[float, float]:
    """How much the leaf's name weighs, none if positives lack it, and where it says neither."""
    positive, negative = (
        float(np.average(named[examples.rows[side]], weights=examples.weights[side]))
        for side in (examples.labels, ~examples.labels)
    )
    return _NAME * max(0.0, positive - negative), (positive + negative) / 2


def _weight_of_words(
    vectors: Floats,
    terms: sparse.csr_array,
    by_name: Floats,
    examples: Examples,
    *,
    seed: int,
) -> float:
    """The weight that puts positives before negatives best, on answers not learnt from.

    That is, best beside the vectors and what the leaf's name says of each example (n,).
    """
    told = np.flatnonzero(examples.told)
    if len(told) > _MOST_JUDGED:
        told = np.sort(np.random.default_rng(seed).choice(told, _MOST_JUDGED, replace=False))
    labels = examples.labels[told]
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return 0.0
    judged = np.concatenate([told, np.flatnonzero(~examples.told)])
    rows, weights = examples.rows[judged], examples.weights[judged]
    signs = np.where(examples.labels[judged], 1.0, -1.0)
    some_vectors = np.asarray(vectors[rows], np.float64)  # (n, D)
    some_terms = terms[rows]  # (n, V)
    with one_blas_thread():
        near, spoken = (
            _left_out(kernel, signs, weights)[: len(told)]
            for kernel in (some_vectors @ some_vectors.T, (some_terms @ some_terms.T).toarray())
        )
    if not near.std() or not spoken.std():
        return 0.0
    base = near / near.std() + by_name[told]
    spoken /= spoken.std()
    gains = [_area(labels, base + weight * spoken) - _PRICE * weight for weight in _WEIGHTS]
    return _WEIGHTS[int(np.argmax(gains))]


def _left_out(kernel: Doubles, signs: Doubles, weights: Floats) -> Doubles:
    """What regression on all the others says of each example: (n,).

    In closed form, for weighted kernel ridge regression with a constant (Rifkin and Lippert
    2007, "Notes on regularized least squares").
    """
    # Of a positive definite matrix a third of the work gives the diagonal of the inverse.
    factor, _ = lapack.dpotrf(kernel + 1 + np.diag(_RIDGE / weights))  # (n, n)
    solved, _ = lapack.dpotrs(factor, signs)  # (n,)
    inverse, _ = lapack.dpotri(factor)
    left_out: Doubles = signs - solved / np.diag(inverse)
    return left_out


def _area(labels: npt.NDArray[np.bool_], margins: Floats) -> float:
    """Area under the ROC curve: how often a positive (of these n) stands before a negative."""
    positives = int(labels.sum())
    above = rankdata(margins)[labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))
