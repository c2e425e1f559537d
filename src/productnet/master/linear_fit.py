"""Solving the linear member: one linear SVM a category, by scikit-learn's liblinear.

Squared hinge loss and C = 1, as a team would fit it. Not ridge: nearly all products are far from
nearly all categories, and only a hinge leaves those alone. Time grows with products times
categories, 30 to 60 microseconds each, so a preset says how many of them it has time for. Memory:
16 bytes twice for each number of a product that is not zero (80 kB with a picture), 12 bytes for
each feature of each category, and 8 more of those that are fitted at once.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.svm import LinearSVC

from productnet.master.batching import Examples
from productnet.master.fields.columns import Vectors
from productnet.master.linear import LinearMember
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset
from productnet.master.solution import Solution

# Logits a unit of margin, so that the mean with other members' is one of equals: on inner folds of
# our sets anything from 4 to 8 does.
_SHARPNESS = 5.0

# Stricter changes no prediction in a thousand, and takes a third longer.
_TOLERANCE = 0.1

# Categories that are fitted in one call.
_AT_ONCE = 256


def fit_linear(
    network: MasterNetwork, member: LinearMember, examples: Examples, preset: Preset
) -> Solution:
    """The lines, on fields and words (J + V), that part each category from all others."""
    count, device = network.classify.out_features, network.classify.weight.device
    features = _features(network, member, examples, preset)
    weights = np.where(examples.classes < count, 1.0, preset.rejected_weight)
    learnt = np.flatnonzero(weights)  # the library drops classes that weigh nothing
    features, classes, weights = features[learnt], examples.classes[learnt], weights[learnt]
    slopes = np.zeros((count, features.shape[1]), dtype=np.float32)
    # The margin of what no product belongs to.
    intercepts = np.full(count, -1, dtype=np.float32)
    for first in range(0, count, _AT_ONCE):
        inside = (classes >= first) & (classes < min(first + _AT_ONCE, count))
        targets = np.where(inside, classes, count)
        if len(np.unique(targets)) < 2:
            continue
        # The dual: the library's solver of the primal is far off at this tolerance.
        svm = LinearSVC(C=1.0, tol=_TOLERANCE, dual=True, random_state=0)
        svm.fit(features, targets, sample_weight=weights)
        for number, line, offset in _lines(svm):
            if number < count:
                slopes[number], intercepts[number] = line, offset
    slopes *= _SHARPNESS
    intercepts *= _SHARPNESS
    return Solution(
        torch.from_numpy(slopes).to(device), torch.from_numpy(intercepts).to(device), member.put
    )


def _lines(svm: LinearSVC) -> Iterator[tuple[int, np.ndarray, float]]:
    """Each class with its slopes (F,) and intercept; of two there is one line in between."""
    slopes, intercepts = svm.coef_, svm.intercept_
    if len(svm.classes_) == 2:
        slopes = np.concatenate([-slopes, slopes])
        intercepts = np.concatenate([-intercepts, intercepts])
    yield from zip(svm.classes_, slopes, intercepts, strict=True)


def _features(
    network: MasterNetwork, member: LinearMember, examples: Examples, preset: Preset
) -> csr_matrix:
    """(N, J + V) float64: fields, then words, of all examples."""
    assert network.word_input is not None
    column = examples.data.columns[network.word_input]
    assert isinstance(column, Vectors)
    assert column.words is not None
    fields = []
    for start in range(0, len(examples), preset.batch_size):
        batch = examples.batch(np.arange(start, min(start + preset.batch_size, len(examples))))
        batch = batch.to(member.weight.device)
        joined = member.joined(network.encode(batch), batch.present)
        fields.append(csr_matrix(joined.cpu().numpy().astype(np.float64)))
    words = column.words[examples.rows]
    return hstack([vstack(fields), words], format="csr", dtype=np.float64)
