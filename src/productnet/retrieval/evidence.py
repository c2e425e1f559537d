"""What speaks for a product beside its vector: the leaf's name in its text, and its other words.

The local model reads vectors; its margins are put together with those of a model over words and
with a match of the leaf's name, each trusted as far as the leaf's own decisions bear it out. On
pools whose texts name the kind of product this finds the first positives; where they do not, it
changes nothing (docs/candidates.md has the figures).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit, logit
from scipy.stats import rankdata

from productnet.local.logistic_regression import LogisticRegression
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

# Positives and negatives, each, from which on the weight can be judged; and parts they are cut
# into to judge it on answers that the models have not seen.
_FEWEST = 6
_FOLDS = 3

# Scores stay off 0 and 1, whose margins are infinite.
_CLOSEST = 1e-6


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
    said = WordModel().fit(words.terms[examples.rows], examples.labels, weights=examples.weights)
    spoken = words.terms @ said.weights + said.bias  # (N, V) @ (V,) -> (N,)
    margins = logit(np.clip(scores, _CLOSEST, 1 - _CLOSEST))
    scale, spoken_scale = float(margins.std()), float(spoken.std())
    if not scale:
        return scores
    name_margin = _name_margin(words.named, examples)
    weight = 0.0
    if spoken_scale:
        weight = _weight_of_words(
            vectors, words.terms, name_margin, examples, scales=(scale, spoken_scale), seed=seed
        )
        spoken /= spoken_scale
    fused: Floats = expit(margins + scale * (name_margin + weight * spoken)).astype(np.float32)
    return fused


def _name_margin(named: Floats, examples: Examples) -> Floats:
    """What the leaf's name says (N,), in standard deviations; nothing if positives lack it."""
    positive, negative = (
        float(np.average(named[examples.rows[side]], weights=examples.weights[side]))
        for side in (examples.labels, ~examples.labels)
    )
    trust = _NAME * max(0.0, positive - negative)
    margin: Floats = (trust * (named - (positive + negative) / 2)).astype(np.float32)
    return margin


def _weight_of_words(
    vectors: Floats,
    terms: sparse.csr_array,
    name_margin: Floats,
    examples: Examples,
    *,
    scales: tuple[float, float],
    seed: int,
) -> float:
    """The weight that puts positives before negatives best, on answers not learnt from.

    Judged with logistic regression over vectors whatever the local model is, which is quick.
    """
    told = np.flatnonzero(examples.told)  # (n,)
    labels = examples.labels[told]
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return 0.0
    rng = np.random.default_rng(seed)
    part = np.full(len(examples.rows), -1)
    for side in (labels, ~labels):
        part[told[side]] = rng.permutation(int(side.sum())) % _FOLDS
    near = np.empty(len(examples.rows), np.float32)
    spoken = np.empty(len(examples.rows), np.float32)
    some_vectors = np.asarray(vectors[examples.rows], np.float32)  # (n, D)
    some_terms = terms[examples.rows]  # (n, V)
    for fold in range(_FOLDS):
        unseen, seen = part == fold, part != fold
        learnt = {"labels": examples.labels[seen], "weights": examples.weights[seen]}
        model = LogisticRegression().fit(some_vectors[seen], seed=seed, **learnt)
        near[unseen] = logit(np.clip(model.score(some_vectors[unseen]), _CLOSEST, 1 - _CLOSEST))
        said = WordModel().fit(some_terms[seen], **learnt)
        spoken[unseen] = some_terms[unseen] @ said.weights + said.bias
    scale, spoken_scale = scales
    base = near[told] / scale + name_margin[examples.rows[told]]
    gains = [
        _area(labels, base + weight * spoken[told] / spoken_scale) - _PRICE * weight
        for weight in _WEIGHTS
    ]
    return _WEIGHTS[int(np.argmax(gains))]


def _area(labels: npt.NDArray[np.bool_], margins: Floats) -> float:
    """Area under the ROC curve: how often a positive (of these n) stands before a negative."""
    positives = int(labels.sum())
    above = rankdata(margins)[labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))
