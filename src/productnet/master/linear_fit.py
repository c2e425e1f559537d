"""Solving the linear member: one linear SVM a category, by scikit-learn's liblinear.

Squared hinge loss and C = 1, as a team would fit it. Not ridge: nearly all products are far from
nearly all categories, and only a hinge leaves those alone. Time grows with products times
categories, 30 to 60 microseconds each, so a preset says how many of them it has time for. Memory:
16 bytes twice for each number of a product that is not zero (80 kB with a picture), and float64
matrices of categories by features.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.svm import LinearSVC

from productnet.master.batching import Examples
from productnet.master.fields.columns import WordVectors
from productnet.master.linear import LinearMember
from productnet.master.network import MasterNetwork
from productnet.master.presets import Preset

# Logits a unit of margin, so that the mean with other members' is one of equals: on inner folds of
# our sets anything from 4 to 8 does.
_SHARPNESS = 5.0

# Stricter changes no prediction in a thousand, and takes a third longer.
_TOLERANCE = 0.1


def fit_linear(
    network: MasterNetwork, member: LinearMember, examples: Examples, preset: Preset
) -> tuple[tuple[torch.Tensor, torch.Tensor], Callable[[torch.Tensor], None]]:
    """Slopes (K, J + V) on fields and words, and intercepts (K,), in logits.

    And what puts rows (r, J + V) in place.
    """
    count, device = network.classify.out_features, network.classify.weight.device
    weights = np.where(examples.classes < count, 1.0, preset.rejected_weight)
    svm = LinearSVC(C=1.0, tol=_TOLERANCE, random_state=0)
    svm.fit(_features(network, member, examples, preset), examples.classes, sample_weight=weights)
    # Of two classes there is one line; who belongs to none has a class that no logit is for.
    lines, offsets = svm.coef_, svm.intercept_
    if len(svm.classes_) == 2:
        lines, offsets = np.concatenate([-lines, lines]), np.concatenate([-offsets, offsets])
    kept = svm.classes_ < count
    slopes = np.zeros((count, lines.shape[1]), dtype=np.float32)
    # The margin of what no product belongs to.
    intercepts = np.full(count, -1, dtype=np.float32)
    slopes[svm.classes_[kept]] = lines[kept]
    intercepts[svm.classes_[kept]] = offsets[kept]

    def put(rows: torch.Tensor) -> None:
        fields = len(member.of_fields)
        member.of_fields = rows[:, :fields].T.contiguous()
        member.of_words = rows[:, fields:].T.contiguous()

    solved = [torch.from_numpy(one).to(device) * _SHARPNESS for one in (slopes, intercepts)]
    return (solved[0], solved[1]), put


def _features(
    network: MasterNetwork, member: LinearMember, examples: Examples, preset: Preset
) -> csr_matrix:
    """(N, J + V) float64: fields, then words, of all examples."""
    column = examples.data.columns[network.words]
    assert isinstance(column, WordVectors)
    fields = []
    for start in range(0, len(examples), preset.batch_size):
        batch = examples.batch(np.arange(start, min(start + preset.batch_size, len(examples))))
        batch = batch.to(member.weight.device)
        joined = member.joined(network.encode(batch), batch.present)
        fields.append(csr_matrix(joined.cpu().numpy().astype(np.float64)))
    words = column.words[examples.rows]
    return hstack([vstack(fields), words], format="csr", dtype=np.float64)
