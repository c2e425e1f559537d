"""Solving the linear member: one linear SVM a category, by scikit-learn's liblinear.

Squared hinge loss and C = 1, as a team would fit it. Not ridge: nearly all products are far from
nearly all categories, and only a hinge leaves those alone. Time grows with products times
categories: 30 microseconds for each pair with texts of 700 features. Memory: the words of all
products twice, and a float32 matrix of categories by words.
"""

from collections.abc import Callable

import numpy as np
import torch
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
    """Slopes (K, V) on words and intercepts (K,), in logits, and what puts rows (r, V) in place."""
    column = examples.data.columns[network.words]
    assert isinstance(column, WordVectors)
    words = column.words[examples.rows]
    count, device = network.classify.out_features, network.classify.weight.device
    labelled = examples.classes < count
    weights = np.where(labelled, 1.0, preset.rejected_weight)
    slopes = np.zeros((count, member.words), dtype=np.float32)
    intercepts = np.zeros(count, dtype=np.float32)
    for place in np.unique(examples.classes[labelled]):
        belongs = examples.classes == place
        if not belongs.all():
            svm = LinearSVC(C=1.0, tol=_TOLERANCE, random_state=0)
            svm.fit(words, belongs, sample_weight=weights)
            slopes[place], intercepts[place] = svm.coef_[0], svm.intercept_[0]

    def put(rows: torch.Tensor) -> None:
        member.project = rows.T.contiguous()

    solved = [torch.from_numpy(one).to(device) * _SHARPNESS for one in (slopes, intercepts)]
    return (solved[0], solved[1]), put
