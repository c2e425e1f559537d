"""The model over words learns what positives say, and nothing from silence."""

import numpy as np
from scipy import sparse

from productnet.local.word_model import WordModel

ONES = np.ones(4, np.float32)
LABELS = np.array([True, True, False, False])


def test_a_word_of_the_positives_counts_for_and_one_of_the_negatives_against() -> None:
    terms = sparse.csr_array(
        np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]], np.float32)
    )
    model = WordModel().fit(terms, LABELS, weights=ONES)
    mug, blue, bowl, unheard = model.weights
    assert mug > 0.5 and bowl < -0.5
    assert abs(blue) < 0.2
    assert unheard == 0


def test_an_example_counts_as_its_weight_says() -> None:
    terms = sparse.csr_array(np.array([[1], [0], [1], [0]], np.float32))
    for_positives = np.array([1, 0.01, 0.01, 1], np.float32)
    assert WordModel().fit(terms, LABELS, weights=for_positives).weights[0] > 1
    assert WordModel().fit(terms, LABELS, weights=1.01 - for_positives).weights[0] < -1


def test_products_without_words_say_nothing() -> None:
    model = WordModel().fit(sparse.csr_array((4, 8), dtype=np.float32), LABELS, weights=ONES)
    assert not model.weights.any() and model.bias == 0
